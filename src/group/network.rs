//! openraft's network for one group, on the shared peer transport.
//!
//! Appends are pipelined: each request is sent as soon as openraft makes it, answers come back in order; a commit index
//! without entries is asked for a little later ([`super::piggyback`]).

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt as _, Stream, StreamExt as _};
use openraft::errors::{NetworkError, RPCError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::{Backoff, RPCOption};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, TransferLeaderRequest,
    TransferLeaderResponse, VoteRequest, VoteResponse,
};
use openraft::storage::Snapshot;
use openraft::{EmptyNode, RaftNetworkFactory, RaftNetworkV2};
use parking_lot::Mutex;
use raft_store::codec::DecodeError;
use raft_store::raft::{LeaderId, TypeConfig, Vote, messages};
use raft_store::snapshot_store::StoredSnapshot;
use raft_store::{GroupId, NodeId};
use tokio::sync::watch;
use tokio::time::Instant;

use super::append_times::{AppendTimes, PeerAppends};
use super::appends::{self, AppendStream, Asked};
use super::outgoing::Outgoing;
use super::pace::Pace;
use super::piggyback;
use super::promise::Demand;
use super::succession::Unbidden;
use super::wire;
use crate::limits::{APPEND_TIMEOUT, APPENDS_IN_FLIGHT_MAX, RECONNECT_BACKOFF};
use crate::transport::{CallError, Lane, Service, Transport};

pub(super) type Rpc<T> = Result<T, RPCError<TypeConfig>>;
/// The snapshot type of openraft's traits, spelled out.
pub(crate) type RaftSnapshot = Snapshot<LeaderId, NodeId, EmptyNode, StoredSnapshot>;
type Pinned<'s, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 's>>;

/// Makes the clients of one group.
#[derive(Debug, Clone)]
pub(crate) struct GroupNetwork {
    pub(crate) group: GroupId,
    /// This node.
    pub(crate) node: NodeId,
    pub(crate) transport: Transport,
    pub(crate) outgoing: Arc<Outgoing>,
    pub(crate) pace: Arc<Pace>,
    pub(crate) appends: Arc<AppendTimes>,
    /// Whether appends ask for leases.
    pub(super) demand: Arc<Demand>,
    pub(super) unbidden: Arc<Unbidden>,
    /// The newest entry in this replica's log.
    pub(super) submitted: watch::Receiver<u64>,
}

impl RaftNetworkFactory<TypeConfig> for GroupNetwork {
    type Network = GroupClient;

    async fn new_client(&mut self, target: NodeId, _node: &EmptyNode) -> GroupClient {
        GroupClient {
            group: self.group,
            node: self.node,
            target,
            transport: self.transport.clone(),
            outgoing: self.outgoing.clone(),
            pace: self.pace.clone(),
            appends: self.appends.of(target),
            demand: self.demand.clone(),
            unbidden: self.unbidden.clone(),
            submitted: self.submitted.clone(),
        }
    }
}

/// Speaks to one replica of the group.
#[derive(Debug, Clone)]
pub(crate) struct GroupClient {
    pub(super) group: GroupId,
    pub(super) node: NodeId,
    pub(super) target: NodeId,
    pub(super) transport: Transport,
    pub(super) outgoing: Arc<Outgoing>,
    pub(super) pace: Arc<Pace>,
    appends: Arc<Mutex<PeerAppends>>,
    demand: Arc<Demand>,
    unbidden: Arc<Unbidden>,
    submitted: watch::Receiver<u64>,
}

impl GroupClient {
    pub(super) async fn call(
        &self,
        lane: Lane,
        service: Service,
        body: Bytes,
        timeout: Duration,
    ) -> Rpc<Bytes> {
        self.transport.call(self.target, lane, service, body, timeout).await.map_err(rpc_error)
    }

    async fn ask<T>(
        &self,
        service: Service,
        option: &RPCOption,
        put: impl FnOnce(&mut Vec<u8>),
        read: impl FnOnce(&mut raft_store::codec::Decoder) -> Result<T, DecodeError>,
    ) -> Rpc<T> {
        let body = wire::body(self.group, put);
        let answer = self.call(Lane::Control, service, body, option.hard_ttl()).await?;
        wire::decode(answer, read).map_err(malformed)
    }

