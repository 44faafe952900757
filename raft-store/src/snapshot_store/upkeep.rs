//! Removes what nobody holds, gives space back, and leaves a damaged database behind.

use super::lease::Debris;
use super::rescue::Keep;
use super::shared::Shared;
use super::{Result, SnapshotId};
use crate::limits::{SNAPSHOT_DISK_FACTOR_MAX, SNAPSHOT_DISK_SLACK_BYTES};

impl Shared {
    /// Removes all garbage. Damage is no error once the database that holds it is left behind.
    pub(super) fn sweep(&self) -> Result<()> {
        let garbage = self.garbage.take();
        if garbage.is_empty() && !self.table.is_rotten() {
            return Ok(());
        }
        let removed = self.remove_garbage(garbage);
        if self.table.is_rotten() {
            self.heal()?;
        }
        match removed {
            Err(error) if !error.is_damage() => Err(error),
            _ => self.rewrite_if_wasteful(),
        }
    }

    fn remove_garbage(&self, garbage: Vec<Debris>) -> Result<()> {
        if garbage.is_empty() {
            return Ok(());
        }
        match self.table.remove_snapshots(&garbage) {
            Ok(stuck) => {
                self.table.room().shrink(bytes(&garbage) - bytes(&stuck));
                self.garbage.keep_stuck(stuck);
                Ok(())
            }
            Err(error) => {
                garbage.into_iter().for_each(|debris| self.garbage.add(debris));
                Err(error)
            }
        }
    }

    fn rewrite_if_wasteful(&self) -> Result<()> {
        let (live, disk) = (self.table.room().live(), self.table.disk_bytes()?);
        let most = live.saturating_mul(SNAPSHOT_DISK_FACTOR_MAX).saturating_add(SNAPSHOT_DISK_SLACK_BYTES);
        if disk <= most {
            return Ok(());
        }
        if let Err(error) = self.table.room().fits(live) {
            tracing::debug!(live, disk, %error, "the snapshot database is not rewritten");
            return Ok(());
        }
        self.table.rewrite()?;
        tracing::info!(
            live,
            before = disk,
            after = self.table.disk_bytes()?,
            "rewrote the snapshot database"
        );
        Ok(())
    }

    /// If damage was met in the database, moves all that is whole to a fresh one. Without room for that it stays, and
    /// that is an error that may pass.
    pub(super) fn heal(&self) -> Result<()> {
        if !self.table.is_rotten() {
            return Ok(());
        }
        // What is current stays what it is meanwhile, and so do the records.
        let mut unsure = self.unsure.lock();
        self.table.room().fits(self.table.room().live())?;
        let Some(damaged) = self.table.heal(|| self.all_held())? else { return Ok(()) };
        unsure.clear();
        self.table.room().shrink(bytes(&self.garbage.take_stuck()));
        tracing::warn!("damage was met in the snapshot database: what is whole was moved to a fresh one");
        self.left_behind(damaged);
        Ok(())
    }

    fn all_held(&self) -> Keep {
        let mut keep = Keep::default();
        self.current.lock().values().for_each(|current| keep.record(&current.record));
        self.garbage.held().into_iter().for_each(|(id, chunks)| keep.chunks(id, chunks));
        keep
    }

    /// Chunks of these snapshots were lost.
    pub(super) fn left_behind(&self, damaged: Vec<SnapshotId>) {
        for id in &damaged {
            tracing::error!(snapshot = %id, "a part of it is damaged and was left behind");
        }
        self.spoil(damaged);
    }

    /// Notes that parts of these snapshots are damaged, for as long as they are held.
    pub(super) fn spoil(&self, ids: impl IntoIterator<Item = SnapshotId>) {
        let held = self.garbage.held();
        let mut spoiled = self.spoiled.lock();
        spoiled.extend(ids);
        spoiled.retain(|id| held.contains_key(id));
    }
}

fn bytes(all: &[Debris]) -> u64 {
    all.iter().map(|debris| debris.bytes).sum()
}
