//! openraft's state machine for one group: the TTL map in memory, its snapshots in the snapshot store.
//!
//! The state machine is transient: after a start it is empty, and openraft installs the current snapshot and
//! applies the committed entries behind it. It relies on openraft to apply each committed entry once, in
//! order, and refuses what would go back. It guarantees:
//! - the map, the last applied log id and the membership move together, over an install as over an apply;
//! - a reader that saw an entry's log id published ([`GroupStateMachine::applied`]) finds it in the map;
//! - writes to the map go on while a snapshot of it is built;
//! - a full disk never fails it, nor do damaged snapshots: others are put off, and an install waits.

mod builder;
mod covers;
mod gate;
mod install;
mod pin;
mod prepared;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::sync::Arc;
#[cfg(feature = "mutants")]
use std::sync::atomic::Ordering::Relaxed;

use futures_util::{Stream, TryStreamExt as _};
use openraft::OptionalSend;
use openraft::storage::{EntryResponder, RaftStateMachine, Snapshot};
use parking_lot::RwLock;
use tokio::sync::watch;

use super::types::*;
use crate::GroupId;
use crate::command::{PackedEntry, Replies};
use crate::limits::SNAPSHOT_MEMORY_FOR_ONE_BYTE;
use crate::map::TtlMap;
use crate::snapshot_store::{SnapshotStore, StoredSnapshot};

pub use builder::GroupSnapshotBuilder;
pub use covers::snapshot_meta;
pub use gate::CommitGate;
pub use pin::SnapshotPin;
pub use prepared::Prepared;

/// The map, shared by the task that applies and the tasks that read.
pub type SharedMap = Arc<RwLock<TtlMap>>;

/// A snapshot as openraft hands it around.
pub type GroupSnapshot = openraft::type_config::alias::SnapshotOf<TypeConfig, StoredSnapshot>;

/// The group that owns every slot: it holds the cluster's own state.
const META_GROUP: GroupId = 0;

/// Hears of everything applied, in the task that applies: it must be quick and must not block.
pub trait ApplyObserver: Send + Sync {
    /// `map` now holds everything up to `log_id`.
    fn applied(&self, log_id: &LogId, map: &TtlMap);

    /// `map` is now that of a snapshot, the group's current one; [`ApplyObserver::applied`] follows.
    fn restored(&self, map: &TtlMap);
}

/// Hears nothing.
impl ApplyObserver for () {
    fn applied(&self, _log_id: &LogId, _map: &TtlMap) {}

    fn restored(&self, _map: &TtlMap) {}
}

/// The state machine openraft drives.
pub struct GroupStateMachine {
    group: GroupId,
    map: SharedMap,
    /// The last applied log id.
    applied: watch::Sender<Option<LogId>>,
    membership: StoredMembership,
    snapshots: SnapshotStore,
    observer: Arc<dyn ApplyObserver>,
    pin: SnapshotPin,
    prepared: Prepared,
    gate: CommitGate,
    #[cfg(feature = "mutants")]
    just_restored: std::sync::atomic::AtomicBool,
}

impl fmt::Debug for GroupStateMachine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GroupStateMachine(group {}, applied {:?})", self.group, *self.applied.borrow())
    }
}

impl GroupStateMachine {
    /// The empty state of `group`, which openraft fills at start.
    pub fn new(group: GroupId, snapshots: SnapshotStore, observer: Arc<dyn ApplyObserver>) -> Self {
        let map = if group == META_GROUP { TtlMap::owning_all() } else { TtlMap::new() };
        Self {
            group,
            map: Arc::new(RwLock::new(map)),
            applied: watch::Sender::new(None),
            membership: StoredMembership::default(),
            snapshots,
            observer,
            pin: SnapshotPin::default(),
            prepared: Prepared::default(),
            gate: CommitGate::default(),
            #[cfg(feature = "mutants")]
            just_restored: false.into(),
        }
    }

    /// The map, for reads. Only this state machine writes to it.
    pub fn map(&self) -> SharedMap {
        self.map.clone()
    }

    /// The last applied log id; a reader waits here until it has reached its read index.
    pub fn applied(&self) -> watch::Receiver<Option<LogId>> {
        self.applied.subscribe()
    }

    /// Where to set the snapshot that openraft is shown in the place of the current one.
    pub fn pin(&self) -> SnapshotPin {
        self.pin.clone()
    }

    /// Where to put the map of a snapshot before it is installed.
    pub fn prepared(&self) -> Prepared {
        self.prepared.clone()
    }

    /// To be closed once the group is: no snapshot of this instance becomes current afterwards.
    pub fn gate(&self) -> CommitGate {
        self.gate.clone()
    }

    fn last_applied(&self) -> Option<LogId> {
        *self.applied.borrow()
    }

    fn apply_entry(&mut self, entry: RaftEntry) -> io::Result<Replies> {
        let log_id = entry.log_id;
        if Some(log_id) <= self.last_applied() {
            return Err(self.corrupt(format_args!("entry {log_id} is not behind the last applied one")));
        }
        let replies = match entry.payload {
            Payload::Normal(packed) => self.apply_packed(&log_id, &packed)?,
            Payload::Blank => self.no_replies(),
            Payload::Membership(membership) => {
                self.membership = StoredMembership::new(Some(log_id), membership);
                self.no_replies()
            }
        };
        self.publish(log_id);
        Ok(replies)
    }

