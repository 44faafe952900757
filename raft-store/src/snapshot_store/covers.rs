//! What a snapshot covers, as far as the store looks at it.

use bytes::Bytes;

use crate::codec::{DecodeError, Decoder, put_option, put_u64};

/// Place of an entry in a group's log: the term and node of its leader, then its index. Ordered as logs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The leader's term.
    pub term: u64,
    /// The leader.
    pub node: u64,
    /// Index in the group's log.
    pub index: u64,
}

/// What a snapshot covers: everything up to one entry, and what its owner has to say beside that.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Covers {
    /// The last entry; `None` before the first.
    pub last: Option<Position>,
    /// The owner's own bytes; the store only keeps them.
    pub rest: Bytes,
}

impl Covers {
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_option(out, self.last.as_ref(), |out, last| {
            put_u64(out, last.term);
            put_u64(out, last.node);
            put_u64(out, last.index);
        });
        out.extend_from_slice(&self.rest);
    }

    /// Reads all that is left of `input`.
    pub(super) fn read(input: &mut Decoder) -> Result<Self, DecodeError> {
        let last = input
            .option(|input| Ok(Position { term: input.u64()?, node: input.u64()?, index: input.u64()? }))?;
        Ok(Self { last, rest: input.take(input.remaining())? })
    }
}
