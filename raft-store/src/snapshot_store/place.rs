//! Where the database lives: numbered folders in the store's own, of which the highest counts.
//!
//! ```text
//! snapshots/LOCK        held for as long as the store is open
//! snapshots/RESERVE     given up when a full disk leaves no room even for opening the database
//! snapshots/db-3        the database
//! snapshots/db-4.tmp    links to it being made; a rename makes them the present one
//! snapshots/db-copy.tmp a copy being made, as long as it takes; a rename makes it the present one
//! ```
//!
//! The next folder is made for two reasons: a rewrite that gives space back, and a database that was given
//! up after a failed write, whose locks nobody can take from it. The second is a folder of links to the same
//! files. That is sound because a database that was given up writes to no file any more but, once, through
//! its thread that condenses the log: it makes and removes names in the old folder, which the links do not see.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::backend::{Backend, Place, is_damage};
use super::database::Database;
use super::error::{Damage, SnapshotError};
use super::files::{self, disk_bytes, link_all, lock, remove_if_there};
use super::room::{Probe, Space};
use super::{Result, metadata};

const PREFIX: &str = "db-";
pub(super) const UNFINISHED: &str = ".tmp";
/// The one file that every database has from its first moment.
const COOKIE: &str = "durability_cookie";
/// Gone again as soon as it is made.
const TRIAL_FILE: &str = "TRIAL";
const RESERVE_FILE: &str = "RESERVE";
/// Bytes of it: what opening writes for some tens of thousands of leaves.
const RESERVE_BYTES: usize = 4 << 20;
/// What a database consists of. Earlier versions kept these in the store's folder itself.
const PARTS: [&str; 4] = [COOKIE, "metadata", "slabs", "DO_NOT_PUT_YOUR_FILES_HERE"];

/// A locked folder of databases.
pub(super) struct Folder {
    root: PathBuf,
    generation: u64,
    _lock: File,
}

impl Folder {
    /// Locks the folder `root`, making it and an empty database if need be, and clears away what is not the
    /// present database.
    pub(super) fn lock(root: &Path) -> Result<Self> {
        let lock = lock(root)?;
        let mut folder = Self { root: root.to_owned(), generation: 0, _lock: lock };
        let during = || format!("preparing {}", root.display());
        folder.generation = folder.newest().map_err(|error| SnapshotError::failed(during(), error))?;
        if folder.generation == 0 && root.join(COOKIE).exists() {
            folder.link_next(root).map_err(|error| SnapshotError::failed(during(), error))?;
        } else if folder.generation == 0 {
            folder.open_fresh(false)?.close().map_err(|error| SnapshotError::failed(during(), error))?;
            folder.replace()?;
        }
        folder.clear().map_err(|error| SnapshotError::failed(during(), error))?;
        Ok(folder)
    }

    fn folder(&self, generation: u64) -> PathBuf {
        self.root.join(format!("{PREFIX}{generation}"))
    }

    fn unfinished(&self) -> PathBuf {
        self.root.join(format!("{PREFIX}{}{UNFINISHED}", self.generation + 1))
    }

    /// Apart from [`Self::unfinished`]: the present database may be given up while a copy is made.
    fn copy(&self) -> PathBuf {
        self.root.join(format!("{PREFIX}copy{UNFINISHED}"))
    }

