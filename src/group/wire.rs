//! Which question a call between peers asks, the group number in front of its body, and the messages of a
//! snapshot on its way to a follower.
//!
//! ```text
//! begin   sender u64 | sequence u64 | chunks u32 | bytes u64 | what the snapshot covers
//!         answer: stream u32 | next chunk u32
//! chunk   stream u32 | chunk u32 | frame
//!         answer: nothing
//! end     stream u32 | vote
//!         answer: vote
//! ```
//! The next chunk is not 0 when the receiver goes on with a stream that broke off, and the number of all chunks
//! when it has them all.

use std::io;

use bytes::Bytes;
use raft_store::codec::{DecodeError, Decoder, put_u32, put_u64};
use raft_store::raft::{SnapshotMeta, messages, snapshot_meta};
use raft_store::snapshot_store::StoredSnapshot;
use raft_store::{GroupId, NodeId};

use crate::transport::Service;

/// Append entries.
pub(crate) const APPEND: Service = 1;
/// Request a vote.
pub(crate) const VOTE: Service = 2;
/// Ask whether a vote would be granted.
pub(crate) const PRE_VOTE: Service = 3;
/// Ask a voter to take over leadership.
pub(crate) const TRANSFER: Service = 4;
/// Begin to stream a snapshot, or go on with it.
pub(crate) const SNAPSHOT_BEGIN: Service = 5;
/// One chunk of a snapshot.
pub(crate) const SNAPSHOT_CHUNK: Service = 6;
/// Install the snapshot streamed.
pub(crate) const SNAPSHOT_END: Service = 7;

/// Ask a voter whether it sees the leader gone, and would vote for who asks.
pub(crate) const POLL: Service = 8;

/// Whether a service is one of a group's own.
pub(crate) fn is_raft(service: Service) -> bool {
    (APPEND..=POLL).contains(&service)
}

/// A snapshot as its sender names it. Two streams with equal offers carry the same chunks: a store never changes a
/// snapshot, and uses a sequence for another one only after it forgot the group, which it does only once this node
/// has left it; to come back takes an entry, so what is covered then differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offer {
    /// The node that sends it, whose store gave it the sequence.
    pub(crate) sender: NodeId,
    /// Its sequence in that store.
    pub(crate) sequence: u64,
    /// Number of its chunks.
    pub(crate) chunks: u32,
    /// Bytes of all of them.
    pub(crate) bytes: u64,
    /// What it covers.
    pub(crate) meta: SnapshotMeta,
}

impl Offer {
    /// The offer of `snapshot` by the node `sender`, whose store it is in.
    pub(crate) fn of(sender: NodeId, snapshot: &StoredSnapshot) -> io::Result<Self> {
        Ok(Self {
            sender,
            sequence: snapshot.id().sequence,
            chunks: snapshot.chunks(),
            bytes: snapshot.bytes(),
            meta: snapshot_meta(snapshot)?,
        })
    }

    /// Appends the offer.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        put_u64(out, self.sender);
        put_u64(out, self.sequence);
        put_u32(out, self.chunks);
        put_u64(out, self.bytes);
        messages::put_snapshot_meta(out, &self.meta);
    }

    /// Reads what [`Self::put`] wrote.
    pub(crate) fn read(input: &mut Decoder) -> Result<Self, DecodeError> {
        Ok(Self {
            sender: input.u64()?,
            sequence: input.u64()?,
            chunks: input.u32()?,
            bytes: input.u64()?,
            meta: messages::snapshot_meta(input)?,
        })
    }
}

/// A body that starts with the group it is for.
pub(crate) fn body(group: GroupId, put: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut out = Vec::with_capacity(256);
    put_u32(&mut out, group);
    put(&mut out);
    out.into()
}

/// A body without a group.
pub(crate) fn encode(put: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut out = Vec::with_capacity(64);
    put(&mut out);
    out.into()
}

/// Reads a whole body.
pub(crate) fn decode<T>(
    body: Bytes,
    read: impl FnOnce(&mut Decoder) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    let mut input = Decoder::new(body);
    let value = read(&mut input)?;
    input.finish()?;
    Ok(value)
}
