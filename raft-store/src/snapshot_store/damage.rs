//! What is done about damage: the whole database set aside, or one group's snapshot.

use std::path::{Path, PathBuf};

use super::rescue::Keep;
use super::{Result, SnapshotError, SnapshotStore, files, key};
use crate::GroupId;

/// A damaged database that was put out of the way.
#[derive(Debug)]
pub struct SetAside {
    /// What was wrong with it.
    pub error: SnapshotError,
    /// Where it is now, for inspection. Removed when the next one is set aside.
    pub kept: PathBuf,
}

impl SnapshotStore {
    /// As [`Self::open`], but a database whose files are damaged is renamed to `….damaged-N`, and an empty one
    /// opened in its place: its groups need their snapshots from elsewhere then. One that is in use, has an
    /// unknown version, or stands on a full or failing disk is left alone, and is an error.
    pub fn open_or_set_aside(path: impl AsRef<Path>) -> Result<(Self, Option<SetAside>)> {
        let path = path.as_ref();
        let error = match Self::open(path) {
            Ok(store) => return Ok((store, None)),
            Err(error) if error.is_damage() => error,
            Err(error) => return Err(error),
        };
        let kept = files::set_aside(path)?;
        Ok((Self::open(path)?, Some(SetAside { error, kept })))
    }

    /// Reads all of `group`'s current snapshot, if it has one, and fails where it is damaged.
    pub fn check(&self, group: GroupId) -> Result<()> {
        let Some(snapshot) = self.current(group)? else { return Ok(()) };
        (0..snapshot.chunks()).try_for_each(|index| snapshot.read_chunk(index).map(drop))
    }

    /// Makes `group`'s damaged snapshot no longer current, durably, and leaves the damage behind: the other
    /// groups' snapshots are copied into a fresh database, and whatever is being written or sent breaks off. Meanwhile snapshots are
    /// read; changes of what is current wait.
    /// Says whether the group had one. Without room for the copy the damage stays where it is, unused.
    pub fn set_aside(&self, group: GroupId) -> Result<bool> {
        let mut unsure = self.0.unsure.lock();
        if !self.0.current.lock().contains_key(&group) {
            return Ok(false);
        }
        let mut keep = Keep::default();
        for current in self.0.current.lock().values().filter(|c| c.record.id.group != group) {
            keep.record(&current.record);
            keep.chunks(current.record.id, current.record.chunks);
        }
        match self.0.table.rescue(&keep) {
            Ok(damaged) => {
                self.0.left_behind(damaged);
                // All records are now what the current ones say.
                unsure.clear();
            }
            Err(SnapshotError::Full(why)) => {
                tracing::warn!(why, group, "the damaged snapshot keeps its place");
                self.0.table.change(&key::current(group), None).map_err(|failed| failed.error)?;
                unsure.remove(&group);
            }
            Err(error) => {
                return Err(error.within(format_args!("setting the snapshot of group {group} aside")));
            }
        }
        self.0.current.lock().remove(&group);
        Ok(true)
    }
}
