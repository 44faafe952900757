//! Answers to what peers ask: Raft's messages to their groups, forwarded requests, founding, joining.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use raft_store::GroupId;
use raft_store::codec::{DecodeError, Decoder, put_u64};
use tokio::time::Instant;
use tracing::{Instrument as _, Span};

use super::Inner;
use super::doc::{Founding, META_GROUP};
use super::meta::Change;
use super::peer::{self, Applicant, Ask, Declined, Forwarded, Joined, Objection, Told};
use super::traced::unwrapped;
use crate::error::{Error, ErrorKind, Result};
use crate::group::{ChangeError, NeedsSnapshot, ReadIndexError, wire};
use crate::limits::REQUEST_TIMEOUT_MAX;
use crate::trace::Traced;
use crate::transport::{Answer, From, Handler, Service};
use crate::views::GroupView;

/// Hands peers' calls to the node while it lives.
pub(super) struct PeerHandler(pub(super) Weak<Inner>);

impl Handler for PeerHandler {
    fn handle(&self, from: From, service: Service, body: Bytes, answer: Answer) {
        let Some(inner) = self.0.upgrade() else { return };
        if let Err(error) = inner.serve_peer(from, service, body, answer) {
            tracing::warn!(peer = from.node, service, %error, "malformed message");
        }
    }
}

impl Inner {
    fn serve_peer(
        self: &Arc<Self>,
        from: From,
        service: Service,
        body: Bytes,
        answer: Answer,
    ) -> Result<(), DecodeError> {
        match service {
            peer::PROBE => answer.send(peer::json(&self.probed(&peer::from_json::<Applicant>(&body)?))),
            peer::PREPARE => answer.send(peer::json(&self.promise_to(peer::from_json(&body)?))),
            peer::FOUND => self.spawn_json(answer, peer::from_json(&body)?, Self::founded_by_other),
            peer::JOIN => self.spawn_json(answer, peer::from_json(&body)?, Self::let_in),
            // Everything else is for members of this node's cluster only.
            _ if !from.member => tracing::debug!(peer = from.node, service, "call of a stranger ignored"),
            service if wire::is_raft(service) => self.serve_raft(service, body, answer)?,
            peer::TRACED => {
                let (about, service, body) = unwrapped(body)?;
                let traced = Traced::received(about, from.node)?;
                self.serve_client(service, body, answer, traced.span().clone())?;
            }
            peer::WRITE | peer::READ | peer::SEEK => {
                self.serve_client(service, body, answer, Span::none())?;
            }
            peer::READ_INDEX => self.serve_read_index(wire::decode(body, Decoder::u32)?, answer),
            peer::SNAPSHOT_OFFER => self.serve_offer(body, answer)?,
            peer::SNAPSHOT_PULL => self.serve_pull(body, answer)?,
            peer::ASK => self.spawn_json(answer, peer::from_json(&body)?, Self::tell),
            other => return Err(DecodeError::Unknown { what: "service", value: other.into() }),
        }
        Ok(())
    }

