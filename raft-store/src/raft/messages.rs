//! Byte encodings of Raft's own values and messages: what the log stores and what peers send.

use std::collections::{BTreeMap, BTreeSet};

use openraft::EmptyNode;
use openraft::raft::{AppendEntriesRequest, AppendEntriesResponse, VoteRequest, VoteResponse};
use openraft::vote::RaftLeaderId as _;

use super::types::*;
use crate::codec::{DecodeError, Decoder, put_bytes, put_option, put_u64, put_varint};
use crate::command::PackedEntry;

type Out = Vec<u8>;
type Read<T> = Result<T, DecodeError>;

/// Appends a log id.
pub fn put_log_id(out: &mut Out, id: &LogId) {
    put_u64(out, id.leader_id.term);
    put_u64(out, id.leader_id.node_id);
    put_u64(out, id.index);
}

/// Reads a log id.
pub fn log_id(input: &mut Decoder) -> Read<LogId> {
    let leader = LeaderId::new(input.u64()?, input.u64()?);
    Ok(LogId { leader_id: leader, index: input.u64()? })
}

/// Appends a vote.
pub fn put_vote(out: &mut Out, vote: &Vote) {
    put_u64(out, vote.leader_id.term);
    put_u64(out, vote.leader_id.node_id);
    out.push(u8::from(vote.committed));
}

/// Reads a vote.
pub fn vote(input: &mut Decoder) -> Read<Vote> {
    let leader_id = LeaderId::new(input.u64()?, input.u64()?);
    Ok(Vote { leader_id, committed: input.bool()? })
}

/// Appends a membership: its configurations, then every node it names.
pub fn put_membership(out: &mut Out, membership: &Membership) {
    put_varint(out, membership.get_joint_config().len() as u64);
    for config in membership.get_joint_config() {
        put_nodes(out, config.iter().copied());
    }
    put_nodes(out, membership.nodes().map(|(id, _)| *id));
}

fn put_nodes(out: &mut Out, nodes: impl Iterator<Item = u64>) {
    let nodes: Vec<u64> = nodes.collect();
    put_varint(out, nodes.len() as u64);
    nodes.into_iter().for_each(|node| put_u64(out, node));
}

/// Reads a membership.
pub fn membership(input: &mut Decoder) -> Read<Membership> {
    let configs = (0..input.count()?).map(|_| nodes(input)).collect::<Read<Vec<BTreeSet<u64>>>>()?;
    let nodes: BTreeMap<u64, EmptyNode> = nodes(input)?.into_iter().map(|id| (id, EmptyNode {})).collect();
    Membership::new(configs, nodes).map_err(|_| DecodeError::Invalid("membership"))
}

fn nodes(input: &mut Decoder) -> Read<BTreeSet<u64>> {
    (0..input.count()?).map(|_| input.u64()).collect()
}

/// Appends an entry: log id, kind, payload.
pub fn put_entry(out: &mut Out, entry: &RaftEntry) {
    put_log_id(out, &entry.log_id);
    match &entry.payload {
        Payload::Blank => out.push(0),
        Payload::Normal(packed) => {
            out.push(1);
            put_bytes(out, packed.as_bytes());
        }
        Payload::Membership(m) => {
            out.push(2);
            put_membership(out, m);
        }
    }
}

/// Reads an entry; the payload shares the input's buffer.
pub fn entry(input: &mut Decoder) -> Read<RaftEntry> {
    let log_id = log_id(input)?;
    let payload = match input.u8()? {
        0 => Payload::Blank,
        1 => Payload::Normal(PackedEntry::from_bytes(input.bytes()?)?),
        2 => Payload::Membership(membership(input)?),
        kind => return Err(DecodeError::Unknown { what: "entry kind", value: kind.into() }),
    };
    Ok(RaftEntry { log_id, payload })
}

/// Appends what a snapshot covers.
pub fn put_snapshot_meta(out: &mut Out, meta: &SnapshotMeta) {
    put_option(out, meta.last_log_id.as_ref(), put_log_id);
    put_option(out, meta.last_membership.log_id().as_ref(), put_log_id);
    put_membership(out, meta.last_membership.membership());
}

/// Reads what a snapshot covers.
pub fn snapshot_meta(input: &mut Decoder) -> Read<SnapshotMeta> {
    let last_log_id = input.option(log_id)?;
    let membership_id = input.option(log_id)?;
    let last_membership = StoredMembership::new(membership_id, membership(input)?);
    Ok(SnapshotMeta { last_log_id, last_membership })
}

/// Appends an append-entries request.
pub fn put_append(out: &mut Out, request: &AppendEntriesRequest<TypeConfig>) {
    put_vote(out, &request.vote);
    put_option(out, request.prev_log_id.as_ref(), put_log_id);
    put_option(out, request.leader_commit.as_ref(), put_log_id);
    put_varint(out, request.entries.len() as u64);
    request.entries.iter().for_each(|entry| put_entry(out, entry));
}

/// Reads an append-entries request.
pub fn append(input: &mut Decoder) -> Read<AppendEntriesRequest<TypeConfig>> {
    Ok(AppendEntriesRequest {
        vote: vote(input)?,
        prev_log_id: input.option(log_id)?,
        leader_commit: input.option(log_id)?,
        entries: (0..input.count()?).map(|_| entry(input)).collect::<Read<_>>()?,
    })
}

/// Appends the answer to an append-entries request.
pub fn put_append_response(out: &mut Out, response: &AppendEntriesResponse<TypeConfig>) {
    match response {
        AppendEntriesResponse::Success => out.push(0),
        AppendEntriesResponse::PartialSuccess(id) => {
            out.push(1);
            put_option(out, id.as_ref(), put_log_id);
        }
        AppendEntriesResponse::Conflict => out.push(2),
        AppendEntriesResponse::HigherVote(vote) => {
            out.push(3);
            put_vote(out, vote);
        }
    }
}

/// Reads the answer to an append-entries request.
pub fn append_response(input: &mut Decoder) -> Read<AppendEntriesResponse<TypeConfig>> {
    Ok(match input.u8()? {
        0 => AppendEntriesResponse::Success,
        1 => AppendEntriesResponse::PartialSuccess(input.option(log_id)?),
        2 => AppendEntriesResponse::Conflict,
        3 => AppendEntriesResponse::HigherVote(vote(input)?),
        kind => return Err(DecodeError::Unknown { what: "append response", value: kind.into() }),
    })
}

/// Appends a vote request.
pub fn put_vote_request(out: &mut Out, request: &VoteRequest<TypeConfig>) {
    put_vote(out, &request.vote);
    put_option(out, request.last_log_id.as_ref(), put_log_id);
    out.push(u8::from(request.leadership_transfer));
}

/// Reads a vote request.
pub fn vote_request(input: &mut Decoder) -> Read<VoteRequest<TypeConfig>> {
    let mut request = VoteRequest::new(vote(input)?, input.option(log_id)?);
    request.leadership_transfer = input.bool()?;
    Ok(request)
}

/// Appends the answer to a vote request.
pub fn put_vote_response(out: &mut Out, response: &VoteResponse<TypeConfig>) {
    put_vote(out, &response.vote);
    out.push(u8::from(response.vote_granted));
    put_option(out, response.last_log_id.as_ref(), put_log_id);
}

/// Reads the answer to a vote request.
pub fn vote_response(input: &mut Decoder) -> Read<VoteResponse<TypeConfig>> {
    let vote = vote(input)?;
    let granted = input.bool()?;
    Ok(VoteResponse::new(vote, input.option(log_id)?, granted))
}
