//! A disk: its files, what is wrong with it, and every call on it as one step. No kernel, no thread.

use std::ffi::OsStr;
use std::time::{Duration, SystemTime};

use fuser::{FileAttr, FileType, INodeNo};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rustix::io::Errno;

use super::content::SECTOR_BYTES;
use super::faults::{Call, Faults};
use super::names::Inode;
use super::tree::{Node, Tree};

/// What a program is told to write at once.
pub(super) const BLOCK_BYTES: u32 = 4096;

/// A disk.
#[derive(Debug)]
pub(super) struct State {
    pub(super) tree: Tree,
    pub(super) faults: Faults,
    pub(super) random: StdRng,
    /// The power is off: every call fails and nothing reaches the disk.
    pub(super) off: bool,
}

/// A sync under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sync {
    inode: Inode,
    /// It covers what was written before this.
    ticket: u64,
    outcome: Result<(), Errno>,
    /// How long it takes.
    pub(super) pause: Duration,
}

impl State {
    /// An empty disk without faults.
    pub(super) fn new(seed: u64) -> Self {
        Self { tree: Tree::new(), faults: Faults::default(), random: StdRng::seed_from_u64(seed), off: false }
    }

    /// Refuses everything while the power is off.
    pub(super) fn powered(&self) -> Result<&Self, Errno> {
        if self.off { Err(Errno::IO) } else { Ok(self) }
    }

    /// Refuses changes also of a disk that is read-only.
    pub(super) fn writable(&mut self) -> Result<&mut Self, Errno> {
        self.powered()?;
        self.faults.writable()?;
        Ok(self)
    }

    pub(super) fn attributes(&self, inode: Inode) -> Result<FileAttr, Errno> {
        let (kind, perm, size) = match self.tree.node(inode)? {
            Node::File(content) => (FileType::RegularFile, 0o644, content.bytes().len() as u64),
            Node::Directory(_) => (FileType::Directory, 0o755, 0),
        };
        let time = SystemTime::UNIX_EPOCH;
        Ok(FileAttr {
            ino: INodeNo(inode),
            size,
            blocks: size.div_ceil(SECTOR_BYTES as u64),
            atime: time,
            mtime: time,
            ctime: time,
            crtime: time,
            kind,
            perm,
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: BLOCK_BYTES,
            flags: 0,
        })
    }

    pub(super) fn create(&mut self, parent: Inode, name: &OsStr, node: Node) -> Result<FileAttr, Errno> {
        let State { tree, faults, .. } = self.writable()?;
        // A new name needs room for itself: as good as a block on a full disk.
        faults.room(tree.used_bytes(), 1)?;
        let inode = tree.create(parent, name, node)?;
        self.attributes(inode)
    }

    pub(super) fn link(&mut self, inode: Inode, parent: Inode, name: &OsStr) -> Result<FileAttr, Errno> {
        let State { tree, faults, .. } = self.writable()?;
        faults.room(tree.used_bytes(), 1)?;
        tree.link(inode, parent, name)?;
        self.attributes(inode)
    }

    pub(super) fn write(&mut self, inode: Inode, offset: u64, data: &[u8]) -> Result<(), Errno> {
        let State { tree, faults, .. } = self.writable()?;
        faults.count(Call::Write, &tree.path(inode))?;
        let offset = usize::try_from(offset).map_err(|_| Errno::FBIG)?;
        grow(tree, faults, inode, offset + data.len())?;
        tree.file_mut(inode)?.write(offset, data);
        Ok(())
    }

    pub(super) fn resize(&mut self, inode: Inode, size: u64) -> Result<(), Errno> {
        let State { tree, faults, .. } = self.writable()?;
        let size = usize::try_from(size).map_err(|_| Errno::FBIG)?;
        grow(tree, faults, inode, size)?;
        tree.file_mut(inode)?.resize(size);
        Ok(())
    }

    /// Makes room for a file up to `end`; what is new is zeros.
    pub(super) fn reserve(&mut self, inode: Inode, end: u64) -> Result<(), Errno> {
        let length = self.tree.file(inode)?.bytes().len() as u64;
        if end > length { self.resize(inode, end) } else { self.writable().map(drop) }
    }

    pub(super) fn read(&self, inode: Inode, offset: u64, size: usize) -> Result<&[u8], Errno> {
        let bytes = self.powered()?.tree.file(inode)?.bytes();
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        Ok(&bytes[from..bytes.len().min(from.saturating_add(size))])
    }

    /// Begins a sync. Whether it will fail is decided now.
    pub(super) fn begin_sync(&mut self, inode: Inode) -> Result<Sync, Errno> {
        let State { tree, faults, random, .. } = self.writable()?;
        let pause = faults.sync_min + faults.sync_extra.mul_f64(random.random_range(0.0..=1.0));
        let outcome = faults.count(Call::Sync, &tree.path(inode));
        Ok(Sync { inode, ticket: tree.begin_sync(inode)?, outcome, pause })
    }

    /// Ends it.
    pub(super) fn end_sync(&mut self, sync: Sync) -> Result<(), Errno> {
        self.powered()?;
        match sync.outcome {
            Ok(()) => self.tree.end_sync(sync.inode, sync.ticket),
            Err(_) => self.tree.fail_sync(sync.inode, sync.ticket),
        }
        sync.outcome
    }
}

/// Refuses to make a file larger than there is room for.
fn grow(tree: &Tree, faults: &Faults, inode: Inode, end: usize) -> Result<(), Errno> {
    let more = end.saturating_sub(tree.file(inode)?.bytes().len());
    faults.room(tree.used_bytes(), more as u64)
}
