//! Which question a call between peers asks, and the group number in front of its body.

use bytes::Bytes;
use raft_store::GroupId;
use raft_store::codec::{DecodeError, Decoder, put_u32};

use crate::transport::Service;

/// Append entries.
pub(crate) const APPEND: Service = 1;
/// Request a vote.
pub(crate) const VOTE: Service = 2;
/// Ask whether a vote would be granted.
pub(crate) const PRE_VOTE: Service = 3;
/// Ask a voter to take over leadership.
pub(crate) const TRANSFER: Service = 4;
/// Begin to stream a snapshot.
pub(crate) const SNAPSHOT_BEGIN: Service = 5;
/// One chunk of a snapshot.
pub(crate) const SNAPSHOT_CHUNK: Service = 6;
/// Install the snapshot streamed.
pub(crate) const SNAPSHOT_END: Service = 7;

/// Whether a service is one of a group's own.
pub(crate) fn is_raft(service: Service) -> bool {
    (APPEND..=SNAPSHOT_END).contains(&service)
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
