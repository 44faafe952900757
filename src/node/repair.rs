//! Replicas that wait for a peer's snapshot because their own is damaged ([`crate::group::NeedsSnapshot`] says why that
//! is safe): this node asks the others for one until it has it, then opens the group. And the other side: a snapshot
//! held ready for a peer that asks.
//!
//! The asking node pulls, since the group's leader knows nothing of it: to the group this replica is merely down.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use parking_lot::Mutex;
use raft_store::codec::{DecodeError, Decoder, put_u32, put_u64};
use raft_store::snapshot_store::{SnapshotError, StoredSnapshot};
use raft_store::{GroupId, NodeId};
use tokio::time::Instant;

use super::Inner;
use super::peer::{self, Declined, Forwarded};
use crate::error::{Error, ErrorKind};
use crate::group::{Adoption, NeedsSnapshot, Offer, wire};
use crate::limits::*;
use crate::transport::{Answer, Lane};

/// Snapshots held ready for peers: one for each group, until nobody asked for a while.
#[derive(Debug, Default)]
pub(super) struct Offered(Mutex<BTreeMap<GroupId, (StoredSnapshot, Instant)>>);

impl Offered {
    fn hold(&self, snapshot: StoredSnapshot) {
        self.0.lock().insert(snapshot.group(), (snapshot, Instant::now()));
    }

    fn find(&self, group: GroupId, sequence: u64) -> Option<StoredSnapshot> {
        let mut all = self.0.lock();
        let (snapshot, asked_at) = all.get_mut(&group).filter(|(held, _)| held.id().sequence == sequence)?;
        *asked_at = Instant::now();
        Some(snapshot.clone())
    }

    /// Lets go of what nobody asks for any more.
    pub(super) fn tidy(&self) {
        self.0.lock().retain(|_, (_, asked_at)| asked_at.elapsed() < REPAIR_OFFER_KEPT);
    }
}

impl Inner {
    /// Repairs groups for ever: those found damaged at the start, and those found so later.
    pub(super) async fn repair_groups(self: Arc<Self>) {
        loop {
            let needs = self.host.repairs();
            if needs.is_empty() {
                self.host.repair_soon.notified().await;
                continue;
            }
            for need in needs {
                self.repair(&need).await;
            }
            tokio::time::sleep(REPAIR_RETRY).await;
        }
    }

    async fn repair(&self, need: &NeedsSnapshot) {
        let tried = match self.have_snapshot(need).await {
            Ok(()) => match self.host.open_repaired(need.group).await {
                Ok(()) => return self.reconcile_soon.notify_one(),
                Err(error) => format!("its snapshot is there, but it does not open: {error:#}"),
            },
            Err(tried) => tried,
        };
        if self.host.note_repair(need.group, tried.clone()) {
            tracing::warn!(group = need.group, tried, "group not repaired yet");
        }
    }

    /// Sees to it that the group's current snapshot is whole and covers what is needed; why it does not.
    async fn have_snapshot(&self, need: &NeedsSnapshot) -> Result<(), String> {
        if self.has_adopted(need) {
            return Ok(());
        }
        let mut refusals = Vec::new();
        for node in self.others() {
            match self.take_over(node, need).await {
                Ok(covers) => {
                    tracing::info!(group = need.group, from = node, covers, "group repaired from a peer");
                    return Ok(());
                }
                Err(error) => refusals.push(format!("node {node}: {error:#}")),
            }
        }
        Err(if refusals.is_empty() { "no peer is known".to_owned() } else { refusals.join(", ") })
    }

    /// Whether an earlier turn took a snapshot over, and then could not open the group.
    fn has_adopted(&self, need: &NeedsSnapshot) -> bool {
        let current = self.host.deps().snapshots.current(need.group).ok().flatten();
        let covers = current.and_then(|snapshot| snapshot.covers().last).map(|last| last.index);
        !need.damaged && covers >= Some(need.at_least)
    }

    /// The other nodes, as far as this one knows: without its meta group it only has the addresses it kept.
    fn others(&self) -> Vec<NodeId> {
        let known = self.identity.lock().identity.cluster.clone().map(|cluster| cluster.peers);
        let mut nodes: Vec<_> = known.unwrap_or_default().into_keys().collect();
        if let Some(doc) = self.doc() {
            nodes = doc.nodes.keys().copied().collect();
        }
        nodes.retain(|&node| node != self.id);
        nodes
    }

