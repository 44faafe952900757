//! From a key to the replica that answers for it: this node's own or, over a peer connection, another's.
//!
//! A request is sent on as long as it is certain that it was not proposed; after that, never again. What is not
//! proposed before its deadline ends as `no-leader`, not applied.

use std::time::Duration;

use bytes::Bytes;
use raft_store::codec::{DecodeError, Decoder};
use raft_store::command::Replies;
use raft_store::{GroupId, NodeId, mutant};
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument as _;

use super::doc::META_GROUP;
use super::peer::{self, Declined, Forwarded, Looked, ReadKeys};
use super::{Consistency, Inner, traced};
use crate::error::{Error, Result};
use crate::group::{Batch, ReadIndexError};
use crate::limits::{PROPOSAL_BYTES_MAX, READ_ATTEMPT_MAX, ROUTE_PAUSE};
use crate::trace::{self, TARGET};
use crate::transport::{CallError, Service};
use told::{declined, no_leader, queue_full, too_large, unknown};

/// How an attempt to carry a request out ended.
pub(super) enum Attempt<T> {
    /// Carried out, or failed for good.
    Ended(Result<T>),
    /// Not proposed: another node may lead.
    Elsewhere(Option<NodeId>),
    /// Not proposed: nobody could be asked.
    Nobody(String),
}

impl Inner {
    /// Proposes commands of one group wherever its leader is. What no leader may propose is sent to none: a message that
    /// no frame holds would look like a leader that cannot be reached.
    pub(super) async fn write_group(
        &self,
        group: GroupId,
        batch: Batch,
        deadline: Instant,
    ) -> Result<Replies> {
        if batch.commands.len() > PROPOSAL_BYTES_MAX {
            return Err(too_large(group));
        }
        trace::note(|noted| noted.group = Some(group));
        let attempt = |node| self.try_write(node, group, &batch, deadline);
        self.until_done(group, deadline, attempt).await
    }

    /// Reads keys of one group, linearizably at its leader or at any replica.
    pub(super) async fn read_group(&self, read: ReadKeys, deadline: Instant) -> Result<Looked> {
        let group = read.group;
        trace::note(|noted| noted.group = Some(group));
        if read.consistency == Consistency::Local
            && let Some(replica) = self.host.get(group)
            && self.check_trusted(group).is_ok()
        {
            let shown = self.shown.of(group);
            let looked = self.read_local(&replica, &read.keys).await;
            if self.shown.show(group, shown, &looked.lookups) {
                return Ok(looked);
            }
        }
        let attempt = |node| self.try_read(node, &read, deadline);
        self.until_done(group, deadline, attempt).await.map_err(Error::without_outcome)
    }

    /// Attempts at whoever seems to lead, until one ends or the deadline passes.
    pub(super) async fn until_done<T, F: Future<Output = Attempt<T>> + Send>(
        &self,
        group: GroupId,
        deadline: Instant,
        attempt: impl Fn(NodeId) -> F,
    ) -> Result<T> {
        let mut tried = 0;
        loop {
            let last_seen;
            let led_by = self.host.get(group).and_then(|replica| replica.last_leader());
            match self.target(group, tried) {
                Some(node) => match attempt(node).await {
                    Attempt::Ended(result) => return result,
                    Attempt::Elsewhere(hint) => {
                        self.note_leader(group, hint.filter(|&hint| hint != node));
                        last_seen = format!("node {node} does not lead it");
                    }
                    Attempt::Nobody(why) => {
                        self.note_leader(group, None);
                        last_seen = format!("node {node}: {why}");
                    }
                },
                None => last_seen = "no leader is known".to_owned(),
            }
            tried += 1;
            if Instant::now() + ROUTE_PAUSE >= deadline {
                return Err(no_leader(group, &last_seen));
            }
            // A first hint is followed at once; two nodes that point at each other are not asked in a tight loop.
            if tried > 2 || self.living_leader(group).is_none() {
                self.pause_for_leader(group, led_by).await;
            }
        }
    }

    /// Waits a moment, or until the own replica knows of another leader than before.
    async fn pause_for_leader(&self, group: GroupId, before: Option<NodeId>) {
        let pause = tokio::time::sleep(ROUTE_PAUSE);
        match self.host.get(group) {
            Some(replica) => tokio::select! {
                () = pause => {}
                () = replica.leader_but(before) => {}
            },
            None => pause.await,
        }
    }

    /// Whom to ask: the leader as far as it is known, else any replica in turn. As long as this node's own replica
    /// followed a leader a moment ago, it hears of the next one first.
    fn target(&self, group: GroupId, tried: usize) -> Option<NodeId> {
        let hears = || self.host.get(group).is_some_and(|replica| replica.leader().is_some());
        self.presumed_leader(group).or_else(|| if hears() { None } else { self.nth_replica(group, tried) })
    }

    /// Any other node that may hold the group or know its leader, another one at each try.
    fn nth_replica(&self, group: GroupId, tried: usize) -> Option<NodeId> {
        let nodes: Vec<NodeId> = match (self.doc(), group) {
            (Some(doc), META_GROUP) => doc.nodes.keys().copied().collect(),
            (Some(doc), _) => doc.groups.get(&group)?.iter().copied().collect(),
            (None, _) => self.identity.lock().identity.cluster.as_ref()?.peers.keys().copied().collect(),
        };
        let may_answer = |node: &NodeId| *node != self.id && !self.is_quiet(*node);
        let others: Vec<NodeId> = nodes.into_iter().filter(may_answer).collect();
        others.get(tried % others.len().max(1)).copied()
    }

