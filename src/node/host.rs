//! The groups this node holds replicas of.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt as _;
use parking_lot::{Mutex, RwLock};
use raft_store::{GroupId, blocking};
use tokio::sync::Notify;

use crate::group::{self, Floor, Group, GroupDeps, NeedsSnapshot};

/// Opens, finds and closes groups.
#[derive(Debug)]
pub(crate) struct Host {
    deps: GroupDeps,
    groups: RwLock<BTreeMap<GroupId, Arc<Group>>>,
    /// Groups that stay closed until a peer gave them a snapshot, each with what was last tried.
    repairs: Mutex<BTreeMap<GroupId, (NeedsSnapshot, String)>>,
    /// Where the logs of groups whose space was given back once ended.
    floors: Mutex<BTreeMap<GroupId, Floor>>,
    /// Groups that were closed for good, and whose space is not given back yet.
    retiring: Mutex<BTreeSet<GroupId>>,
    /// Held while a group opens or closes, so that no group is ever open twice.
    changing: tokio::sync::Mutex<()>,
    stopping: AtomicBool,
    /// Wakes who repairs groups: one was just kept closed.
    pub(super) repair_soon: Notify,
}

impl Host {
    pub(crate) fn new(deps: GroupDeps, floors: BTreeMap<GroupId, Floor>) -> Self {
        Self {
            deps,
            groups: RwLock::default(),
            repairs: Mutex::default(),
            floors: Mutex::new(floors),
            retiring: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
            stopping: AtomicBool::new(false),
            repair_soon: Notify::new(),
        }
    }

    pub(crate) fn deps(&self) -> &GroupDeps {
        &self.deps
    }