    /// Takes a node's snapshot over, for the group to be opened with; the last index it covers.
    async fn take_over(&self, node: NodeId, need: &NeedsSnapshot) -> anyhow::Result<u64> {
        let offer = self.ask_offer(node, need).await?;
        let covers = offer.covers().unwrap_or(0);
        let (deps, need, chunks) = (self.host.deps().clone(), need.clone(), offer.chunks);
        let (group, sequence) = (need.group, offer.sequence);
        tracing::info!(group, from = node, chunks, covers, "taking a peer's snapshot over");
        let adoption = blocking(move || Adoption::begin(&deps, &need, offer)).await?;
        futures_util::stream::iter(0..chunks)
            .map(|index| self.pull(node, group, sequence, index))
            .buffered(SNAPSHOT_CHUNKS_IN_FLIGHT_MAX)
            .try_fold(adoption, |adoption, frame| blocking(move || adoption.put(&frame)))
            .await?
            .finish()
            .await?;
        self.host.note_adopted(group);
        Ok(covers)
    }

    async fn ask_offer(&self, node: NodeId, need: &NeedsSnapshot) -> anyhow::Result<Offer> {
        let body = wire::body(need.group, |out| put_u64(out, need.at_least));
        let wait = SNAPSHOT_INSTALL_TIMEOUT;
        let answer = self.transport.call(node, Lane::Bulk, peer::SNAPSHOT_OFFER, body, wait).await?;
        given(peer::forwarded(answer, crate::group::offer)?)
    }

    async fn pull(&self, node: NodeId, group: GroupId, sequence: u64, index: u32) -> anyhow::Result<Bytes> {
        let body = wire::body(group, |out| {
            put_u64(out, sequence);
            put_u32(out, index);
        });
        let wait = SNAPSHOT_CHUNK_TIMEOUT;
        let answer = self.transport.call(node, Lane::Bulk, peer::SNAPSHOT_PULL, body, wait).await?;
        given(peer::forwarded(answer, |input| input.take(input.remaining()))?)
            .with_context(|| format!("chunk {index}"))
    }

    /// Answers `SNAPSHOT_OFFER`.
    pub(super) fn serve_offer(self: &Arc<Self>, body: Bytes, answer: Answer) -> Result<(), DecodeError> {
        let (group, at_least) = wire::decode(body, |input| Ok((input.u32()?, input.u64()?)))?;
        let inner = self.clone();
        tokio::spawn(async move {
            let offer = inner.offer(group, at_least).await.map_err(Declined::Error);
            answer.send(peer::put_forwarded(&offer, crate::group::put_offer));
        });
        Ok(())
    }

    /// A snapshot of this node's replica that covers `at_least`, held ready; a fresh one if need be.
    async fn offer(&self, group: GroupId, at_least: u64) -> Result<Offer, Error> {
        let replica = self.replica(group)?;
        let current = || self.host.deps().snapshots.current(group);
        let fits = |stored: &StoredSnapshot| stored.covers().last.map(|last| last.index) >= Some(at_least);
        let mut found = current().map_err(unfit)?.filter(fits);
        if found.is_none() {
            let taken = replica.snapshot(Instant::now() + SNAPSHOT_INSTALL_TIMEOUT).await;
            taken.map_err(|error| super::admin::change_error(group, error))?;
            found = current().map_err(unfit)?.filter(fits);
        }
        let found = found.ok_or_else(|| unfit(format!("node {} is not as far as {at_least}", self.id)))?;
        let offer = Offer::of(&found).map_err(unfit)?;
        self.offered.hold(found);
        Ok(offer)
    }

    /// Answers `SNAPSHOT_PULL`.
    pub(super) fn serve_pull(self: &Arc<Self>, body: Bytes, answer: Answer) -> Result<(), DecodeError> {
        let asked = |input: &mut Decoder| Ok((input.u32()?, input.u64()?, input.u32()?));
        let (group, sequence, index) = wire::decode(body, asked)?;
        let (held, replica) = (self.offered.find(group, sequence), self.host.get(group));
        raft_store::blocking::begin(move || {
            let gone = || unfit("that snapshot is not held any more".to_owned());
            let unreadable = |error: SnapshotError| {
                tracing::error!(%error, "a snapshot cannot be given to a peer");
                if let Some(replica) = replica.filter(|_| error.is_damage()) {
                    replica.found_snapshot_damage();
                }
                unfit(error)
            };
            let frame = held.ok_or_else(gone).and_then(|held| held.read_raw(index).map_err(unreadable));
            let frame: Forwarded<Bytes> = frame.map_err(Declined::Error);
            answer.send(peer::put_forwarded(&frame, |out, frame| out.extend_from_slice(frame)));
        });
        Ok(())
    }
}

fn unfit(why: impl ToString) -> Error {
    Error::not_applied(ErrorKind::Conflict, why.to_string())
}

fn given<T>(answer: Forwarded<T>) -> anyhow::Result<T> {
    match answer {
        Ok(value) => Ok(value),
        Err(Declined::Error(error)) => Err(anyhow::anyhow!(error.detail)),
        Err(Declined::NotLeader(_)) => Err(anyhow::anyhow!("it has no replica")),
    }
}

/// Runs what waits for the disk away from the tasks.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    raft_store::blocking::run(work).await?
}