    fn spawn_json<Q: Send + 'static, A: serde::Serialize + Send, F: Future<Output = A> + Send>(
        self: &Arc<Self>,
        answer: Answer,
        question: Q,
        reply: impl FnOnce(Arc<Self>, Q) -> F + Send + 'static,
    ) {
        let inner = self.clone();
        tokio::spawn(async move { answer.send(peer::json(&reply(inner, question).await)) });
    }

    fn serve_raft(
        self: &Arc<Self>,
        service: Service,
        body: Bytes,
        answer: Answer,
    ) -> Result<(), DecodeError> {
        let mut input = Decoder::new(body);
        let group = input.u32()?;
        let body = input.take(input.remaining())?;
        match self.host.get(group) {
            Some(replica) => replica.handle(service, body, answer),
            // A leader speaks to a replica this node does not have open: it was just placed here. The call is
            // left unanswered; the leader tries again.
            None if self.host.repair_of(group).is_some() => Ok(()),
            None if matches!(service, wire::APPEND | wire::SNAPSHOT_BEGIN) => {
                self.open_in_background(group);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn open_in_background(self: &Arc<Self>, group: GroupId) {
        let inner = self.clone();
        tokio::spawn(async move {
            let unwanted = group >= raft_store::limits::GROUPS_MAX || inner.cluster_id().is_none();
            if unwanted || inner.host.is_stopping() {
                return;
            }
            if let Err(error) = inner.host.open(group).await
                && !error.is::<NeedsSnapshot>()
            {
                tracing::error!(group, "group not opened: {error:#}");
            }
        });
    }

    /// Carries out what a client asked another node for.
    fn serve_client(
        self: &Arc<Self>,
        service: Service,
        body: Bytes,
        answer: Answer,
        span: Span,
    ) -> Result<(), DecodeError> {
        match service {
            peer::WRITE => self.serve_write(body, answer, span),
            peer::READ => self.serve_read(body, answer, span),
            _ => self.serve_seek(body, answer, span),
        }
    }

    fn serve_write(self: &Arc<Self>, body: Bytes, answer: Answer, span: Span) -> Result<(), DecodeError> {
        let (group, timeout_ms, batch) = wire::decode(body, peer::write)?;
        let inner = self.clone();
        let work = async move {
            let outcome = inner.propose_here(group, batch, deadline(timeout_ms)).await;
            answer.send(peer::put_forwarded(&outcome, peer::put_written));
        };
        tokio::spawn(work.instrument(span));
        Ok(())
    }

    fn serve_read(self: &Arc<Self>, body: Bytes, answer: Answer, span: Span) -> Result<(), DecodeError> {
        let read = wire::decode(body, peer::read)?;
        let inner = self.clone();
        let work = async move {
            let outcome = inner.read_here(&read, deadline(read.timeout_ms)).await;
            answer.send(peer::put_forwarded(&outcome, peer::put_found));
        };
        tokio::spawn(work.instrument(span));
        Ok(())
    }

    fn serve_seek(self: &Arc<Self>, body: Bytes, answer: Answer, span: Span) -> Result<(), DecodeError> {
        let seek = wire::decode(body, peer::seek)?;
        let inner = self.clone();
        let work = async move {
            let outcome = inner.seek_here(&seek, deadline(seek.timeout_ms)).await;
            answer.send(peer::put_forwarded(&outcome, peer::put_seen));
        };
        tokio::spawn(work.instrument(span));
        Ok(())
    }

    fn serve_read_index(self: &Arc<Self>, group: GroupId, answer: Answer) {
        let replica = self.host.get(group);
        tokio::spawn(async move {
            let index: Forwarded<u64> = match replica {
                None => Err(Declined::NotLeader(None)),
                Some(replica) => replica.read_index(false).await.map_err(|error| match error {
                    ReadIndexError::NotLeader(hint) => Declined::NotLeader(hint),
                    _ => Declined::NotLeader(None),
                }),
            };
            answer.send(peer::put_forwarded(&index, |out, &index| put_u64(out, index)));
        });
    }

    async fn founded_by_other(self: Arc<Self>, founding: Founding) -> Objection {
        let own_disk = self.store_id();
        let _entering = self.founding.lock().await;
        if founding.founders.get(&self.id).is_none_or(|me| me.store.as_ref() != Some(&own_disk)) {
            return Some(format!("node {} is no founder with this disk", self.id));
        }
        let known = self.identity.lock().identity.cluster.clone();
        match known {
            Some(known) if known.cluster_id != founding.cluster_id => {
                return Some(format!("node {} belongs to cluster {}", self.id, known.cluster_id));
            }
            Some(known) if known.founding.is_some() => return None,
            None => {
                if let Some(objection) = self.promise_to(founding.coordinator) {
                    return Some(objection);
                }
            }
            Some(_) => {}
        }
        self.enter_founded(founding).await.err().map(|error| format!("{error:#}"))
    }

    /// Lets a node into the cluster, or back into it.
    async fn let_in(self: Arc<Self>, applicant: Applicant) -> Told {
        let Some(cluster_id) = self.cluster_id() else {
            return Err(Error::not_applied(ErrorKind::NotReady, "this node is in no cluster itself"));
        };
        let doc = self
            .change_doc(|doc| {
                doc.admit(&applicant.spec, Some(applicant.store.clone()))
                    .map_err(|refusal| Error::not_applied(ErrorKind::Conflict, refusal.to_string()))?;
                Ok(Change::Write(doc.clone()))
            })
            .await?;
        tracing::info!(node = applicant.spec.id, peer = applicant.spec.peer, "node let in");
        self.reconcile_soon.notify_one();
        let peers = doc.nodes.into_iter().map(|(id, member)| (id, member.peer)).collect();
        told(&Joined { cluster_id, peers })
    }

    /// Answers a rare question. Boxed, since telling may itself ask.
    pub(super) fn tell(self: Arc<Self>, ask: Ask) -> BoxFuture<'static, Told> {
        self.tell_unboxed(ask).boxed()
    }

    async fn tell_unboxed(self: Arc<Self>, ask: Ask) -> Told {
        match ask {
            Ask::Node => told(&self.own_view()),
            Ask::Led => told(&self.led()),
            Ask::Group { group, digest } => told(&self.replica(group)?.view(digest)),
            Ask::GroupAtLeader { group } => told(&self.group_view(group, false).await?),
            Ask::LedGroup { group } => told(&self.led_view(group)?),
            Ask::Change { group, change } => told(&self.change_here(group, change).await?),
            Ask::Transfer { group, to, timeout_ms } => {
                self.check_heir(group, to).await?;
                let moved = self.replica(group)?.transfer_to(to, deadline(timeout_ms)).await;
                told(&moved.map_err(|error| super::admin::change_error(group, error))?)
            }
            Ask::Snapshot { group, timeout_ms } => {
                let began = Instant::now();
                let taken = self.replica(group)?.snapshot(deadline(timeout_ms)).await;
                let last = taken.map_err(|error| super::admin::change_error(group, error))?;
                self.snapshots.succeeded(group, began.elapsed());
                told(&last)
            }
            Ask::RemoveMember { node } => told(&self.remove_member(node).await?),
            Ask::Excludes { group, node } => {
                let excludes = self.replica(group)?.excludes(node).await;
                told(&excludes.map_err(|error| super::admin::change_error(group, error))?)
            }
            Ask::Retire { group } => {
                self.retire(group).await;
                told(&())
            }
        }
    }

    /// A group this node leads.
    fn led_view(&self, group: GroupId) -> Result<GroupView> {
        let replica = self.replica(group).map_err(|error| Error { kind: ErrorKind::NoLeader, ..error })?;
        if !replica.leads() {
            return Err(super::admin::change_error(group, ChangeError::NotLeader(replica.leader())));
        }
        Ok(replica.view(false))
    }

    /// This node's replica of a group.
    pub(super) fn replica(&self, group: GroupId) -> Result<Arc<crate::group::Group>> {
        self.host.get(group).ok_or_else(|| {
            if let Some(why) = self.host.repair_of(group) {
                let detail = format!("node {} repairs its replica: {why}", self.id);
                return Error::not_applied(ErrorKind::NotReady, detail).group(group);
            }
            let what =
                if group == META_GROUP { "the meta group".to_owned() } else { format!("group {group}") };
            Error::not_applied(
                ErrorKind::UnknownGroup,
                format!("node {} holds no replica of {what}", self.id),
            )
            .group(group)
        })
    }
}

fn told<T: serde::Serialize>(value: &T) -> Told {
    serde_json::to_value(value).map_err(|error| Error::unknown(ErrorKind::Internal, error.to_string()))
}

fn deadline(timeout_ms: u64) -> Instant {
    Instant::now() + Duration::from_millis(timeout_ms).min(REQUEST_TIMEOUT_MAX)
}
