//! `flush`: remove every key of a namespace from a group, as Redis's FLUSHDB does.

use super::{Rejection, Reply};
use crate::codec::{DecodeError, Decoder, put_varint};
use crate::key::NamespaceId;
use crate::map::TtlMap;

/// Remove every key of a namespace that the group holds. Answers [`Reply::Done`]. If there were any, the version
/// grows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flush {
    /// The namespace.
    pub namespace: NamespaceId,
}

impl Flush {
    pub(super) fn apply(&self, map: &mut TtlMap) -> Result<Reply, Rejection> {
        map.flush(self.namespace);
        Ok(Reply::Done)
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_varint(out, self.namespace.into());
    }

    pub(super) fn read(input: &mut Decoder) -> Result<Self, DecodeError> {
        let namespace = input.varint()?.try_into().map_err(|_| DecodeError::Invalid("namespace"))?;
        Ok(Self { namespace })
    }
}