    async fn append(
        &self,
        request: AppendEntriesRequest<TypeConfig>,
    ) -> Rpc<AppendEntriesResponse<TypeConfig>> {
        // Read after openraft has noted when the request was sent: `promise` rests on that.
        let (asks, entries) = (self.demand.asks(), !request.entries.is_empty());
        let body = wire::body(self.group, |out| {
            out.push(u8::from(asks));
            messages::put_append(out, &request);
        });
        let began = Instant::now();
        let answer = self.call(Lane::Control, wire::APPEND, body, APPEND_TIMEOUT).await;
        self.appends.lock().note(entries, answer.is_ok(), began.elapsed());
        let answer = answer?;
        wire::decode(answer, messages::append_response).map_err(malformed)
    }
}

impl RaftNetworkV2<TypeConfig> for GroupClient {
    type SnapshotData = StoredSnapshot;

    async fn append_entries(
        &mut self,
        request: AppendEntriesRequest<TypeConfig>,
        _option: RPCOption,
    ) -> Rpc<AppendEntriesResponse<TypeConfig>> {
        self.append(request).await
    }

    fn stream_append<'s, S>(&'s mut self, input: S, _option: RPCOption) -> Pinned<'s, Rpc<AppendStream<'s>>>
    where
        S: Stream<Item = AppendEntriesRequest<TypeConfig>> + Send + Unpin + 'static,
    {
        let (client, mut asked) = (self.clone(), Asked::default());
        let answers = piggyback::with_entries(input, self.submitted.clone())
            .map(move |request| {
                let place = asked.place(&request);
                let client = client.clone();
                async move { client.append(request).await.map(|response| (response, place)) }
            })
            .buffered(APPENDS_IN_FLIGHT_MAX);
        futures_util::future::ready(Ok(appends::told(answers))).boxed()
    }

    async fn vote(
        &mut self,
        request: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Rpc<VoteResponse<TypeConfig>> {
        let request = self.unbidden.plain(request);
        let put = |out: &mut Vec<u8>| messages::put_vote_request(out, &request);
        self.ask(wire::VOTE, &option, put, messages::vote_response).await
    }

    async fn pre_vote(
        &mut self,
        request: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Rpc<VoteResponse<TypeConfig>> {
        let put = |out: &mut Vec<u8>| messages::put_vote_request(out, &request);
        self.ask(wire::PRE_VOTE, &option, put, messages::vote_response).await
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: RaftSnapshot,
        cancel: impl Future<Output = ReplicationClosed> + Send + 'static,
        _option: RPCOption,
    ) -> Result<SnapshotResponse<TypeConfig>, StreamingError<TypeConfig>> {
        tokio::select! {
            closed = cancel => Err(StreamingError::Closed(closed)),
            sent = self.send_snapshot(vote, snapshot) => Ok(sent?),
        }
    }

    async fn transfer_leader(
        &mut self,
        request: TransferLeaderRequest<TypeConfig>,
        option: RPCOption,
    ) -> Rpc<TransferLeaderResponse<TypeConfig>> {
        let put = |out: &mut Vec<u8>| {
            messages::put_vote(out, request.from_leader());
            raft_store::codec::put_u64(out, *request.to_node_id());
            raft_store::codec::put_option(out, request.last_log_id(), messages::put_log_id);
        };
        self.ask(wire::TRANSFER, &option, put, |_| Ok(())).await.map(Ok)
    }

    fn backoff(&self) -> Option<Backoff> {
        Some(Backoff::new(std::iter::repeat(RECONNECT_BACKOFF)))
    }
}

fn rpc_error(error: CallError) -> RPCError<TypeConfig> {
    match error {
        CallError::Lost(_) => RPCError::Network(NetworkError::new(&error)),
        CallError::NotSent(_) | CallError::Refused(_) => RPCError::Unreachable(Unreachable::new(&error)),
    }
}

pub(super) fn malformed(error: DecodeError) -> RPCError<TypeConfig> {
    RPCError::Network(NetworkError::new(&error))
}