    fn apply_packed(&self, log_id: &LogId, packed: &PackedEntry) -> io::Result<Replies> {
        let mut map = self.map.write();
        mutant!(ApplyTwice => if self.just_restored.swap(false, Relaxed) { drop(map.apply(packed)) });
        let (replies, dropped) = (map.apply(packed), map.take_dropped());
        drop(map);
        if let Some(dropped) = dropped {
            // Freeing millions of entries takes a while: nobody waits for it.
            crate::blocking::free(dropped);
        }
        replies.map_err(|error| self.corrupt(format_args!("entry {log_id} does not decode: {error}")))
    }

    fn no_replies(&self) -> Replies {
        Replies { time_ms: self.map.read().time_ms(), replies: Vec::new() }
    }

    fn publish(&self, log_id: LogId) {
        self.observer.applied(&log_id, &self.map.read());
        self.applied.send_replace(Some(log_id));
    }

    fn corrupt(&self, what: fmt::Arguments<'_>) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, format!("group {}: {what}", self.group))
    }

    /// About how many bytes a snapshot takes now: as many as the last one.
    fn snapshot_bytes(&self) -> u64 {
        let last = self.snapshots.current(self.group).ok().flatten();
        let guess = || self.map.read().stats().bytes / SNAPSHOT_MEMORY_FOR_ONE_BYTE;
        last.map_or_else(guess, |last| last.bytes())
    }

    /// A view of the state as it is. Nothing is applied meanwhile: openraft calls both from one task, and
    /// `&mut self` says so.
    fn builder(&mut self, forced: bool) -> GroupSnapshotBuilder {
        let meta =
            SnapshotMeta { last_log_id: self.last_applied(), last_membership: self.membership.clone() };
        let frozen = self.map.read().freeze();
        GroupSnapshotBuilder::new(self.group, frozen, meta, self.snapshots.clone(), self.gate.clone(), forced)
    }

    /// Takes the place of the whole state at once; the map that was is left to the caller to free.
    fn replace(&mut self, map: TtlMap, meta: &SnapshotMeta) -> TtlMap {
        let old = std::mem::replace(&mut *self.map.write(), map);
        self.membership = meta.last_membership.clone();
        self.observer.restored(&self.map.read());
        #[cfg(feature = "mutants")]
        self.just_restored.store(true, Relaxed);
        match meta.last_log_id {
            Some(log_id) => self.publish(log_id),
            None => drop(self.applied.send_replace(None)),
        }
        old
    }
}

impl RaftStateMachine<TypeConfig> for GroupStateMachine {
    type SnapshotData = StoredSnapshot;
    type SnapshotBuilder = GroupSnapshotBuilder;

    async fn applied_state(&mut self) -> io::Result<(Option<LogId>, StoredMembership)> {
        Ok((self.last_applied(), self.membership.clone()))
    }

    async fn apply<Strm>(&mut self, mut entries: Strm) -> io::Result<()>
    where
        Strm: Stream<Item = io::Result<EntryResponder<TypeConfig>>> + Unpin + OptionalSend,
    {
        while let Some((entry, responder)) = entries.try_next().await? {
            // Entries in memory are ready at once, thousands of them: others have their turn in between.
            tokio::task::consume_budget().await;
            let replies = self.apply_entry(entry)?;
            if let Some(responder) = responder {
                responder.send(replies);
            }
        }
        Ok(())
    }

    /// `None` while there is no room for a snapshot of this map, unless openraft cannot do without.
    async fn try_create_snapshot_builder(&mut self, force: bool) -> Option<GroupSnapshotBuilder> {
        if !force && !self.snapshots.admits(self.snapshot_bytes()) {
            tracing::debug!(group = self.group, full = self.snapshots.full(), "no snapshot is begun");
            return None;
        }
        Some(self.builder(force))
    }

    async fn get_snapshot_builder(&mut self) -> GroupSnapshotBuilder {
        self.builder(true)
    }

    async fn install_snapshot(&mut self, meta: &SnapshotMeta, snapshot: StoredSnapshot) -> io::Result<()> {
        if meta.last_log_id < self.last_applied() {
            return Err(self.corrupt(format_args!("a snapshot of {meta} would go back")));
        }
        let held = covers::snapshot_meta(&snapshot)?;
        if *meta != held {
            return Err(self.corrupt(format_args!("a snapshot of {meta} holds {held}")));
        }
        let (group, snapshots) = (self.group, self.snapshots.clone());
        let prepared = self.prepared.take(snapshot.id()).filter(|_| snapshots.owns(&snapshot));
        let map = install::load_and_commit(group, snapshots, self.gate.clone(), snapshot, prepared).await?;
        let old = self.replace(map, meta);
        // Freeing millions of entries takes a while too, and nobody has to wait for it.
        crate::blocking::free(old);
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> io::Result<Option<GroupSnapshot>> {
        if let Some(pinned) = self.pin.get() {
            return whole(pinned).map(Some);
        }
        let (group, snapshots) = (self.group, self.snapshots.clone());
        snapshots.current(group)?.map(whole).transpose()
    }
}

/// A stored snapshot in openraft's terms.
fn whole(snapshot: StoredSnapshot) -> io::Result<GroupSnapshot> {
    Ok(Snapshot { meta: covers::snapshot_meta(&snapshot)?, snapshot })
}

/// Runs `work`, which takes long or waits for the disk, away from the tasks.
pub(in crate::raft) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    crate::blocking::run(work).await.map_err(io::Error::other)?
}
