//! Streams a snapshot to a follower: begin, chunks with a bounded number in flight, install.

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use openraft::errors::{NetworkError, RPCError};
use openraft::raft::SnapshotResponse;
use raft_store::codec::{Decoder, put_u32};
use raft_store::raft::{TypeConfig, Vote, messages};
use raft_store::snapshot_store::StoredSnapshot;

use super::network::{GroupClient, RaftSnapshot, malformed};
use super::wire;
use crate::limits::*;
use crate::transport::Lane;

type Rpc<T> = Result<T, RPCError<TypeConfig>>;

impl GroupClient {
    /// Sends all of `snapshot`; returns once the follower has installed it.
    pub(super) async fn send_snapshot(
        &self,
        vote: Vote,
        snapshot: RaftSnapshot,
    ) -> Rpc<SnapshotResponse<TypeConfig>> {
        let stream = self.begin_snapshot(&snapshot).await?;
        // Read one after the other, sent without waiting for each: the follower writes them in order.
        futures_util::stream::iter(0..snapshot.snapshot.chunks())
            .then(|index| read_chunk(snapshot.snapshot.clone(), index))
            .map(|read| self.send_chunk(stream, read))
            .buffered(SNAPSHOT_CHUNKS_IN_FLIGHT_MAX)
            .try_collect::<()>()
            .await?;
        self.end_snapshot(stream, &vote).await
    }

    async fn begin_snapshot(&self, snapshot: &RaftSnapshot) -> Rpc<u32> {
        let body = wire::body(self.group, |out| messages::put_snapshot_meta(out, &snapshot.meta));
        let answer = self.call(Lane::Bulk, wire::SNAPSHOT_BEGIN, body, SNAPSHOT_CHUNK_TIMEOUT).await?;
        wire::decode(answer, Decoder::u32).map_err(malformed)
    }

    async fn send_chunk(&self, stream: u32, read: Rpc<(u32, Bytes)>) -> Rpc<()> {
        let (index, chunk) = read?;
        let body = wire::body(self.group, |out| {
            put_u32(out, stream);
            put_u32(out, index);
            out.extend_from_slice(&chunk);
        });
        self.call(Lane::Bulk, wire::SNAPSHOT_CHUNK, body, SNAPSHOT_CHUNK_TIMEOUT).await.map(drop)
    }

    async fn end_snapshot(&self, stream: u32, vote: &Vote) -> Rpc<SnapshotResponse<TypeConfig>> {
        let body = wire::body(self.group, |out| {
            put_u32(out, stream);
            messages::put_vote(out, vote);
        });
        let answer = self.call(Lane::Bulk, wire::SNAPSHOT_END, body, SNAPSHOT_INSTALL_TIMEOUT).await?;
        wire::decode(answer, messages::vote).map(SnapshotResponse::new).map_err(malformed)
    }
}

async fn read_chunk(snapshot: StoredSnapshot, index: u32) -> Rpc<(u32, Bytes)> {
    let read = tokio::task::spawn_blocking(move || snapshot.read_raw(index)).await;
    Ok((index, read.map_err(unreadable)?.map_err(unreadable)?))
}

fn unreadable(error: impl std::error::Error + 'static) -> RPCError<TypeConfig> {
    RPCError::Network(NetworkError::new(&error))
}
