//! What the node makes of its disk: how much room is left, and whether clients may still write.
//!
//! A client's write is refused (`disk-full`, not applied) where its group is led, before it is proposed, while the
//! log or the snapshot store says that it is full, or while less than the reserve is free. Deletes are refused as
//! well: they take room in the log like any other write and give none back before the next snapshot. Reads of every
//! kind, Raft's own entries, the cluster's own document, ticks and purges go on; the reserve is for them. It ends by
//! itself: once space is back, and with a margin, so that a disk at the brink does not flap.
//!
//! A log that failed is another matter: the node stops ([`Inner::watch_disk`]).
//!
//! A leader whose disk is full hands its groups to healthy voters whose disk is not ([`Inner::flee_full_disk`]). It
//! refuses writes as well where the disks of most voters are full ([`super::room`]).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;
use raft_store::snapshot_store::SnapshotStore;
use raft_store::wal::SharedLog;
use raft_store::{GroupId, NodeId};
use tokio::time::Instant;

use super::Inner;
use super::doc::META_GROUP;
use super::peer::{Ask, Declined};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::group::Group;
use crate::limits::*;
use crate::views::NodeView;

/// Bytes free in a folder's file system for a process without privileges.
pub(super) type Probe = Arc<dyn Fn(&Path) -> io::Result<u64> + Send + Sync>;

/// How the disk stood when it was last looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct DiskState {
    /// Bytes free; `None` when that could not be told.
    pub(super) free_bytes: Option<u64>,
    /// Why no client may write, while that is so.
    pub(super) full: Option<String>,
}

/// The disk under the data folder.
pub(super) struct DiskWatch {
    dir: PathBuf,
    /// Below this it is full.
    pub(super) reserve_bytes: u64,
    /// From here on it is not any more.
    resume_bytes: u64,
    probe: Mutex<Probe>,
    state: Mutex<DiskState>,
    /// Turns in a row in which a group could not be handed over.
    attempts: Mutex<BTreeMap<GroupId, u32>>,
}

impl fmt::Debug for DiskWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DiskWatch({}, {:?})", self.dir.display(), *self.state.lock())
    }
}

impl DiskWatch {
    /// Watches the data folder of `config` by `probe`. What is kept in reserve grows with the log's segments.
    pub(super) fn new(config: &Config, probe: Probe) -> Self {
        Self {
            dir: config.data_dir.clone(),
            reserve_bytes: config.log_segment.saturating_mul(DISK_RESERVE_SEGMENTS),
            resume_bytes: config.log_segment.saturating_mul(DISK_RESUME_SEGMENTS),
            probe: Mutex::new(probe),
            state: Mutex::default(),
            attempts: Mutex::default(),
        }
    }

    /// How it stood when last looked at.
    pub(super) fn state(&self) -> DiskState {
        self.state.lock().clone()
    }

    /// Looks again; tells the log when it becomes full and when it ends.
    pub(super) fn look(&self, log: &SharedLog, snapshots: &SnapshotStore) {
        let probe = self.probe.lock().clone();
        let free_bytes = probe(&self.dir).ok();
        let mut state = self.state.lock();
        let store_full = log.full().or_else(|| snapshots.full());
        let full = store_full.or_else(|| self.short_of_space(free_bytes, state.full.is_some()));
        match (&state.full, &full) {
            (None, Some(why)) => tracing::error!(why, "disk full: clients' writes are refused, reads go on"),
            (Some(_), None) => tracing::info!(free_bytes, "disk no longer full: clients may write again"),
            _ => {}
        }
        *state = DiskState { free_bytes, full };
    }

    fn short_of_space(&self, free_bytes: Option<u64>, was_full: bool) -> Option<String> {
        let wanted = if was_full { self.resume_bytes } else { self.reserve_bytes };
        let free = free_bytes.filter(|&free| free < wanted)?;
        Some(format!("{free} bytes are free and {wanted} are kept in reserve"))
    }

    /// Refuses a client's write while the disk is full.
    pub(super) fn check(&self, node: NodeId, group: GroupId) -> Result<(), Declined> {
        let Some(why) = self.state.lock().full.clone() else { return Ok(()) };
        let detail = format!(
            "the disk of node {node} is full: {why}; free space in {} or give it more, and writes resume by \
             themselves",
            self.dir.display()
        );
        let error = Error::not_applied(ErrorKind::DiskFull, detail).group(group);
        Err(Declined::Error(error.retry_after_ms(DISK_CHECK_INTERVAL.as_millis() as u64)))
    }

