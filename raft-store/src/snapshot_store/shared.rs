//! What the handles of one store share, and how one snapshot takes another's place.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bytes::Bytes;
use parking_lot::Mutex;

use super::lease::{Garbage, Lease};
use super::table::Table;
use super::{CorruptReason, Current, Result, SnapshotError, SnapshotId, StoredSnapshot, frame, key};
use crate::GroupId;

pub(super) struct Shared {
    pub(super) table: Table,
    pub(super) next_sequence: AtomicU64,
    /// Never locked while the disk is waited for.
    pub(super) current: Mutex<BTreeMap<GroupId, Current>>,
    /// Locked over a whole change of what is current, so that changes are in a definite order. Holds the
    /// snapshots whose commit failed in a way that it may be durable all the same: theirs may be the record
    /// the next start finds, so their chunks stay until a later commit took that record's place.
    pub(super) unsure: Mutex<BTreeMap<GroupId, Vec<Current>>>,
    pub(super) garbage: Arc<Garbage>,
    /// Snapshots that are held and of which some part is damaged.
    pub(super) spoiled: Mutex<BTreeSet<SnapshotId>>,
}

impl Shared {
    pub(super) fn commit(&self, snapshot: &StoredSnapshot) -> Result<bool> {
        let new = snapshot.as_current();
        let id = new.record.id;
        let mut unsure = self.unsure.lock();
        if let Some(old) = self.current.lock().get(&id.group) {
            if old.record.id == id {
                return Ok(true);
            }
            if old.record.covers.last > new.record.covers.last {
                return Ok(false);
            }
        }
        if self.spoiled.lock().contains(&id) {
            return Err(SnapshotError::Lost(id));
        }
        // The database may have been rescued, without this snapshot, since that was finished.
        if let Some(last) = new.record.chunks.checked_sub(1) {
            self.chunk(id, last).map_err(|error| match error {
                SnapshotError::CorruptChunk { reason: CorruptReason::Missing, .. } => SnapshotError::Lost(id),
                error => error,
            })?;
        }
        let changed = self.table.change(&key::current(id.group), Some(&frame::encode_record(&new.record)));
        if let Err(failed) = changed {
            if failed.unsure {
                unsure.entry(id.group).or_default().push(new);
            }
            return Err(failed.error.within(format_args!("making {id} current")));
        }
        // Only now may the old one go: dropping its last lease makes it garbage.
        self.current.lock().insert(id.group, new);
        unsure.remove(&id.group);
        Ok(true)
    }

    pub(super) fn remove(&self, group: GroupId) -> Result<()> {
        let mut unsure = self.unsure.lock();
        if self.current.lock().contains_key(&group) || unsure.contains_key(&group) {
            let changed = self.table.change(&key::current(group), None);
            changed.map_err(|failed| failed.error.within(format_args!("removing group {group}")))?;
            self.current.lock().remove(&group);
            unsure.remove(&group);
        }
        Ok(())
    }

    pub(super) fn grow(&self, lease: &Lease, bytes: u64) {
        lease.grow(bytes);
        self.table.room().grow(bytes);
    }

    /// Reads and checks one chunk; damage is remembered of its snapshot.
    pub(super) fn chunk(&self, id: SnapshotId, index: u32) -> Result<(Bytes, frame::Frame)> {
        self.read_chunk(id, index).inspect_err(|error| {
            if error.is_damage() {
                self.spoil([id]);
            }
        })
    }

    fn read_chunk(&self, id: SnapshotId, index: u32) -> Result<(Bytes, frame::Frame)> {
        let corrupt = |reason| SnapshotError::CorruptChunk { id, chunk: index, reason };
        let sealed = self.table.get(&key::chunk(id, index)).map_err(|error| match error {
            SnapshotError::Failed { error, .. } => SnapshotError::Unreadable { id, chunk: index, error },
            error => error,
        })?;
        let sealed = sealed.ok_or_else(|| corrupt(CorruptReason::Missing))?;
        let frame = frame::Frame::decode(&sealed).map_err(corrupt)?;
        if (frame.id, frame.index) != (id, index) {
            return Err(corrupt(CorruptReason::Misplaced));
        }
        Ok((sealed, frame))
    }
}
