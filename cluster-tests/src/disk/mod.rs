//! A disk that fails on command, under real processes: a file system served by this process through FUSE.
//!
//! It keeps every byte in memory and knows of each file and directory what was synced and what was only written.
//! At a power loss what was not synced is gone, or a random part of it is kept ([`PowerLoss`]). Other faults are
//! switched while it is in use ([`Faults`]). Nothing is cached by the kernel, so every call of a program arrives.
//!
//! What it models, and how strictly:
//! - a write lasts once its file was synced after it; until then any of its 512-byte sectors may or may not
//!   (`content.rs`); a file's length lasts with it;
//! - a name lasts once its directory was synced after it (`names.rs`);
//! - a sync that failed has lost what it was to write, although reads show it and later syncs succeed (`content.rs`).
//!
//! It does not model: reordering between completed syncs, disks that lie about a sync, renames between
//! directories (refused, as between two file systems), and mapped files.
//!
//! Needs root and `/dev/fuse` ([`available`]). The file system is unmounted when its [`FaultDisk`] is dropped.

mod content;
mod faults;
mod names;
mod serve;
mod state;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, ensure};
use fuser::{BackgroundSession, Config, MountOption};
use rustix::mount::{UnmountFlags, unmount};

pub use self::content::SECTOR_BYTES;
pub use self::faults::{Call, Failing, Faults};
use self::state::State;
pub use self::tree::PowerLoss;

/// Threads that answer the kernel, so that a slow call does not hold up the others.
const THREADS: usize = 2;

/// Whether disks can be made here; if not, why.
pub fn available() -> Result<(), String> {
    if !rustix::process::geteuid().is_root() {
        return Err("mounting a file system needs root".to_owned());
    }
    match std::fs::OpenOptions::new().read(true).write(true).open("/dev/fuse") {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("/dev/fuse: {error}")),
    }
}

/// What the kernel's requests and the test share.
#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Told when the power goes: a slow sync waits no longer.
    power: Condvar,
}

impl Shared {
    fn new(seed: u64) -> Self {
        Self { state: Mutex::new(State::new(seed)), power: Condvar::new() }
    }

    /// A panic elsewhere has been reported there; the state is changed by whole steps.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A disk, mounted until dropped. Drop it after the processes that use it have ended.
#[derive(Debug)]
pub struct FaultDisk {
    shared: Arc<Shared>,
    session: Option<BackgroundSession>,
    folder: PathBuf,
}

impl FaultDisk {
    /// Mounts an empty disk at `folder`, which must exist. `seed` decides everything random.
    pub fn mount(folder: &Path, seed: u64) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared::new(seed));
        let mut config = Config::default();
        config.mount_options =
            vec![MountOption::FSName("quorate-fault-disk".to_owned()), MountOption::NoAtime];
        config.n_threads = Some(THREADS);
        let session = fuser::spawn_mount(serve::Adapter(shared.clone()), folder, &config)
            .with_context(|| format!("mount a faulty disk at {}", folder.display()))?;
        Ok(Self { shared, session: Some(session), folder: folder.to_owned() })
    }

    /// Where it is mounted.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Changes what is wrong with it.
    pub fn fault(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.shared.lock().faults);
    }

    /// Cuts the power: from now on every call fails and nothing reaches the disk. To be followed by the death of
    /// the processes that use it, and by [`FaultDisk::power_on`].
    pub fn power_off(&self) {
        self.shared.lock().off = true;
        self.shared.power.notify_all();
    }

    /// Power is back: what was not synced is lost as `how` says. Faults stay as they are.
    pub fn power_on(&self, how: PowerLoss) {
        let mut state = self.shared.lock();
        let State { tree, random, off, .. } = &mut *state;
        tree.lose_power(how, random);
        *off = false;
    }

    /// Flips bits of one byte of a file, its path being relative to [`FaultDisk::folder`].
    pub fn flip(&self, path: &Path, offset: usize, mask: u8) -> anyhow::Result<()> {
        let mut state = self.shared.lock();
        let inode = state.tree.resolve(path)?;
        ensure!(state.tree.file_mut(inode)?.flip(offset, mask), "{} has no byte {offset}", path.display());
        Ok(())
    }

    /// The bytes of a file, its path being relative to [`FaultDisk::folder`].
    pub fn read(&self, path: &Path) -> anyhow::Result<Vec<u8>> {
        let state = self.shared.lock();
        let inode = state.tree.resolve(path)?;
        Ok(state.tree.file(inode)?.bytes().to_owned())
    }

    /// Every file: its path relative to [`FaultDisk::folder`], its length, and its bytes that are not on disk yet.
    pub fn files(&self) -> BTreeMap<PathBuf, (usize, usize)> {
        self.shared.lock().tree.files()
    }

    /// Bytes of all files.
    pub fn used_bytes(&self) -> u64 {
        self.shared.lock().tree.used_bytes()
    }

    /// Writes every file into a real folder, for people to look at.
    pub fn export(&self, to: &Path) -> io::Result<()> {
        let state = self.shared.lock();
        for path in state.tree.files().keys() {
            let target = to.join(path);
            std::fs::create_dir_all(target.parent().unwrap_or(to))?;
            let inode = state.tree.resolve(path)?;
            std::fs::write(target, state.tree.file(inode)?.bytes())?;
        }
        Ok(())
    }
}

impl Drop for FaultDisk {
    fn drop(&mut self) {
        let unmounted = self.session.take().map(BackgroundSession::umount_and_join);
        if !matches!(unmounted, Some(Ok(()))) {
            // Somebody still has a file open: the mount goes now, the rest with its last user.
            let _ = unmount(&self.folder, UnmountFlags::DETACH);
        }
    }
}