    fn newest(&self) -> io::Result<u64> {
        let mut newest = 0;
        for entry in fs::read_dir(&self.root)? {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.parse().ok());
            newest = newest.max(number.unwrap_or(0));
        }
        Ok(newest)
    }

    /// Removes everything a crash or an older version left.
    fn clear(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.root)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with(PREFIX) && path != self.folder(self.generation) {
                fs::remove_dir_all(&path)?;
            } else if PARTS.contains(&name) {
                if path.is_dir() { fs::remove_dir_all(&path)? } else { fs::remove_file(&path)? }
            }
        }
        Ok(())
    }

    /// Makes the next folder of links to the database in `from`, and the present one.
    fn link_next(&mut self, from: &Path) -> io::Result<()> {
        let to = self.unfinished();
        remove_if_there(&to)?;
        fs::create_dir_all(to.join("slabs"))?;
        fs::create_dir_all(to.join("metadata"))?;
        fs::hard_link(from.join(COOKIE), to.join(COOKIE))?;
        link_all(&from.join("slabs"), &to.join("slabs"))?;
        link_all(&from.join("metadata"), &to.join("metadata"))?;
        self.promote(to)
    }

    /// Renames the folder `from`, durable by then, to be the present one.
    fn promote(&mut self, from: PathBuf) -> io::Result<()> {
        let to = self.folder(self.generation + 1);
        for path in [COOKIE, "slabs", "metadata", ""].map(|part| from.join(part)) {
            File::open(path)?.sync_all()?;
        }
        fs::rename(from, to)?;
        self.generation += 1;
        // Whatever fails now, it is no full disk that one can wait for.
        File::open(&self.root).and_then(|root| root.sync_all()).map_err(|error| {
            io::Error::other(format!(
                "{} may or may not be found by the next start: {error}",
                self.root.display()
            ))
        })
    }

    fn open_present(&mut self, abandoned: bool) -> Result<Box<dyn Backend>> {
        let present = self.folder(self.generation);
        if abandoned {
            let during = || format!("opening {} again", present.display());
            self.link_next(&present).map_err(|error| SnapshotError::failed(during(), error))?;
            self.forget_previous();
        }
        let present = self.folder(self.generation);
        metadata::check(&present)?;
        metadata::keep_a_log(&present)?;
        self.opened(&present)
    }

    /// The folder before goes; what of it stays is cleared at the next start.
    fn forget_previous(&self) {
        let path = self.folder(self.generation - 1);
        if let Err(error) = remove_if_there(&path) {
            tracing::warn!(%error, path = %path.display(), "an old snapshot database was not removed");
        }
    }

    fn opened(&self, path: &Path) -> Result<Box<dyn Backend>> {
        match Database::open(path) {
            Ok(database) => Ok(Box::new(database)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Err(SnapshotError::InUse(path.to_owned()))
            }
            Err(error) if is_damage(&error) => {
                let what = error.to_string();
                Err(SnapshotError::Damaged(Damage { path: path.to_owned(), offset: None, what }))
            }
            Err(error) => Err(SnapshotError::failed(format!("opening {}", path.display()), error)),
        }
    }
}

impl Place for Folder {
    fn open(&mut self, abandoned: bool) -> Result<Box<dyn Backend>> {
        match self.open_present(abandoned) {
            Err(SnapshotError::Full(_)) if fs::remove_file(self.root.join(RESERVE_FILE)).is_ok() => {
                self.open_present(abandoned)
            }
            result => result,
        }
    }

    fn open_fresh(&mut self, again: bool) -> Result<Box<dyn Backend>> {
        let path = self.copy();
        if !again {
            let during = || format!("making {}", path.display());
            remove_if_there(&path).map_err(|error| SnapshotError::failed(during(), error))?;
        }
        self.opened(&path)
    }

    fn discard_fresh(&mut self) {
        let path = self.copy();
        if let Err(error) = files::empty(&path).and_then(|()| remove_if_there(&path)) {
            tracing::warn!(%error, path = %path.display(), "a copy of the snapshot database was not removed");
        }
    }

    fn replace(&mut self) -> Result<()> {
        let during = format!("replacing {}", self.folder(self.generation).display());
        self.promote(self.copy()).map_err(|error| SnapshotError::failed(during, error))?;
        self.forget_previous();
        Ok(())
    }

    fn room(&self) -> Probe {
        let root = self.root.clone();
        Arc::new(move || {
            let found = rustix::fs::statvfs(&root).ok().filter(|found| found.f_blocks > 0)?;
            let free = found.f_bavail.saturating_mul(found.f_frsize);
            Some(Space { free, files: disk_bytes(&root).ok()? })
        })
    }

    fn try_room(&self, bytes: u64) -> io::Result<()> {
        files::try_room(&self.root.join(TRIAL_FILE), bytes)
    }

    fn keep_reserve(&self) -> io::Result<()> {
        let path = self.root.join(RESERVE_FILE);
        if path.exists() {
            return Ok(());
        }
        let write = || {
            let mut file = File::create(&path)?;
            file.write_all(&vec![0; RESERVE_BYTES])?;
            file.sync_all()
        };
        // A part of it would be taken for the whole.
        write().or_else(|error| fs::remove_file(&path).and(Err(error)))
    }

    fn disk_bytes(&self) -> io::Result<u64> {
        disk_bytes(&self.root)
    }

    fn name(&self) -> String {
        self.root.display().to_string()
    }
}
