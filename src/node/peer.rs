//! The questions nodes ask each other beside Raft's own, and their encodings.

mod seek;

use bytes::Bytes;
use raft_store::codec::{DecodeError, Decoder, put_bytes, put_option, put_u32, put_u64, put_varint};
use raft_store::command::{Replies, put_replies, replies};
use raft_store::key::Key;
use raft_store::map::{lookup, put_lookup};
use raft_store::{GroupId, NodeId};
use serde::{Deserialize, Serialize};

use super::{Consistency, GroupChange};
use crate::error::Error;
use crate::group::{Batch, Lookups, wire};
use crate::transport::Service;
use crate::views::MemberSpec;

pub(crate) use seek::{Seek, Seen, put_seek, put_seen, seek, seen};

/// Who are you, and of which cluster? Asked by fresh nodes. JSON.
pub(crate) const PROBE: Service = 16;
/// Would you found a cluster with me? JSON.
pub(crate) const PREPARE: Service = 17;
/// We found this cluster. JSON.
pub(crate) const FOUND: Service = 18;
/// Let me in. JSON.
pub(crate) const JOIN: Service = 19;
/// Propose these commands.
pub(crate) const WRITE: Service = 24;
/// Read these keys.
pub(crate) const READ: Service = 25;
/// Give me a read index.
pub(crate) const READ_INDEX: Service = 26;
/// Anything rare. JSON.
pub(crate) const ASK: Service = 27;

/// Look through your keys, or count them.
pub(crate) const SEEK: Service = 30;
/// Hold a snapshot ready for me, of this entry or later.
pub(crate) const SNAPSHOT_OFFER: Service = 28;
/// Give me a chunk of the snapshot held ready.
pub(crate) const SNAPSHOT_PULL: Service = 29;

/// One of `WRITE`, `READ` and `SEEK`, and in front of it the id of the request whose way is logged.
pub(crate) const TRACED: Service = 31;

/// A fresh node, as it presents itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Applicant {
    pub(crate) spec: MemberSpec,
    pub(crate) store: String,
    pub(crate) bootstrap_expect: usize,
}

/// What a probed node says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Probed {
    /// It is fresh too.
    Fresh(Applicant),
    /// It belongs to a cluster, and would let the asker in.
    Member,
    /// It belongs to a cluster that will not have the asker.
    Refused(String),
}

/// What a node needs to take part in its cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Joined {
    pub(crate) cluster_id: String,
    pub(crate) peers: Vec<(NodeId, String)>,
}

/// The answer to `PREPARE` and `FOUND`: `None` is yes.
pub(crate) type Objection = Option<String>;

/// Rare questions; each is answered with `Result<serde_json::Value, Error>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ask {
    /// The node's own `NodeView`.
    Node,
    /// The groups the node leads.
    Led,
    /// The replica's `GroupView`.
    Group { group: GroupId, digest: bool },
    /// The leader's `GroupView`, whoever that is: asked by a node that may not know where it is.
    GroupAtLeader { group: GroupId },
    /// The same from the replica that leads, which alone knows how the others are.
    LedGroup { group: GroupId },
    /// Start a change of a group this node leads; answered with the `Operation`.
    Change { group: GroupId, change: GroupChange },
    /// Hand leadership over.
    Transfer { group: GroupId, to: NodeId, timeout_ms: u64 },
    /// Take a node out of the cluster, and see to it.
    RemoveMember { node: NodeId },
    /// Take a snapshot of this replica.
    Snapshot { group: GroupId, timeout_ms: u64 },
    /// Whether the group this node leads has certainly no part for a node; answered with a `bool`.
    Excludes { group: GroupId, node: NodeId },
    /// This node was taken out of a group: look, and stop the replica if so.
    Retire { group: GroupId },
}

/// A rare answer.
pub(crate) type Told = Result<serde_json::Value, Error>;

/// Encodes a JSON question or answer.
pub(crate) fn json<T: Serialize>(value: &T) -> Bytes {
    // Plain data with string keys: serialising it cannot fail.
    serde_json::to_vec(value).expect("plain data serialises").into()
}

/// Reads a JSON question or answer.
pub(crate) fn from_json<T: for<'de> Deserialize<'de>>(body: &Bytes) -> Result<T, DecodeError> {
    serde_json::from_slice(body).map_err(|_| DecodeError::Invalid("JSON message"))
}

/// Why a forwarded request was not carried out; nothing was proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Declined {
    /// The node does not lead the group; the one that does, if it knows.
    NotLeader(Option<NodeId>),
    /// Anything else, as the client is to see it.
    Error(Error),
}

