//! What the place does with files and folders: locks, links, removes, measures and sets aside.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

use super::Result;
use super::error::SnapshotError;
use super::place::UNFINISHED;

/// Held over everything that starts a child process, and over taking a lock: until a child has become its
/// program it holds every lock of this process, those just given up too.
pub(super) static CHILDREN: Mutex<()> = Mutex::new(());

const LOCK_FILE: &str = "LOCK";
/// How often the lock is tried before it counts as another's: a child that somebody else started may hold it.
const LOCK_TRIES_MAX: u32 = 10_000;
/// How often links are made anew when files came or went meanwhile.
const LINK_TRIES_MAX: u32 = 100;

/// Locks the folder `root`, making it if need be.
pub(super) fn lock(root: &Path) -> Result<File> {
    let during = |error| SnapshotError::failed(format!("locking {}", root.display()), error);
    fs::create_dir_all(root).map_err(during)?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(root.join(LOCK_FILE))
        .map_err(during)?;
    let _no_child = CHILDREN.lock();
    for _ in 0..LOCK_TRIES_MAX {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => std::thread::yield_now(),
            Err(TryLockError::Error(error)) => return Err(during(error)),
        }
    }
    Err(SnapshotError::InUse(root.to_owned()))
}

/// Bytes that all files under `path` take of the disk.
pub(super) fn disk_bytes(path: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        // Files of the database come and go in its own thread.
        bytes += match entry.metadata() {
            Ok(data) if data.is_dir() => disk_bytes(&entry.path())?,
            Ok(data) => data.blocks() * 512,
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
    }
    Ok(bytes)
}

/// Takes `bytes` of the disk by a file `path`, which is not there afterwards.
pub(super) fn try_room(path: &Path, bytes: u64) -> io::Result<()> {
    let file = File::create(path)?;
    // Without its name already the room comes back even if we crash.
    fs::remove_file(path)?;
    match fallocate(&file, FallocateFlags::empty(), 0, bytes) {
        Err(Errno::OPNOTSUPP) => Ok(()),
        tried => Ok(tried?),
    }
}

/// Cuts off all files under `path`, if there are any, which gives their room back even if they are open; but not
/// those that are linked from elsewhere too.
pub(super) fn empty(path: &Path) -> io::Result<()> {
    if !path.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let found = entry.metadata()?;
        if found.is_dir() {
            empty(&entry.path())?;
        } else if found.nlink() == 1 {
            File::create(entry.path())?;
        }
    }
    Ok(())
}

pub(super) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !name.ends_with(UNFINISHED) {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Links all files of one folder into another, as they stand at one moment.
pub(super) fn link_all(from: &Path, to: &Path) -> io::Result<()> {
    for _ in 0..LINK_TRIES_MAX {
        for name in names(to)? {
            fs::remove_file(to.join(name))?;
        }
        let found = names(from)?;
        let linked = found.iter().try_for_each(|name| fs::hard_link(from.join(name), to.join(name)));
        match linked {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            result => result?,
        }
        if names(from)? == found {
            return Ok(());
        }
    }
    Err(io::Error::other(format!("the files of {} do not come to rest", from.display())))
}

/// Renames the damaged folder `root` to `root.damaged-N`, so that it can be looked into. Only the newest one
/// is kept. Returns its new path.
pub(super) fn set_aside(root: &Path) -> Result<PathBuf> {
    let _lock = lock(root)?;
    move_aside(root)
        .map_err(|error| SnapshotError::failed(format!("setting {} aside", root.display()), error))
}

fn move_aside(root: &Path) -> io::Result<PathBuf> {
    let root = fs::canonicalize(root)?;
    let (Some(parent), Some(name)) = (root.parent(), root.file_name().and_then(|name| name.to_str())) else {
        return Err(io::Error::other("it has no name of its own"));
    };
    let prefix = format!("{name}.damaged-");
    let mut older: Vec<(u64, PathBuf)> = Vec::new();
    for entry in fs::read_dir(parent)? {
        let path = entry?.path();
        let number = path.file_name().and_then(|name| name.to_str()?.strip_prefix(&prefix)?.parse().ok());
        older.extend(number.map(|number| (number, path)));
    }
    let next = older.iter().map(|(number, _)| number + 1).max().unwrap_or(1);
    let aside = parent.join(format!("{prefix}{next}"));
    fs::rename(&root, &aside)?;
    File::open(parent)?.sync_all()?;
    older.iter().try_for_each(|(_, path)| fs::remove_dir_all(path))?;
    Ok(aside)
}
