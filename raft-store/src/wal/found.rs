//! Entries to be read: found under the log's lock, read without it.

use std::io;
use std::sync::Arc;

use super::disk::DiskFile;
use super::error::while_doing;
use super::frame::segment_name;
use super::record::{Entry, EntryId, Position, read_entry};
use crate::GroupId;

/// An entry to be read: from memory, or from where it is on disk.
#[derive(Debug)]
pub(super) enum Found {
    Cached(Entry),
    Stored { group: GroupId, id: EntryId, at: Position, file: Arc<dyn DiskFile> },
}

impl Found {
    /// The entry; reads the disk if it must, and verifies what it read.
    pub(super) fn load(self) -> io::Result<Entry> {
        match self {
            Self::Cached(entry) => Ok(entry),
            Self::Stored { group, id, at, file } => {
                let place = || {
                    let (file, offset, index) = (segment_name(at.segment), at.offset, id.index);
                    format!("reading entry {index} of group {group} at byte {offset} of {file}")
                };
                let mut record = vec![0; at.len as usize];
                file.read_at(at.offset, &mut record).map_err(|error| while_doing(place())(error))?;
                read_entry(&record.into(), group, id).map_err(|error| while_doing(place())(error.into()))
            }
        }
    }

    /// Whether [`Found::load`] reads the disk.
    pub(super) fn is_stored(&self) -> bool {
        matches!(self, Self::Stored { .. })
    }

    /// Bytes it takes in a segment.
    pub(super) fn stored_bytes(&self) -> u64 {
        match self {
            Self::Cached(entry) => entry.stored_bytes() as u64,
            Self::Stored { at, .. } => at.len.into(),
        }
    }
}
