//! What a process believes the time to be.
//!
//! The wall clock is libfaketime's, which a process loads before libc and which reads a file each time it is asked:
//! it can step while the process runs. The boot clock is that of a time namespace: its distance from the machine's
//! is fixed when the process starts. The monotonic clock is the machine's: `quorate` asks the kernel without libc.

use std::path::{Path, PathBuf};

use anyhow::Context;

/// Where Debian's package `libfaketime` puts it, by machine.
const FAKE_TIME: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
];

/// Where libfaketime shares memory between a process and its children.
const SHARED_MEMORY: [&str; 2] = ["/dev/shm/faketime_shm_", "/dev/shm/sem.faketime_sem_"];

/// What is wrong with a process's clocks; by default nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clocks {
    /// The boot clock is so far ahead of the machine's, s.
    pub boot_ahead_s: Option<u32>,
    /// The file that says how far the wall clock is off ([`step_wall`]).
    pub wall: Option<PathBuf>,
}

impl Clocks {
    /// Commands to start a process through.
    pub(super) fn through(&self) -> Vec<String> {
        let Some(ahead) = self.boot_ahead_s else { return Vec::new() };
        ["unshare", "--time", "--boottime", &ahead.to_string(), "--"].map(str::to_owned).to_vec()
    }

    /// Variables to start a process with.
    pub(super) fn environment(&self) -> Vec<(String, String)> {
        let (Some(library), Some(file)) = (fake_time(), &self.wall) else { return Vec::new() };
        let file = file.display().to_string();
        let pairs = [
            ("LD_PRELOAD", library),
            ("FAKETIME_TIMESTAMP_FILE", &file),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }

    /// What libfaketime makes for each process, and leaves when the process is killed.
    pub(super) fn litter(&self) -> Vec<&'static str> {
        if self.wall.is_some() { SHARED_MEMORY.to_vec() } else { Vec::new() }
    }
}

/// libfaketime, where it is installed.
pub fn fake_time() -> Option<&'static str> {
    FAKE_TIME.into_iter().find(|path| Path::new(path).is_file())
}

/// Sets how far the wall clocks that follow `file` are off, s.
pub fn step_wall(file: &Path, off_s: i64) -> anyhow::Result<()> {
    let new = file.with_extension("new");
    // Renamed into place: a process never reads half a number.
    std::fs::write(&new, format!("{off_s:+}\n")).with_context(|| format!("write {}", new.display()))?;
    std::fs::rename(&new, file).with_context(|| format!("write {}", file.display()))
}
