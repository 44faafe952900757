//! `copy`: write a key's value to another key of the group, as Redis's COPY does.

use super::{Condition, Rejection, Reply, key, put_key};
use crate::codec::{DecodeError, Decoder};
use crate::key::Key;
use crate::map::{At, Change, TtlMap, Value};

/// Write a key's value, content and deadline to another key; one that exists keeps its creation time, as with
/// `set`. Answers [`Reply::Written`] about `to`; [`Rejection::Missing`] when `from` is absent, [`Rejection::Unmet`] when `to`
/// exists and must not be replaced, or is `from` itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// The key to copy.
    pub from: Key,
    /// The key to write; its slot is the same group's.
    pub to: Key,
    /// Whether `to` may exist.
    pub replace: bool,
}

impl Copy {
    pub(super) fn apply(&self, map: &mut TtlMap) -> Result<Reply, Rejection> {
        let to = At::of(&self.to);
        let replaced = map.admit(to, Condition::None)?.map(|found| found.record.stamp);
        let entry = map.admit(At::of(&self.from), Condition::None)?.ok_or(Rejection::Missing)?.to_entry();
        if self.from == self.to || replaced.is_some() && !self.replace {
            return Err(Rejection::Unmet);
        }
        let now_ms = map.time_ms();
        let change = Change {
            content: &entry.content,
            value: Value::Own(entry.value),
            deadline: entry.deadline,
            created: replaced.is_none(),
            created_ms: replaced.map_or(now_ms, |stamp| stamp.created_ms),
            modified_ms: now_ms,
        };
        map.write(to, change).map(Reply::Written)
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_key(out, &self.from);
        put_key(out, &self.to);
        out.push(u8::from(self.replace));
    }

    pub(super) fn read(input: &mut Decoder) -> Result<Self, DecodeError> {
        Ok(Self { from: key(input)?, to: key(input)?, replace: input.bool()? })
    }
}
