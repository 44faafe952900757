//! The smallest file system the log needs, and the real one. Its faulty twin is in `testing`.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::WalError;

const LOCK_FILE: &str = "LOCK";

/// One directory of files.
pub trait Disk: Debug + Send + Sync {
    /// Creates a file, empty; one of that name is emptied.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// Opens a file for reading and writing.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// Gives a file another name; durable after [`Disk::sync_dir`].
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file; durable after [`Disk::sync_dir`]. Who has it open can still read it.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Names of all files, in no order.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Makes creations, renames and removals durable.
    fn sync_dir(&self) -> io::Result<()>;
    /// Bytes this process may still fill, quotas aside. For messages.
    fn free_bytes(&self) -> io::Result<u64>;
}

/// One open file.
pub trait DiskFile: Debug + Send + Sync {
    /// Its length in bytes.
    fn size(&self) -> io::Result<u64>;
    /// Fills `buffer` from `offset` on, or fails.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;
    /// Writes all of `bytes` at `offset`, growing the file if need be.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Takes room for `bytes` from its start, or fails at once where there is too little. Does nothing on a file
    /// system that cannot.
    fn allocate(&self, bytes: u64) -> io::Result<()>;
    /// Returns once everything written, and the length, is on disk.
    fn sync_data(&self) -> io::Result<()>;
}

/// How often a directory's lock is tried before it counts as another's.
const LOCK_TRIES_MAX: u32 = 10_000;

/// A real directory, locked for as long as this value lives.
#[derive(Debug)]
pub struct FsDisk {
    dir: PathBuf,
    _lock: File,
}

impl FsDisk {
    /// Creates `dir` if it is absent, and locks it. [`WalError::Locked`] when somebody else has it.
    pub fn lock(dir: &Path) -> Result<Self, WalError> {
        let name = dir.display().to_string();
        let file = (|| {
            create_durably(dir)?;
            OpenOptions::new().create(true).truncate(false).write(true).open(dir.join(LOCK_FILE))
        })()
        .map_err(WalError::io(&name))?;
        // A child of this process holds its locks, those just given up too, until it has become its command; the
        // snapshot database starts one at every open. So a lock that is taken is tried again, a bounded number of times.
        for _ in 0..LOCK_TRIES_MAX {
            match file.try_lock() {
                Ok(()) => return Ok(Self { dir: dir.to_owned(), _lock: file }),
                Err(TryLockError::WouldBlock) => std::thread::yield_now(),
                Err(TryLockError::Error(source)) => return Err(WalError::Io { file: name, source }),
            }
        }
        Err(WalError::Locked { dir: name })
    }
}

/// Creates `dir` and what is absent above it, and makes their names durable.
fn create_durably(dir: &Path) -> io::Result<()> {
    let dir = std::path::absolute(dir)?;
    let absent = dir.ancestors().take_while(|path| !path.exists()).count();
    fs::create_dir_all(&dir)?;
    dir.ancestors().skip(1).take(absent).try_for_each(|parent| File::open(parent)?.sync_all())
}

impl Disk for FsDisk {
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let options = OpenOptions::new().create(true).truncate(true).read(true).write(true).to_owned();
        Ok(Arc::new(options.open(self.dir.join(name))?))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(OpenOptions::new().read(true).write(true).open(self.dir.join(name))?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.dir.join(from), self.dir.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.dir.join(name))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        fs::read_dir(&self.dir)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn sync_dir(&self) -> io::Result<()> {
        File::open(&self.dir)?.sync_all()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let found = rustix::fs::statvfs(&self.dir)?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }
}

impl DiskFile for File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.read_exact_at(buffer, offset)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        match rustix::fs::fallocate(self, rustix::fs::FallocateFlags::empty(), 0, bytes) {
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => Ok(()),
            allocated => Ok(allocated?),
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        File::sync_data(self)
    }
}
