//! The groups this node holds replicas of.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt as _;
use parking_lot::RwLock;
use raft_store::GroupId;
use tokio::sync::Mutex;

use crate::group::{Group, GroupDeps};

/// Opens, finds and closes groups.
#[derive(Debug)]
pub(crate) struct Host {
    deps: GroupDeps,
    groups: RwLock<BTreeMap<GroupId, Arc<Group>>>,
    /// Held while a group opens or closes, so that no group is ever open twice.
    changing: Mutex<()>,
    stopping: AtomicBool,
}

impl Host {
    pub(crate) fn new(deps: GroupDeps) -> Self {
        Self { deps, groups: RwLock::default(), changing: Mutex::new(()), stopping: AtomicBool::new(false) }
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

    /// The group, opened from disk or empty if it is not open yet.
    pub(crate) async fn open(&self, id: GroupId) -> anyhow::Result<Arc<Group>> {
        let _changing = self.changing.lock().await;
        anyhow::ensure!(!self.is_stopping(), "the node is stopping");
        if let Some(group) = self.get(id) {
            return Ok(group);
        }
        let group = Group::open(id, &self.deps).await?;
        self.groups.write().insert(id, group.clone());
        Ok(group)
    }

    /// Opens many groups, as many at a time as there are cores, since each decodes a snapshot; after each it tells
    /// `opened` how many are open.
    pub(crate) async fn open_all(&self, ids: Vec<GroupId>, opened: impl Fn(usize)) -> anyhow::Result<()> {
        let _changing = self.changing.lock().await;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let opening = |id| {
            let deps = self.deps.clone();
            // A task of its own, so that what does not wait runs beside the others too.
            tokio::spawn(async move { Group::open(id, &deps).await })
        };
        let mut groups = futures_util::stream::iter(ids).map(opening).buffer_unordered(cores);
        let mut count = 0;
        while let Some(group) = groups.next().await {
            let group = group??;
            self.groups.write().insert(group.id(), group);
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

    /// Stops every replica, for good.
    pub(crate) async fn close_all(&self) {
        self.stopping.store(true, Ordering::Release);
        let _changing = self.changing.lock().await;
        let groups = std::mem::take(&mut *self.groups.write());
        futures_util::future::join_all(groups.values().map(|group| group.shutdown())).await;
    }
}