    pub(crate) fn get(&self, id: GroupId) -> Option<Arc<Group>> {
        self.groups.read().get(&id).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Group>> {
        self.groups.read().values().cloned().collect()
    }

    /// Whether no group opens any more.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// The group, opened from disk or empty if it is not open yet. One that needs a peer's snapshot stays closed
    /// until it has been repaired.
    pub(crate) async fn open(&self, id: GroupId) -> anyhow::Result<Arc<Group>> {
        let _changing = self.changing.lock().await;
        anyhow::ensure!(!self.is_stopping(), "the node is stopping");
        if let Some(group) = self.get(id) {
            return Ok(group);
        }
        anyhow::ensure!(self.repair_of(id).is_none(), "group {id} waits for a peer's snapshot");
        let group = self.open_or_keep_closed(id).await?;
        self.groups.write().insert(id, group.clone());
        self.retiring.lock().remove(&id);
        Ok(group)
    }

    fn floor(&self, id: GroupId) -> Option<Floor> {
        self.floors.lock().get(&id).copied()
    }

    /// Whether nothing is left of a group here but its vote, since its space was given back.
    pub(crate) fn has_left(&self, id: GroupId) -> anyhow::Result<bool> {
        Ok(self.floor(id).is_some() && group::held(id, &self.deps)?.is_none())
    }

    async fn open_or_keep_closed(&self, id: GroupId) -> anyhow::Result<Arc<Group>> {
        let opened = Group::open(id, &self.deps, self.floor(id)).await;
        if let Some(need) = opened.as_ref().err().and_then(|error| error.downcast_ref::<NeedsSnapshot>()) {
            self.keep_closed(need.clone());
        }
        opened
    }

    /// The groups that wait for a peer's snapshot.
    pub(crate) fn repairs(&self) -> Vec<NeedsSnapshot> {
        self.repairs.lock().values().map(|(need, _)| need.clone()).collect()
    }

    /// Why a group waits for a peer's snapshot and what was last tried, if it does.
    pub(crate) fn repair_of(&self, id: GroupId) -> Option<String> {
        self.repairs.lock().get(&id).map(|(need, tried)| format!("{need}; {tried}"))
    }

    /// Notes what was last tried for a group that waits; whether that is news.
    pub(crate) fn note_repair(&self, id: GroupId, what: String) -> bool {
        let mut repairs = self.repairs.lock();
        let Some((_, tried)) = repairs.get_mut(&id).filter(|(_, tried)| *tried != what) else { return false };
        *tried = what;
        true
    }

    /// Notes that the current snapshot of a group that waits is a peer's, and whole: it is not to be set aside.
    pub(crate) fn note_adopted(&self, id: GroupId) {
        if let Some((need, _)) = self.repairs.lock().get_mut(&id) {
            need.damaged = false;
        }
    }

    /// Opens a group that has got a peer's snapshot.
    pub(crate) async fn open_repaired(&self, id: GroupId) -> anyhow::Result<()> {
        let _changing = self.changing.lock().await;
        anyhow::ensure!(!self.is_stopping(), "the node is stopping");
        let group = self.open_or_keep_closed(id).await?;
        self.groups.write().insert(id, group);
        self.repairs.lock().remove(&id);
        Ok(())
    }

    fn keep_closed(&self, need: NeedsSnapshot) {
        tracing::error!(group = need.group, %need, "group kept closed until a peer gives it a snapshot");
        self.repairs.lock().insert(need.group, (need, "no peer was asked yet".to_owned()));
        self.repair_soon.notify_one();
    }

    /// Opens many groups, as many at a time as there are cores, since each decodes a snapshot; after each it tells
    /// `opened` how many are done. Those that need a peer's snapshot stay closed ([`Self::repairs`]).
    pub(crate) async fn open_all(&self, ids: Vec<GroupId>, opened: impl Fn(usize)) -> anyhow::Result<()> {
        let _changing = self.changing.lock().await;
        let cores = blocking::cores();
        let opening = |id| {
            let (deps, floor) = (self.deps.clone(), self.floor(id));
            // A task of its own, so that what does not wait runs beside the others too.
            tokio::spawn(async move { Group::open(id, &deps, floor).await })
        };
        let mut groups = futures_util::stream::iter(ids).map(opening).buffer_unordered(cores);
        let mut count = 0;
        while let Some(group) = groups.next().await {
            match group? {
                Ok(group) => drop(self.groups.write().insert(group.id(), group)),
                Err(error) => self.keep_closed(error.downcast()?),
            }
            count += 1;
            opened(count);
        }
        Ok(())
    }

    /// Stops a replica; what it has on disk stays, so that it comes back with its promises.
    pub(crate) async fn close(&self, id: GroupId) {
        let _changing = self.changing.lock().await;
        let group = self.groups.write().remove(&id);
        if let Some(group) = group {
            group.shutdown().await;
        }
    }

    /// Groups that [`Self::retire`] closed and did not clear.
    pub(crate) fn retiring(&self) -> Vec<GroupId> {
        self.retiring.lock().iter().copied().collect()
    }

    /// Stops a replica and then, if `excluded` says that the group has no part for this node, gives its space back:
    /// whether that was done. `note` makes the end of its log durable before. The group stays closed meanwhile.
    pub(crate) async fn retire(
        &self,
        id: GroupId,
        excluded: impl Future<Output = bool>,
        note: impl FnOnce(Floor) -> anyhow::Result<()>,
    ) -> anyhow::Result<bool> {
        let _changing = self.changing.lock().await;
        anyhow::ensure!(self.repair_of(id).is_none(), "group {id} waits for a peer's snapshot");
        let group = self.groups.write().remove(&id);
        if let Some(group) = group {
            self.retiring.lock().insert(id);
            group.shutdown().await;
        }
        if !excluded.await {
            return Ok(false);
        }
        if let Some(floor) = group::held(id, &self.deps)?.max(self.floor(id)) {
            note(floor)?;
            self.floors.lock().insert(id, floor);
            group::clear(id, &self.deps).await?;
        }
        self.retiring.lock().remove(&id);
        Ok(true)
    }

    /// Has no group open, or again.
    #[cfg(test)]
    pub(super) fn pretend_stopping(&self, stopping: bool) {
        self.stopping.store(stopping, Ordering::Release);
    }

    /// Stops every replica, for good.
    pub(crate) async fn close_all(&self) {
        self.stopping.store(true, Ordering::Release);
        let _changing = self.changing.lock().await;
        let groups = std::mem::take(&mut *self.groups.write());
        futures_util::future::join_all(groups.values().map(|group| group.shutdown())).await;
    }
}
