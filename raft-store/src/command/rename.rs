//! `rename`: move a value to another key of the group, as Redis's RENAME and RENAMENX do.

use super::{Condition, Rejection, Reply, Written, key, put_key};
use crate::codec::{DecodeError, Decoder};
use crate::key::Key;
use crate::map::{At, Change, TtlMap, Value};

/// Move a value, its content, deadline and creation time to another key, whose value is replaced. Answers
/// [`Reply::Written`] about `to`, which gets a new version; [`Rejection::Missing`] when `from` is absent,
/// [`Rejection::Unmet`] when `to` must be absent and is not. A key renamed to itself stays as it is, version included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// The key now.
    pub from: Key,
    /// The key then; its slot is the same group's.
    pub to: Key,
    /// Whether `to` must be absent.
    pub if_absent: bool,
}

impl Rename {
    pub(super) fn apply(&self, map: &mut TtlMap) -> Result<Reply, Rejection> {
        let (from, to) = (At::of(&self.from), At::of(&self.to));
        let replaced = map.admit(to, Condition::None)?.is_some();
        let entry = map.admit(from, Condition::None)?.ok_or(Rejection::Missing)?.to_entry();
        if self.if_absent && replaced {
            return Err(Rejection::Unmet);
        }
        if self.from == self.to {
            let (version, len) = (entry.version, entry.value.len() as u64);
            let unchanged = Written { version, created: false, deadline: entry.deadline, value: None, len };
            return Ok(Reply::Written(unchanged));
        }
        let change = Change {
            content: &entry.content,
            value: Value::Own(entry.value),
            deadline: entry.deadline,
            created: !replaced,
            created_ms: entry.created_ms,
            modified_ms: map.time_ms(),
        };
        let written = map.write(to, change)?;
        map.delete(from);
        Ok(Reply::Written(written))
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_key(out, &self.from);
        put_key(out, &self.to);
        out.push(u8::from(self.if_absent));
    }

    pub(super) fn read(input: &mut Decoder) -> Result<Self, DecodeError> {
        Ok(Self { from: key(input)?, to: key(input)?, if_absent: input.bool()? })
    }
}
