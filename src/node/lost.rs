//! A node whose log is damaged or gone: it cannot come back under its id, and this is what can be done instead.
//!
//! Votes and acknowledged entries may be gone with the log. A voter that forgot them could vote twice in a term, or
//! help to elect a leader without a write it acknowledged; so nothing here is automatic, and the id is given up for
//! ever. Its data comes back from the other nodes, under a new id. (A damaged snapshot is another matter: see
//! `repair`.)

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use raft_store::NodeId;
use raft_store::wal::{SharedLog, WalError, WalOptions};
use rustix::io::Errno;

use super::identity::IdentityFile;

/// Why a node cannot start, now or later, with the log it has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the log in {} is lost: {why}. Votes and writes that this node acknowledged may be gone with it, so it must not \
     come back under its id",
    dir.display()
)]
pub struct LostLog {
    /// The log's folder.
    pub dir: PathBuf,
    /// File, offset and what is wrong there; or that it is missing.
    pub why: String,
}

/// A node that has to be replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostNode {
    /// Its id, never to be used again.
    pub node: NodeId,
    /// Where the cluster's other nodes listened for peers when it last knew.
    pub peers: BTreeMap<NodeId, String>,
    /// What is wrong with its log.
    pub lost: LostLog,
}

/// Opens the log of a data folder, as `open` does it, unless it is lost. A `member` of a cluster had one.
pub(super) fn open_log(
    data_dir: &Path,
    member: bool,
    open: impl FnOnce(&Path) -> Result<SharedLog, WalError>,
) -> anyhow::Result<SharedLog> {
    let dir = data_dir.join("log");
    let lost = |why: String| LostLog { dir: dir.clone(), why };
    if member && !SharedLog::is_in(&dir)? {
        return Err(lost("it is missing; if it is only not mounted, put it back".to_owned()).into());
    }
    open(&dir).map_err(|error| match error {
        WalError::Corrupt { .. } | WalError::MissingSegment { .. } | WalError::Hole { .. } => {
            lost(error.to_string()).into()
        }
        error => error.into(),
    })
}

/// Looks at the data folder of a node that does not run. `None`: its log is whole.
///
/// # Errors
/// The folder is no node's, or in use, or cannot be read for a reason other than damage.
pub fn examine(data_dir: &Path) -> anyhow::Result<Option<LostNode>> {
    let identity = IdentityFile::read(data_dir)?;
    let identity = identity.with_context(|| format!("{} is no node's data folder", data_dir.display()))?;
    let Some(cluster) = identity.cluster else { return Ok(None) };
    match open_log(data_dir, true, |dir| SharedLog::open(dir, WalOptions::default())) {
        Ok(log) => log.close().map(|()| None).context("closing the log"),
        Err(error) => {
            let lost = lost_for_good(error, data_dir)?;
            let peers = cluster.peers.into_iter().filter(|(node, _)| *node != identity.node).collect();
            Ok(Some(LostNode { node: identity.node, peers, lost }))
        }
    }
}

/// What an operator may take for lost beside what the start does: a log that the disk does not give back. It is left
/// to a person, since a cable or a controller may be at fault.
fn lost_for_good(error: anyhow::Error, data_dir: &Path) -> anyhow::Result<LostLog> {
    match error.downcast_ref::<WalError>() {
        Some(WalError::Io { source, .. }) if is_unreadable(source) => {
            Ok(LostLog { dir: data_dir.join("log"), why: format!("unreadable: {error}") })
        }
        _ => error.downcast::<LostLog>(),
    }
}

/// Whether the disk, or the file system by its own checksums, says that what was stored is not there any more.
fn is_unreadable(error: &io::Error) -> bool {
    let lost = [Errno::IO, Errno::BADMSG, Errno::UCLEAN];
    error.raw_os_error().is_some_and(|code| lost.iter().any(|errno| errno.raw_os_error() == code))
}

/// Where [`set_aside`] would move a data folder: the first `….damaged-N` that is free.
///
/// # Errors
/// The folder has no name of its own.
pub fn aside_of(data_dir: &Path) -> anyhow::Result<PathBuf> {
    let data_dir = fs::canonicalize(data_dir)?;
    let name = data_dir.file_name().and_then(|name| name.to_str()).context("the folder has no plain name")?;
    let free = (1..).map(|number| data_dir.with_file_name(format!("{name}.damaged-{number}")));
    free.into_iter().find(|path| !path.exists()).context("no name is free")
}

/// Renames a data folder, durably, so that no node starts on it by mistake; where it is now.
///
/// # Errors
/// It cannot be renamed: a mount point, say.
pub fn set_aside(data_dir: &Path) -> anyhow::Result<PathBuf> {
    let aside = aside_of(data_dir)?;
    ensure!(aside.parent().is_some(), "{} has no folder around it", data_dir.display());
    fs::rename(data_dir, &aside)
        .with_context(|| format!("moving {} to {}", data_dir.display(), aside.display()))?;
    let parent = aside.parent().context("a file has a folder around it")?;
    File::open(parent)?.sync_all()?;
    Ok(aside)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_error(errno: Errno) -> WalError {
        let source = io::Error::from_raw_os_error(errno.raw_os_error());
        WalError::Io { file: "3.wal".to_owned(), source }
    }

    #[test]
    fn a_log_that_cannot_be_read_is_lost_on_demand_and_not_at_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let opened = |errno| open_log(folder.path(), false, |_| Err(read_error(errno))).unwrap_err();
        assert!(!opened(Errno::IO).is::<LostLog>(), "a start says what failed and no more");
        for errno in [Errno::IO, Errno::BADMSG, Errno::UCLEAN] {
            let lost = lost_for_good(opened(errno), folder.path()).unwrap();
            assert!(lost.why.contains("3.wal") && lost.dir == folder.path().join("log"), "{lost}");
        }
        assert!(
            lost_for_good(opened(Errno::ACCESS), folder.path()).is_err(),
            "it may be readable to another"
        );
        assert!(lost_for_good(opened(Errno::NOSPC), folder.path()).is_err(), "that is no loss");
    }
}
