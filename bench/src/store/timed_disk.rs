//! The real disk under a log, with a clock on the syncs of the log's writer.
//!
//! Only those count that append: syncs of the thread that prepares segments are made by another thread. A rotation is
//! the writer's first sync of another file.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use parking_lot::Mutex;
use raft_store::wal::{Disk, DiskFile, FsDisk};

use super::latency::{histogram, record};

/// Name of the log's writer thread.
const WRITER: &str = "wal";

/// What was seen of the writer.
pub(crate) struct Syncs {
    /// How long each took.
    pub(crate) times: Histogram<u64>,
    /// Changes from one segment to the next.
    pub(crate) rotations: u64,
    /// The longest time from the end of a segment's last sync to the end of the next one's first, with entries
    /// waiting all the time if the load is a closed loop.
    pub(crate) rotation_max: Duration,
    last: Option<(u64, Instant)>,
    writer: Option<ThreadId>,
}

/// A disk that tells how its syncs went.
#[derive(Clone)]
pub(crate) struct TimedDisk {
    disk: Arc<FsDisk>,
    syncs: Arc<Mutex<Syncs>>,
    files: Arc<Mutex<u64>>,
}

impl fmt::Debug for TimedDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TimedDisk").field(&self.disk).finish()
    }
}

impl TimedDisk {
    /// Locks the folder `dir`.
    pub(crate) fn lock(dir: &Path) -> anyhow::Result<Self> {
        let syncs = Arc::new(Mutex::new(Syncs::none()?));
        Ok(Self { disk: Arc::new(FsDisk::lock(dir)?), syncs, files: Arc::default() })
    }

    /// What was seen since the last call.
    pub(crate) fn take_syncs(&self) -> anyhow::Result<Syncs> {
        Ok(std::mem::replace(&mut *self.syncs.lock(), Syncs::none()?))
    }

    fn timed(&self, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        let mut files = self.files.lock();
        *files += 1;
        Arc::new(TimedFile { number: *files, file, syncs: self.syncs.clone() })
    }
}

impl Syncs {
    fn none() -> anyhow::Result<Self> {
        Ok(Self { times: histogram()?, rotations: 0, rotation_max: Duration::ZERO, last: None, writer: None })
    }

    fn count(&mut self, file: u64, began: Instant, ended: Instant) {
        record(&mut self.times, ended - began);
        if let Some((last_file, last_end)) = self.last.replace((file, ended))
            && last_file != file
        {
            self.rotations += 1;
            self.rotation_max = self.rotation_max.max(ended - last_end);
        }
    }
}

impl Disk for TimedDisk {
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.timed(self.disk.create(name)?))
    }
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.timed(self.disk.open(name)?))
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }
    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }
    fn sync_dir(&self) -> io::Result<()> {
        self.disk.sync_dir()
    }
    fn free_bytes(&self) -> io::Result<u64> {
        self.disk.free_bytes()
    }
}

/// One of its files.
struct TimedFile {
    number: u64,
    file: Arc<dyn DiskFile>,
    syncs: Arc<Mutex<Syncs>>,
}

impl fmt::Debug for TimedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TimedFile({})", self.number)
    }
}

impl DiskFile for TimedFile {
    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_at(offset, buffer)
    }
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(offset, bytes)
    }
    fn allocate(&self, size: u64) -> io::Result<()> {
        self.file.allocate(size)
    }
    fn sync_data(&self) -> io::Result<()> {
        let began = Instant::now();
        let result = self.file.sync_data();
        let thread = std::thread::current();
        let mut syncs = self.syncs.lock();
        let is_writer = syncs.writer.map_or(thread.name() == Some(WRITER), |writer| writer == thread.id());
        if is_writer {
            syncs.writer = Some(thread.id());
            syncs.count(self.number, began, Instant::now());
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_writers_syncs_count_and_files_change() {
        let dir = tempfile::tempdir().unwrap();
        let disk = TimedDisk::lock(dir.path()).unwrap();
        let files = [disk.create("a").unwrap(), disk.create("b").unwrap()];
        files[0].sync_data().unwrap();
        let write =
            move || [0, 0, 1, 1, 0].into_iter().for_each(|file: usize| files[file].sync_data().unwrap());
        std::thread::Builder::new().name(WRITER.into()).spawn(write).unwrap().join().unwrap();
        let syncs = disk.take_syncs().unwrap();
        assert_eq!((syncs.times.len(), syncs.rotations), (5, 2));
        assert!(syncs.rotation_max > Duration::ZERO);
    }
}
