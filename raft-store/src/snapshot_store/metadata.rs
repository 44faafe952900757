//! Checks the database's own bookkeeping before it is opened.
//!
//! The database takes a damaged frame in its log for the log's end: what came behind it would be gone
//! without a word, and what is left could name leaves that were overwritten since. A crash can only have
//! torn the newest log's last frame; anything else is damage, and is named by file and offset. Damage to
//! that last frame itself looks like a crash: the database is then as it was one flush earlier, whole.
//!
//! And it makes up for one thing the database gets wrong ([`keep_a_log`]).
//!
//! The format is that of the version `database` names (`metadata_store.rs`, `heap.rs` there): files `snapshot_N` (one
//! frame) and `log_N` (frames); a frame is 6 bytes of length, 2 of their CRC, the payload, 4 of a CRC over all.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::Result;
use super::error::{Damage, SnapshotError};

/// Length and its checksum.
const HEAD_BYTES: usize = 8;
const CRC_BYTES: usize = 4;
const CRC_MASK: u32 = 0xAF;
/// The database's settings: two bytes of version, then fields, the last four a checksum.
const COOKIE: &str = "durability_cookie";
const COOKIE_BYTES: usize = 64;
const COOKIE_VERSION: u16 = 1;

/// Checks what stands in the database folder `folder`.
pub(super) fn check(folder: &Path) -> Result<()> {
    check_cookie(&folder.join(COOKIE))?;
    let files = Files::list(&folder.join("metadata"))?;
    if let Some(path) = files.snapshot() {
        let bytes = read(path)?;
        if frame(&bytes).is_none() {
            return Err(damaged(path, 0, "its checksum is wrong"));
        }
    }
    let first = files.snapshots.keys().next_back().map_or(1, |snapshot| snapshot + 1);
    let logs: Vec<_> = files.logs.range(first..).collect();
    for (at, &(number, path)) in logs.iter().enumerate() {
        if *number != first + at as u64 {
            return Err(damaged(path, 0, "the one before it is missing"));
        }
        check_log(path, at + 1 == logs.len())?;
    }
    Ok(())
}

/// Makes a log behind the newest snapshot, durably, if there is none.
///
/// Opening, the database condenses snapshot and logs into a snapshot named after the last log, then removes what
/// that replaces. Without a log the old and the new name are the same, and it removes the new snapshot: everything
/// would be gone with the next power loss. A power loss brings this about, because the name of the log
/// that an opening makes is synced by the first write only.
pub(super) fn keep_a_log(folder: &Path) -> Result<()> {
    let folder = folder.join("metadata");
    let files = Files::list(&folder)?;
    let Some(newest) = files.snapshots.keys().next_back() else { return Ok(()) };
    if files.logs.keys().next_back() > Some(newest) {
        return Ok(());
    }
    let path = folder.join(format!("log_{:016x}", newest + 1));
    let made =
        File::create(&path).and_then(|file| file.sync_all()).and_then(|()| File::open(&folder)?.sync_all());
    made.map_err(|error| SnapshotError::failed(format!("making {}", path.display()), error))
}

fn check_cookie(path: &Path) -> Result<()> {
    let cookie = read(path)?;
    let Some((body, crc)) = cookie.split_at_checked(COOKIE_BYTES - CRC_BYTES) else {
        return Err(damaged(path, cookie.len() as u64, "it is too short"));
    };
    if crc != (crc32fast::hash(body) ^ CRC_MASK).to_le_bytes() {
        return Err(damaged(path, 0, "its checksum is wrong"));
    }
    match u16::from_le_bytes([body[0], body[1]]) {
        COOKIE_VERSION => Ok(()),
        version => Err(SnapshotError::UnknownVersion { path: path.to_owned(), version: version.into() }),
    }
}

fn check_log(path: &Path, newest: bool) -> Result<()> {
    let bytes = read(path)?;
    let mut at = 0;
    while at < bytes.len() {
        match frame(&bytes[at..]) {
            Some(len) => at += len,
            None if newest && (at + 1..bytes.len()).all(|later| frame(&bytes[later..]).is_none()) => break,
            None => return Err(damaged(path, at as u64, "a frame's checksum is wrong")),
        }
    }
    Ok(())
}

/// The length of the frame that `bytes` begin with, if it is a good one.
fn frame(bytes: &[u8]) -> Option<usize> {
    let (head, rest) = bytes.split_at_checked(HEAD_BYTES)?;
    if head[6..] != (crc32fast::hash(&head[..6]) as u16).to_le_bytes() {
        return None;
    }
    let mut len = [0; 8];
    len[..6].copy_from_slice(&head[..6]);
    let len = usize::try_from(u64::from_le_bytes(len)).ok()?;
    let crc = rest.get(len..len.checked_add(CRC_BYTES)?)?;
    let sum = crc32fast::hash(&bytes[..HEAD_BYTES + len]) ^ CRC_MASK;
    (crc == sum.to_le_bytes()).then_some(HEAD_BYTES + len + CRC_BYTES)
}

/// The files by their number.
#[derive(Default)]
struct Files {
    snapshots: BTreeMap<u64, PathBuf>,
    logs: BTreeMap<u64, PathBuf>,
}

impl Files {
    fn list(folder: &Path) -> Result<Self> {
        let mut files = Self::default();
        let failed = |error| SnapshotError::failed(format!("listing {}", folder.display()), error);
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(damaged(folder, 0, "it is missing"));
            }
            entries => entries.map_err(failed)?,
        };
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let number = |prefix| u64::from_str_radix(name.strip_prefix(prefix)?, 16).ok();
            if let Some(number) = number("snapshot_") {
                files.snapshots.insert(number, path);
            } else if let Some(number) = number("log_") {
                files.logs.insert(number, path);
            } else if name.starts_with("snapshot_") && !name.ends_with(".tmp") || name.starts_with("log_") {
                return Err(damaged(&path, 0, "its name holds no number"));
            }
        }
        Ok(files)
    }

    /// The newest, which is the one the database reads.
    fn snapshot(&self) -> Option<&Path> {
        self.snapshots.values().next_back().map(PathBuf::as_path)
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => damaged(path, 0, "it is missing"),
        _ => SnapshotError::failed(format!("reading {}", path.display()), error),
    })
}

fn damaged(path: &Path, offset: u64, what: &str) -> SnapshotError {
    SnapshotError::Damaged(Damage { path: path.to_owned(), offset: Some(offset), what: what.to_owned() })
}
