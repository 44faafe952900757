//! Streams a snapshot to a follower: begin, chunks with a bounded number and size in flight, install.
//!
//! openraft calls again after an error. The follower then says which chunk it waits for, so an attempt begins where
//! the one before broke off. What is in flight is bounded, and a follower answers for a chunk once it is written: a
//! slow disk there slows the stream and nothing else here.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use openraft::errors::{NetworkError, RPCError};
use openraft::raft::SnapshotResponse;
use raft_store::blocking;
use raft_store::codec::{DecodeError, put_u32};
use raft_store::raft::{TypeConfig, Vote, messages};
use raft_store::snapshot_store::StoredSnapshot;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::network::{GroupClient, RaftSnapshot, malformed};
use super::outgoing::Outgoing;
use super::pace::Pace;
use super::wire::{self, Offer};
use crate::limits::*;
use crate::transport::Lane;

type Rpc<T> = Result<T, RPCError<TypeConfig>>;

/// A chunk that was read, and its share of what may be in flight.
struct Chunk {
    index: u32,
    frame: Bytes,
    share: OwnedSemaphorePermit,
}

impl GroupClient {
    /// Sends what the follower does not have of `snapshot`; returns once the follower has installed it. After a
    /// failure without any progress it pauses before it returns.
    pub(super) async fn send_snapshot(
        &self,
        vote: Vote,
        snapshot: RaftSnapshot,
    ) -> Rpc<SnapshotResponse<TypeConfig>> {
        let snapshot = snapshot.snapshot;
        let mut arrived = 0;
        let sent = self.stream(&vote, &snapshot, &mut arrived).await;
        match &sent {
            Ok(_) => self.outgoing.done(self.target, &snapshot),
            Err(_) if arrived == 0 => tokio::time::sleep(SNAPSHOT_RETRY_PAUSE).await,
            Err(_) => {}
        }
        sent
    }

    async fn stream(
        &self,
        vote: &Vote,
        snapshot: &StoredSnapshot,
        arrived: &mut u32,
    ) -> Rpc<SnapshotResponse<TypeConfig>> {
        let (stream, next) = self.begin_snapshot(snapshot).await?;
        // Only now: for a follower that does not answer nothing is held.
        self.outgoing.begin(self.target, snapshot);
        let reader = Reader {
            snapshot: snapshot.clone(),
            in_flight: Arc::new(Semaphore::new(SNAPSHOT_BYTES_IN_FLIGHT_MAX)),
            outgoing: self.outgoing.clone(),
            pace: self.pace.clone(),
        };
        // Read one after the other, sent without waiting for each: the follower writes them in order.
        futures_util::stream::iter(next..snapshot.chunks())
            .then(move |index| reader.clone().read(index))
            .map(|read| self.send_chunk(stream, read))
            .buffered(SNAPSHOT_CHUNKS_IN_FLIGHT_MAX)
            .try_for_each(|()| {
                *arrived += 1;
                self.outgoing.moved(snapshot);
                futures_util::future::ready(Ok(()))
            })
            .await?;
        self.end_snapshot(stream, vote).await
    }

    /// The stream's number and the first chunk the follower does not have.
    async fn begin_snapshot(&self, snapshot: &StoredSnapshot) -> Rpc<(u32, u32)> {
        let offer = Offer::of(self.node, snapshot).map_err(unreadable)?;
        let body = wire::body(self.group, |out| offer.put(out));
        let answer = self.call(Lane::Bulk, wire::SNAPSHOT_BEGIN, body, SNAPSHOT_CHUNK_TIMEOUT).await?;
        let begun = wire::decode(answer, |input| {
            let (stream, next) = (input.u32()?, input.u32()?);
            if next > offer.chunks { Err(DecodeError::Invalid("next chunk")) } else { Ok((stream, next)) }
        });
        begun.map_err(malformed)
    }

    async fn send_chunk(&self, stream: u32, read: Rpc<Chunk>) -> Rpc<()> {
        let Chunk { index, frame, share } = read?;
        let body = wire::body(self.group, |out| {
            out.reserve_exact(8 + frame.len());
            put_u32(out, stream);
            put_u32(out, index);
            out.extend_from_slice(&frame);
        });
        let answer = self.call(Lane::Bulk, wire::SNAPSHOT_CHUNK, body, SNAPSHOT_CHUNK_TIMEOUT).await;
        drop(share);
        answer.map(drop)
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

/// Reads the chunks of one attempt.
#[derive(Clone)]
struct Reader {
    snapshot: StoredSnapshot,
    in_flight: Arc<Semaphore>,
    outgoing: Arc<Outgoing>,
    pace: Arc<Pace>,
}

impl Reader {
    /// Reads a chunk and waits until it may go.
    async fn read(self, index: u32) -> Rpc<Chunk> {
        let snapshot = self.snapshot;
        let read = blocking::run(move || snapshot.read_raw(index)).await.map_err(unreadable)?;
        let frame = read.map_err(|error| {
            tracing::error!(%error, "a snapshot cannot be sent");
            // So that the next attempt gets a newer one, once there is one.
            if error.is_damage() {
                self.outgoing.found_damage()
            } else {
                self.outgoing.release()
            }
            unreadable(error)
        })?;
        let share = frame.len().min(SNAPSHOT_BYTES_IN_FLIGHT_MAX) as u32;
        let share = self.in_flight.acquire_many_owned(share).await.map_err(unreadable)?;
        self.pace.take(frame.len()).await;
        Ok(Chunk { index, frame, share })
    }
}

fn unreadable(error: impl std::error::Error + 'static) -> RPCError<TypeConfig> {
    RPCError::Network(NetworkError::new(&error))
}