    async fn try_write(
        &self,
        node: NodeId,
        group: GroupId,
        batch: &Batch,
        deadline: Instant,
    ) -> Attempt<Replies> {
        tracing::debug!(target: TARGET, group, node, commands = batch.count, "route");
        if node == self.id {
            return attempt_of(self.propose_here(group, batch.clone(), deadline).await);
        }
        let began = Instant::now();
        let told = self.forwarder.write(node, group, batch.clone(), deadline).await;
        note_forwarded(began);
        match told {
            Ok(answer) => attempt_of(answer),
            Err(CallError::Lost(why)) => ended(unknown(group, deadline, format!("node {node}: {why}"))),
            Err(CallError::NotSent(why) | CallError::Refused(why)) => Attempt::Nobody(why),
        }
    }

    async fn try_read(&self, node: NodeId, read: &ReadKeys, deadline: Instant) -> Attempt<Looked> {
        let shown = self.shown.of(read.group);
        match self.try_any_read(node, read, deadline).await {
            Attempt::Ended(Ok(looked))
                if read.consistency == Consistency::Local
                    && !self.shown.show(read.group, shown, &looked.lookups) =>
            {
                Attempt::Nobody("its replica is behind what this node has shown".into())
            }
            other => other,
        }
    }

    async fn try_any_read(&self, node: NodeId, read: &ReadKeys, deadline: Instant) -> Attempt<Looked> {
        // A read that got no answer may be asked again, so no single attempt takes all the time there is.
        let deadline = deadline.min(Instant::now() + READ_ATTEMPT_MAX);
        tracing::debug!(target: TARGET, group = read.group, node, keys = read.keys.len(), "route");
        if node == self.id {
            return attempt_of(self.read_here(read, deadline).await);
        }
        let read = ReadKeys { timeout_ms: millis_until(deadline), ..read.clone() };
        let body = peer::put_read(&read);
        self.call_reader(node, peer::READ, body, deadline, peer::found).await
    }

    /// Asks another node what changes nothing: without an answer, the next one may be asked.
    pub(super) async fn call_reader<T>(
        &self,
        node: NodeId,
        service: Service,
        body: Bytes,
        deadline: Instant,
        read: impl FnOnce(&mut Decoder) -> Result<T, DecodeError>,
    ) -> Attempt<T> {
        let began = Instant::now();
        let answer =
            traced::call(&self.transport, node, service, body, left(deadline), trace::traced()).await;
        note_forwarded(began);
        match answer {
            Ok(answer) => match peer::forwarded(answer, read) {
                Ok(answer) => attempt_of(answer),
                Err(error) => Attempt::Nobody(error.to_string()),
            },
            Err(error) => Attempt::Nobody(error.to_string()),
        }
    }

    /// Proposes at this node's own replica.
    pub(super) async fn propose_here(
        &self,
        group: GroupId,
        batch: Batch,
        deadline: Instant,
    ) -> Forwarded<Replies> {
        let Some(replica) = self.host.get(group) else { return Err(Declined::NotLeader(None)) };
        self.admit_write(&replica, &batch)?;
        let span = tracing::debug_span!(target: TARGET, "propose", group, commands = batch.count);
        match timeout_at(deadline, replica.propose(batch).instrument(span)).await {
            Ok(Ok(replies)) => Ok(replies),
            Ok(Err(error)) => {
                self.look_at_disk_soon.notify_one();
                Err(declined(group, deadline, error))
            }
            Err(_) => Err(Declined::Error(unknown(group, deadline, "not applied in time".into()))),
        }
    }

    /// Reads at this node's own replica, which has to lead unless the read is local.
    pub(super) async fn read_here(&self, read: &ReadKeys, deadline: Instant) -> Forwarded<Looked> {
        let Some(replica) = self.host.get(read.group) else { return Err(Declined::NotLeader(None)) };
        if read.consistency == Consistency::Local {
            self.check_trusted(read.group)?;
            return Ok(self.read_local(&replica, &read.keys).await);
        }
        self.admit_leading(&replica)?;
        let reading = replica.read(&read.keys, read.consistency == Consistency::Lease);
        let span = tracing::debug_span!(target: TARGET, "read", group = read.group, keys = read.keys.len());
        let lookups = confirmed(read.group, timeout_at(deadline, reading.instrument(span)).await)?;
        Ok(Looked { lookups, staleness_ms: None })
    }
}

pub(super) fn attempt_of<T>(answer: Forwarded<T>) -> Attempt<T> {
    match answer {
        Ok(value) => Attempt::Ended(Ok(value)),
        Err(Declined::NotLeader(hint)) => Attempt::Elsewhere(hint),
        Err(Declined::Error(error)) => ended(error),
    }
}

/// What a read at a leader came to; one that could not be confirmed may be asked elsewhere.
pub(super) fn confirmed<T>(group: GroupId, read: Result<Result<T, ReadIndexError>, Elapsed>) -> Forwarded<T> {
    match read {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(ReadIndexError::NotLeader(hint))) => Err(Declined::NotLeader(hint)),
        Ok(Err(ReadIndexError::QueueFull)) => Err(Declined::Error(queue_full(group))),
        Ok(Err(ReadIndexError::NoQuorum(_))) | Err(_) => Err(Declined::NotLeader(None)),
    }
}

fn ended<T>(error: Error) -> Attempt<T> {
    if mutant!(RetryProposed) && error.outcome == Some(crate::error::Outcome::Unknown) {
        return Attempt::Nobody(error.detail);
    }
    Attempt::Ended(Err(error))
}

/// Notes how long another node was asked.
fn note_forwarded(began: Instant) {
    trace::note(|noted| noted.times.forwarded = noted.times.forwarded.max(began.elapsed()));
}

pub(super) fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

pub(super) fn millis_until(deadline: Instant) -> u64 {
    left(deadline).as_millis() as u64
}

#[cfg(test)]
mod tests;
mod told;
