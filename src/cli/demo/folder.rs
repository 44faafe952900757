//! The folder of a demo: temporary unless the user names one.

use std::path::{Path, PathBuf};

use raft_store::NodeId;
use tempfile::TempDir;

use super::plan::Plan;
use crate::cli::fail::Failure;

/// Where the nodes keep their data.
#[derive(Debug)]
pub(super) enum Folder {
    /// Removed at the end.
    Temporary(TempDir),
    /// The user's, kept.
    Kept(PathBuf),
}

impl Folder {
    /// The user's folder, created if it is not there, or a temporary one.
    pub(super) fn open(named: Option<PathBuf>) -> Result<Self, Failure> {
        let Some(path) = named else {
            return Ok(Self::Temporary(TempDir::with_prefix("quorate-demo-")?));
        };
        let unusable = |error: std::io::Error| {
            Failure::usage("--data-dir cannot be used", format!("{}: {error}", path.display()))
        };
        std::fs::create_dir_all(&path).map_err(unusable)?;
        Ok(Self::Kept(path.canonicalize().map_err(unusable)?))
    }

    /// Its path.
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Kept(path) => path,
        }
    }

    /// What becomes of it, for the introduction.
    pub(super) fn fate(&self) -> &'static str {
        match self {
            Self::Temporary(_) => "removed at the end; --data-dir DIR keeps it",
            Self::Kept(_) => "kept",
        }
    }

    /// Removes a temporary folder, unless nodes the user restarted still use it; what to tell the user.
    pub(super) fn close(self, plan: &Plan, left: &[NodeId]) -> String {
        let path = self.path().to_owned();
        if let Some(first) = left.first() {
            if let Self::Temporary(folder) = self {
                let _kept = folder.keep();
            }
            return format!(
                "Stopped, but node {first}, which was restarted by hand, still runs: stop it where it was started. \
                 Its data is in {}",
                path.display()
            );
        }
        match self {
            Self::Kept(_) => format!("Stopped. To go on with this data: {}", plan.resume(&path)),
            Self::Temporary(folder) => match folder.close() {
                Ok(()) => "Stopped. The data was removed.".into(),
                Err(error) => format!("Stopped. Could not remove {}: {error}", path.display()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan::new(Path::new("/nowhere"), None, None, [7070, 7170, 7270, 7370]).unwrap()
    }

    #[test]
    fn a_temporary_folder_goes_and_a_named_one_stays() {
        let temporary = Folder::open(None).unwrap();
        let path = temporary.path().to_owned();
        assert!(path.is_dir());
        temporary.close(&plan(), &[]);
        assert!(!path.exists());

        let parent = tempfile::tempdir().unwrap();
        let kept = Folder::open(Some(parent.path().join("new"))).unwrap();
        let path = kept.path().to_owned();
        assert!(kept.close(&plan(), &[]).contains("--data-dir"));
        assert!(path.is_dir());
    }

    #[test]
    fn a_folder_in_use_by_a_restarted_node_stays() {
        let temporary = Folder::open(None).unwrap();
        let path = temporary.path().to_owned();
        assert!(temporary.close(&plan(), &[2]).contains("node 2"));
        assert!(path.is_dir());
        std::fs::remove_dir(path).unwrap();
    }
}
