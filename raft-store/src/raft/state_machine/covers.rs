//! What a snapshot covers: openraft's words for it to the snapshot store's, and back.

use std::io;

use crate::codec::{DecodeError, Decoder, put_option};
use crate::raft::messages::{log_id, membership, put_log_id, put_membership};
use crate::raft::types::*;
use crate::snapshot_store::{Covers, Position, StoredSnapshot};

impl From<&SnapshotMeta> for Covers {
    fn from(meta: &SnapshotMeta) -> Self {
        let position =
            |id: LogId| Position { term: id.leader_id.term, node: id.leader_id.node_id, index: id.index };
        let mut rest = Vec::new();
        put_option(&mut rest, meta.last_membership.log_id().as_ref(), put_log_id);
        put_membership(&mut rest, meta.last_membership.membership());
        Self { last: meta.last_log_id.map(position), rest: rest.into() }
    }
}

/// What openraft calls that which `snapshot` covers; an error when those who made it said something else there.
pub fn snapshot_meta(snapshot: &StoredSnapshot) -> io::Result<SnapshotMeta> {
    read(snapshot.covers()).map_err(|error| {
        let what = format!("what {} covers cannot be read: {error}", snapshot.id());
        io::Error::new(io::ErrorKind::InvalidData, what)
    })
}

fn read(covers: &Covers) -> Result<SnapshotMeta, DecodeError> {
    let Position { term, node, index } = covers.last.unwrap_or(Position { term: 0, node: 0, index: 0 });
    let last = LogId { leader_id: LeaderId { term, node_id: node }, index };
    // A snapshot of nothing has no membership either.
    if covers.rest.is_empty() {
        return Ok(SnapshotMeta { last_log_id: covers.last.map(|_| last), ..SnapshotMeta::default() });
    }
    let mut input = Decoder::new(covers.rest.clone());
    let membership_id = input.option(log_id)?;
    let last_membership = StoredMembership::new(membership_id, membership(&mut input)?);
    input.finish()?;
    Ok(SnapshotMeta { last_log_id: covers.last.map(|_| last), last_membership })
}
