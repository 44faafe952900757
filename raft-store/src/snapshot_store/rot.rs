//! Damage met in the middle of things: the database answers nothing after it, and what it had not flushed is gone
//! with it. So what waits to be flushed is kept here and written again to the database opened anew, and a key that
//! could not be read is not read again. Whoever owns the database has it rescued (`rescue`) soon.

use std::collections::BTreeSet;
use std::io;

use bytes::Bytes;

use super::Result;
use super::error::SnapshotError;
use super::keeper::{Inner, Kind};

/// Keys with what they were set to; `None` for one that was removed.
pub(super) type Waiting = Vec<(Vec<u8>, Option<Bytes>)>;

/// What is known of damage, and kept against it.
#[derive(Default)]
pub(super) struct Rot {
    /// Whether any was met in the present database.
    pub(super) found: bool,
    /// Keys that could not be read: at most those of all damaged leaves.
    unreadable: BTreeSet<Vec<u8>>,
    /// What was written since the last flush, at most `SNAPSHOT_UNFLUSHED_BYTES_MAX` and one chunk.
    waiting: Waiting,
}

impl Rot {
    /// `key` was set to `value`, or removed, and waits to be flushed.
    pub(super) fn wait(&mut self, key: &[u8], value: Option<&[u8]>) {
        self.waiting.push((key.to_vec(), value.map(Bytes::copy_from_slice)));
    }

    /// What waited to be flushed: it is durable, or lost, or about to be written again.
    pub(super) fn take_waiting(&mut self) -> Waiting {
        std::mem::take(&mut self.waiting)
    }
}

impl Inner {
    /// The value of `key`.
    pub(super) fn value(&mut self, key: &[u8]) -> Result<Option<Bytes>> {
        if self.rot.unreadable.contains(key) {
            let error = io::Error::new(io::ErrorKind::InvalidData, "it could not be read before");
            return Err(SnapshotError::failed(format!("reading in {}", self.place.name()), error));
        }
        // One that is given up without anything to flush gives its memory back.
        if self.rot.found
            && self.dirty
            && self.ensure_room(0).is_ok()
            && let Err(error) = self.flush()
        {
            tracing::warn!(%error, "not flushed before a damaged database is read");
        }
        let read = self.run(Kind::Read, "reading", |backend| backend.get(key));
        read.inspect_err(|error| {
            if error.is_damage() {
                self.rot.unreadable.insert(key.to_vec());
            }
        })
    }

    /// Writes `waiting` to the database opened again. If that fails, it is lost.
    pub(super) fn write_again(&mut self, waiting: Waiting) {
        if waiting.is_empty() {
            return;
        }
        if let Err(error) = self.open_if_need_be() {
            tracing::error!(%error, "what waited to be flushed is lost");
            self.losses += 1;
            return;
        }
        let Some(backend) = self.backend.as_deref_mut() else { return };
        let written = waiting.iter().try_for_each(|(key, value)| match value {
            Some(value) => backend.insert(key, value),
            None => backend.remove(key).map(drop),
        });
        self.dirty = true;
        if let Err(error) = written {
            let error = self.give_up(Kind::Flush, "writing again", error);
            tracing::error!(%error, "what waited to be flushed is lost");
            return;
        }
        let bytes = waiting.iter().filter_map(|(_, value)| value.as_ref()).map(Bytes::len).sum();
        (self.unflushed, self.resident, self.rot.waiting) = (bytes, bytes, waiting);
    }

    /// Another database, without damage known, has taken the present one's place.
    pub(super) fn forget_rot(&mut self) {
        self.rot = Rot::default();
    }
}
