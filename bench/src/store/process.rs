//! What the system says of this process and of folders: memory, disk blocks, the page cache, children.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde::de::DeserializeOwned;
use tempfile::TempDir;

/// How often memory is looked at while something runs.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(20);
/// How often memory is looked at while it settles.
const SETTLE_INTERVAL: Duration = Duration::from_millis(250);
/// Looks after which memory counts as settled, whatever it does: allocators give back with a delay of seconds.
const SETTLE_LOOKS_MAX: usize = 60;
/// Looks in a row that must agree.
const SETTLE_LOOKS_SAME: usize = 8;
/// Bytes of a block as `stat` counts them.
const BLOCK_BYTES: u64 = 512;

/// Resident bytes of this process that are no file's: what it allocated.
pub(crate) fn resident_bytes() -> anyhow::Result<u64> {
    let statm = fs::read_to_string("/proc/self/statm")?;
    anonymous_pages(&statm).map(|pages| pages * rustix::param::page_size() as u64).context("/proc/self/statm")
}

/// Resident pages less those of files and shared memory.
fn anonymous_pages(statm: &str) -> Option<u64> {
    let mut fields = statm.split_whitespace().skip(1).map(str::parse::<u64>);
    let (resident, shared) = (fields.next()?.ok()?, fields.next()?.ok()?);
    resident.checked_sub(shared)
}

/// [`resident_bytes`] once they have stayed within a thousandth for two seconds.
pub(crate) fn settled_bytes() -> anyhow::Result<u64> {
    let (mut reference, mut same) = (resident_bytes()?, 0);
    for _ in 0..SETTLE_LOOKS_MAX {
        std::thread::sleep(SETTLE_INTERVAL);
        let now = resident_bytes()?;
        if now.abs_diff(reference) > reference / 1000 {
            (reference, same) = (now, 0);
        } else {
            same += 1;
        }
        if same == SETTLE_LOOKS_SAME {
            return Ok(now);
        }
    }
    Ok(reference)
}

/// Watches this process's memory until it is stopped.
pub(crate) struct MemoryPeak {
    stop: Arc<AtomicBool>,
    peak: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

impl MemoryPeak {
    /// Begins to watch.
    pub(crate) fn watch() -> Self {
        let (stop, peak) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, highest) = (stop.clone(), peak.clone());
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                highest.fetch_max(resident_bytes().unwrap_or(0), Ordering::Relaxed);
                std::thread::sleep(SAMPLE_INTERVAL);
            }
        });
        Self { stop, peak, thread }
    }

    /// The most bytes seen.
    pub(crate) fn finish(self) -> anyhow::Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow::anyhow!("the thread that watches memory ended early"))?;
        Ok(self.peak.load(Ordering::Relaxed).max(resident_bytes()?))
    }
}

/// A new folder below `dir`, removed when dropped; without `dir`, one below the system's folder for temporary files
/// that outlive a restart, since `/tmp` may be in memory.
pub(crate) fn scratch(dir: Option<&PathBuf>) -> anyhow::Result<TempDir> {
    let parent = dir.cloned().unwrap_or_else(|| "/var/tmp".into());
    fs::create_dir_all(&parent)?;
    Ok(tempfile::Builder::new().prefix("quorate-bench-").tempdir_in(parent)?)
}

/// Bytes of disk the files below `dir` take.
pub(crate) fn disk_bytes(dir: &Path) -> io::Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        // A file may be removed while this looks.
        match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => sum += disk_bytes(&entry.path())?,
            Ok(metadata) => sum += metadata.blocks() * BLOCK_BYTES,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(sum)
}

/// Writes back and empties the page cache of the whole machine; only root may. Says whether it did.
pub(crate) fn drop_page_cache() -> bool {
    rustix::fs::sync();
    fs::write("/proc/sys/vm/drop_caches", "3").is_ok()
}

/// Runs this program again with other arguments and reads the JSON it prints.
pub(crate) fn in_child<T: DeserializeOwned>(arguments: &[String]) -> anyhow::Result<T> {
    let program = std::env::current_exe()?;
    let output = Command::new(program).args(arguments).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "{} ended with {}", arguments.join(" "), output.status);
    serde_json::from_slice(&output.stdout).with_context(|| format!("what {} printed", arguments.join(" ")))
}

/// Nanoseconds since this process first asked: the clock the log's statistics are given.
pub(crate) fn clock_ns() -> u64 {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed().as_nanos() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_pages_are_not_counted() {
        assert_eq!(anonymous_pages("900 500 120 3 0 88 0\n"), Some(380));
        assert_eq!(anonymous_pages("900"), None);
        assert_eq!(anonymous_pages("900 100 120"), None);
    }

    #[test]
    fn the_peak_sees_what_was_freed_again() {
        let before = resident_bytes().unwrap();
        let watch = MemoryPeak::watch();
        let touched = vec![1_u8; 256 << 20];
        std::hint::black_box(&touched);
        while watch.peak.load(Ordering::Relaxed) < before + (128 << 20) {
            std::thread::yield_now();
        }
        drop(touched);
        assert!(watch.finish().unwrap() >= before + (128 << 20));
    }

    #[test]
    fn folders_are_summed_by_blocks() {
        let dir = scratch(Some(&std::env::temp_dir())).unwrap();
        fs::create_dir(dir.path().join("in")).unwrap();
        fs::write(dir.path().join("in/a"), vec![1; 100_000]).unwrap();
        assert!((100_000..200_000).contains(&disk_bytes(dir.path()).unwrap()));
    }
}
