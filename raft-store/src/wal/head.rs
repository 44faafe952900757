//! The segment being written, and the room it has.

use std::io;
use std::sync::Arc;

use super::disk::DiskFile;
use super::frame::{HEADER_BYTES, Home};

/// The segment being written.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) home: Home,
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) offset: u64,
    /// Bytes of the file.
    size: u64,
}

impl Head {
    /// Goes on in `file` at `offset`.
    pub(super) fn new(home: Home, file: Arc<dyn DiskFile>, offset: u64) -> io::Result<Self> {
        let size = file.size()?;
        Ok(Self { home, file, offset, size })
    }

    /// Whether nothing was written to it yet.
    pub(super) fn is_fresh(&self) -> bool {
        self.offset == HEADER_BYTES as u64
    }

    /// Bytes that still fit besides `bytes`.
    pub(super) fn room(&self, bytes: usize) -> usize {
        usize::try_from(self.size.saturating_sub(self.offset)).unwrap_or(usize::MAX).saturating_sub(bytes)
    }

    /// Whether `bytes` fit, with `left` to spare.
    pub(super) fn fits(&self, bytes: usize, left: u64) -> bool {
        self.offset + bytes as u64 + left <= self.size
    }
}
