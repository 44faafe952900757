//! Answers the kernel's requests: each is one step of [`super::state`], and nothing is decided here.

use std::ffi::OsStr;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use fuser::{
    BsdFileFlags, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo, LockOwner, OpenFlags,
    RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen,
    ReplyStatfs, ReplyWrite, Request, TimeOrNow, WriteFlags,
};
use rustix::io::Errno;

use super::Shared;
use super::content::Content;
use super::names::{Inode, Names};
use super::state::BLOCK_BYTES;
use super::tree::Node;

/// Nothing is cached: names and lengths change at a power loss without the kernel's knowing.
const TTL: Duration = Duration::ZERO;
/// Size of the disk when no capacity is set.
const CAPACITY_BYTES: u64 = 1 << 40;
const NAME_BYTES_MAX: u32 = 255;

/// The disk as the kernel sees it.
pub(super) struct Adapter(pub(super) Arc<Shared>);

/// How a fuser error is made of one of ours.
fn errno(error: Errno) -> fuser::Errno {
    fuser::Errno::from_i32(error.raw_os_error())
}

impl Adapter {
    /// Syncs a file or directory. One that takes long does so on a thread of its own.
    fn sync(&self, inode: Inode, reply: ReplyEmpty) {
        let sync = match self.0.lock().begin_sync(inode) {
            Ok(sync) => sync,
            Err(error) => return reply.error(errno(error)),
        };
        let shared = self.0.clone();
        let end = move || {
            let waited = shared.power.wait_timeout_while(shared.lock(), sync.pause, |state| !state.off);
            let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            answer(reply, state.end_sync(sync));
        };
        if sync.pause.is_zero() {
            end();
        } else {
            std::thread::spawn(end);
        }
    }
}

fn answer(reply: ReplyEmpty, outcome: Result<(), Errno>) {
    match outcome {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(errno(error)),
    }
}

impl Filesystem for Adapter {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let state = self.0.lock();
        let found = state.powered().and_then(|state| state.attributes(state.tree.lookup(parent.0, name)?));
        match found {
            Ok(attributes) => reply.entry(&TTL, &attributes, Generation(0)),
            Err(error) => reply.error(errno(error)),
        }
    }

    fn getattr(&self, _: &Request, inode: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.0.lock().powered().and_then(|state| state.attributes(inode.0)) {
            Ok(attributes) => reply.attr(&TTL, &attributes),
            Err(error) => reply.error(errno(error)),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        inode: INodeNo,
        _mode: Option<u32>,
        _uid: Option<u32>,
        _gid: Option<u32>,
        size: Option<u64>,
        _atime: Option<TimeOrNow>,
        _mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        _handle: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let mut state = self.0.lock();
        let resized = size.map_or(Ok(()), |size| state.resize(inode.0, size));
        match resized.and_then(|()| state.attributes(inode.0)) {
            Ok(attributes) => reply.attr(&TTL, &attributes),
            Err(error) => reply.error(errno(error)),
        }
    }

    fn mkdir(&self, _: &Request, parent: INodeNo, name: &OsStr, _: u32, _: u32, reply: ReplyEntry) {
        match self.0.lock().create(parent.0, name, Node::Directory(Names::default())) {
            Ok(attributes) => reply.entry(&TTL, &attributes, Generation(0)),
            Err(error) => reply.error(errno(error)),
        }
    }

    fn create(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        _mode: u32,
        _umask: u32,
        _flags: i32,
        reply: ReplyCreate,
    ) {
        let mut state = self.0.lock();
        match state.create(parent.0, name, Node::File(Content::default())) {
            Ok(attributes) => {
                state.tree.opened(attributes.ino.0);
                let flags = FopenFlags::FOPEN_DIRECT_IO;
                reply.created(&TTL, &attributes, Generation(0), FileHandle(0), flags);
            }
            Err(error) => reply.error(errno(error)),
        }
    }

    fn link(&self, _: &Request, inode: INodeNo, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        match self.0.lock().link(inode.0, parent.0, name) {
            Ok(attributes) => reply.entry(&TTL, &attributes, Generation(0)),
            Err(error) => reply.error(errno(error)),
        }
    }

    fn fallocate(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        length: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        let done = match mode {
            0 => self.0.lock().reserve(inode.0, offset.saturating_add(length)),
            _ => Err(Errno::OPNOTSUPP),
        };
        answer(reply, done);
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer(reply, self.0.lock().writable().and_then(|state| state.tree.remove(parent.0, name)));
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer(reply, self.0.lock().writable().and_then(|state| state.tree.remove(parent.0, name)));
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        _: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let mut state = self.0.lock();
        let renamed =
            state.writable().and_then(|state| state.tree.rename((parent.0, name), (newparent.0, newname)));
        answer(reply, renamed);
    }

    fn open(&self, _: &Request, inode: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        let mut state = self.0.lock();
        match state.powered().and_then(|state| state.tree.file(inode.0).map(|_| ())) {
            Ok(()) => {
                state.tree.opened(inode.0);
                reply.opened(FileHandle(0), FopenFlags::FOPEN_DIRECT_IO);
            }
            Err(error) => reply.error(errno(error)),
        }
    }

    fn read(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.0.lock().read(inode.0, offset, size as usize) {
            Ok(bytes) => reply.data(bytes),
            Err(error) => reply.error(errno(error)),
        }
    }

    fn write(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.0.lock().write(inode.0, offset, data) {
            Ok(()) => reply.written(data.len() as u32),
            Err(error) => reply.error(errno(error)),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn release(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        self.0.lock().tree.closed(inode.0);
        reply.ok();
    }

    fn fsync(&self, _: &Request, inode: INodeNo, _: FileHandle, _datasync: bool, reply: ReplyEmpty) {
        self.sync(inode.0, reply);
    }

    fn fsyncdir(&self, _: &Request, inode: INodeNo, _: FileHandle, _datasync: bool, reply: ReplyEmpty) {
        self.sync(inode.0, reply);
    }

    fn readdir(&self, _: &Request, inode: INodeNo, _: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let state = self.0.lock();
        let names = match state.powered().and_then(|state| state.tree.directory(inode.0)) {
            Ok(names) => names,
            Err(error) => return reply.error(errno(error)),
        };
        let listed = names.now().iter().map(|(name, inode)| (name.as_os_str(), *inode));
        let dots = [OsStr::new("."), OsStr::new("..")].map(|name| (name, inode.0));
        for (at, (name, inode)) in dots.into_iter().chain(listed).enumerate().skip(offset as usize) {
            let kind = match state.tree.node(inode) {
                Ok(Node::Directory(_)) => FileType::Directory,
                _ => FileType::RegularFile,
            };
            if reply.add(INodeNo(inode), at as u64 + 1, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        let state = self.0.lock();
        let capacity = state.faults.capacity.unwrap_or(CAPACITY_BYTES);
        let free = capacity.saturating_sub(state.tree.used_bytes()) / u64::from(BLOCK_BYTES);
        let blocks = capacity / u64::from(BLOCK_BYTES);
        reply.statfs(blocks, free, free, 0, 0, BLOCK_BYTES, NAME_BYTES_MAX, BLOCK_BYTES);
    }
}