    /// Whether one more attempt to hand a group over may be made.
    fn may_attempt(&self, group: GroupId) -> bool {
        self.attempts.lock().get(&group).is_none_or(|made| *made < DISK_HAND_OVERS_MAX)
    }

    fn count_attempt(&self, group: GroupId) {
        *self.attempts.lock().entry(group).or_default() += 1;
    }

    /// Forgets the attempts for all groups but these.
    fn keep_attempts(&self, led: &[Arc<Group>]) {
        self.attempts.lock().retain(|group, _| led.iter().any(|replica| replica.id() == *group));
    }

    /// Has every later look see what `probe` says.
    #[cfg(test)]
    pub(super) fn pretend(&self, probe: fn(&Path) -> io::Result<u64>) {
        *self.probe.lock() = Arc::new(probe);
    }
}

/// What the system says of a folder.
pub(super) fn free_bytes(dir: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(dir)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

impl Inner {
    /// Watches the disk for ever, or until the log fails. A log that failed once is not trusted again: the node takes
    /// no more requests, hands its leaderships over, stops its replicas and says why.
    pub(super) async fn watch_disk(self: Arc<Self>) {
        let deps = self.host.deps();
        loop {
            self.disk.look(&deps.log, &deps.snapshots);
            if let Err(error) = deps.log.health() {
                self.distrusted.store(true, Ordering::Release);
                self.fail(format!("the log cannot be written any more: {error}"));
                return self.leave_groups().await;
            }
            tokio::select! {
                () = self.look_at_disk_soon.notified() => {}
                () = tokio::time::sleep(DISK_CHECK_INTERVAL) => {}
            }
        }
    }

    /// While this node's disk is full: hands every group it leads to a healthy voter whose disk is not, so that the
    /// cluster takes writes again; where most voters' disks are full nothing is won by that. After `DISK_HAND_OVERS_MAX` attempts that came to nothing a group is left alone
    /// until it was led by another node, or the disk was not full, in between.
    pub(super) async fn flee_full_disk(self: &Arc<Self>) {
        let full = self.disk.state().full.is_some();
        let led: Vec<_> = self.host.all().into_iter().filter(|group| full && group.leads()).collect();
        self.disk.keep_attempts(&led);
        let due: Vec<_> = led.into_iter().filter(|group| self.disk.may_attempt(group.id())).collect();
        if due.is_empty() {
            return;
        }
        let roomy = self.nodes_with_room().await;
        futures_util::future::join_all(due.iter().map(|group| self.hand_to_one_of(group, &roomy))).await;
    }

    async fn hand_to_one_of(&self, group: &Arc<Group>, roomy: &BTreeSet<NodeId>) {
        if !self.others_have_room(group) {
            return;
        }
        let Some(heir) = group.best_heir(roomy) else { return };
        self.disk.count_attempt(group.id());
        match group.transfer_to(heir, Instant::now() + HAND_OVER_TIMEOUT).await {
            Ok(()) => tracing::info!(group = group.id(), heir, "leadership left this node: its disk is full"),
            Err(error) => tracing::info!(group = group.id(), heir, %error, "leadership not handed over"),
        }
    }

    /// The nodes that answer and whose disk is not full, this one left out.
    pub(super) async fn nodes_with_room(self: &Arc<Self>) -> BTreeSet<NodeId> {
        let Some(doc) = self.doc() else { return BTreeSet::new() };
        let others = doc.nodes.keys().copied().filter(|&node| node != self.id);
        let asked = others.map(async |node| {
            let view: Result<NodeView> = self.ask(node, &Ask::Node, VIEW_TIMEOUT).await;
            view.is_ok_and(|view| view.disk_full.is_none()).then_some(node)
        });
        futures_util::future::join_all(asked).await.into_iter().flatten().collect()
    }

    /// Refuses to hand a group to a node that would refuse its writes.
    pub(super) async fn check_heir(self: &Arc<Self>, group: GroupId, heir: NodeId) -> Result<()> {
        let view: Result<NodeView> = self.ask(heir, &Ask::Node, VIEW_TIMEOUT).await;
        match view.ok().and_then(|view| view.disk_full) {
            // The meta group takes writes all the same.
            Some(why) if group != META_GROUP => {
                let detail = format!("the disk of node {heir} is full: {why}");
                Err(Error::not_applied(ErrorKind::DiskFull, detail).group(group))
            }
            _ => Ok(()),
        }
    }
}