/// The answer to a forwarded request.
pub(crate) type Forwarded<T> = Result<T, Declined>;

/// The question of `WRITE`.
pub(crate) fn put_write(group: GroupId, timeout_ms: u64, batch: &Batch) -> Bytes {
    wire::body(group, |out| {
        put_u64(out, timeout_ms);
        put_u32(out, batch.count);
        put_bytes(out, &batch.commands);
    })
}

pub(crate) fn write(input: &mut Decoder) -> Result<(GroupId, u64, Batch), DecodeError> {
    let (group, timeout_ms, count) = (input.u32()?, input.u64()?, input.u32()?);
    Ok((group, timeout_ms, Batch::received(input.bytes()?, count)))
}

/// One forwarded read of keys of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadKeys {
    pub(crate) group: GroupId,
    pub(crate) consistency: Consistency,
    pub(crate) timeout_ms: u64,
    pub(crate) keys: Vec<Key>,
}

/// The question of `READ`.
pub(crate) fn put_read(read: &ReadKeys) -> Bytes {
    wire::body(read.group, |out| {
        out.push(read.consistency as u8);
        put_u64(out, read.timeout_ms);
        put_varint(out, read.keys.len() as u64);
        read.keys.iter().for_each(|key| put_bytes(out, key.as_bytes()));
    })
}

pub(crate) fn read(input: &mut Decoder) -> Result<ReadKeys, DecodeError> {
    let group = input.u32()?;
    let (consistency, timeout_ms) = (consistency(input)?, input.u64()?);
    let keys = (0..input.count()?).map(|_| key(input)).collect::<Result<_, _>>()?;
    Ok(ReadKeys { group, consistency, timeout_ms, keys })
}

fn consistency(input: &mut Decoder) -> Result<Consistency, DecodeError> {
    match input.u8()? {
        0 => Ok(Consistency::Linearizable),
        1 => Ok(Consistency::Lease),
        2 => Ok(Consistency::Local),
        other => Err(DecodeError::Unknown { what: "consistency", value: other.into() }),
    }
}

fn key(input: &mut Decoder) -> Result<Key, DecodeError> {
    Key::from_stored(input.bytes()?).map_err(|_| DecodeError::Invalid("key"))
}

/// What a read found, and for a local one a bound on how old it may be, if there is any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Looked {
    pub(crate) lookups: Lookups,
    pub(crate) staleness_ms: Option<u64>,
}

pub(crate) fn put_forwarded<T>(answer: &Forwarded<T>, put: impl FnOnce(&mut Vec<u8>, &T)) -> Bytes {
    wire::encode(|out| match answer {
        Ok(value) => {
            out.push(0);
            put(out, value);
        }
        Err(Declined::NotLeader(hint)) => {
            out.push(1);
            put_option(out, *hint, put_u64);
        }
        Err(Declined::Error(error)) => {
            out.push(2);
            put_bytes(out, &json(error));
        }
    })
}

pub(crate) fn forwarded<T>(
    body: Bytes,
    read: impl FnOnce(&mut Decoder) -> Result<T, DecodeError>,
) -> Result<Forwarded<T>, DecodeError> {
    wire::decode(body, |input| {
        Ok(match input.u8()? {
            0 => Ok(read(input)?),
            1 => Err(Declined::NotLeader(input.option(Decoder::u64)?)),
            2 => Err(Declined::Error(from_json(&input.bytes()?)?)),
            other => return Err(DecodeError::Unknown { what: "answer", value: other.into() }),
        })
    })
}

pub(crate) fn put_written(out: &mut Vec<u8>, written: &Replies) {
    put_replies(out, written);
}

pub(crate) fn written(input: &mut Decoder) -> Result<Replies, DecodeError> {
    replies(input)
}

pub(crate) fn put_found(out: &mut Vec<u8>, found: &Looked) {
    put_option(out, found.staleness_ms, put_u64);
    put_u64(out, found.lookups.time_ms);
    put_u64(out, found.lookups.version);
    put_varint(out, found.lookups.found.len() as u64);
    found.lookups.found.iter().for_each(|one| put_lookup(out, one));
}

pub(crate) fn found(input: &mut Decoder) -> Result<Looked, DecodeError> {
    let staleness_ms = input.option(Decoder::u64)?;
    let (time_ms, version) = (input.u64()?, input.u64()?);
    let found = (0..input.count()?).map(|_| lookup(input)).collect::<Result<_, _>>()?;
    Ok(Looked { lookups: Lookups { time_ms, version, found }, staleness_ms })
}
