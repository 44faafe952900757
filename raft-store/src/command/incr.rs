//! `incr`: add to a 64-bit signed integer stored as decimal text, as Redis's INCRBY does.

use bytes::Bytes;

use super::{Condition, Content, Rejection, Reply, Written, key, put_key};
use crate::codec::{DecodeError, Decoder, put_option, put_u64};
use crate::key::Key;
use crate::map::{At, Change, Found, TtlMap, Value};

/// Add to a number. Content and deadline stay; a new key is JSON and never expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incr {
    /// The key.
    pub key: Key,
    /// What to add; negative to subtract.
    pub by: i64,
    /// What an absent key counts as; without it an absent key is `Missing`.
    pub init: Option<i64>,
    /// What must hold.
    pub condition: Condition,
}

impl Incr {
    pub(super) fn apply(&self, map: &mut TtlMap) -> Result<Reply, Rejection> {
        let at = At::of(&self.key);
        let current = map.admit(at, self.condition)?;
        let text = Bytes::from(self.sum(current)?.to_string());
        let change = Change {
            content: &current.map_or(Content::Json, |found| found.record.content()),
            value: Value::Foreign(&text),
            deadline: current.and_then(|found| found.record.stamp.deadline),
            created: current.is_none(),
            created_ms: current.map_or(map.time_ms(), |found| found.record.stamp.created_ms),
            modified_ms: map.time_ms(),
        };
        let written = map.write(at, change)?;
        Ok(Reply::Written(Written { value: Some(text), ..written }))
    }

    fn sum(&self, current: Option<Found<'_>>) -> Result<i64, Rejection> {
        let start = match current {
            Some(found) => parse_integer(found.value()).ok_or(Rejection::NotANumber)?,
            None => self.init.ok_or(Rejection::Missing)?,
        };
        start.checked_add(self.by).ok_or(Rejection::Overflow)
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_key(out, &self.key);
        put_u64(out, self.by.cast_unsigned());
        put_option(out, self.init, |out, init| put_u64(out, init.cast_unsigned()));
        self.condition.put(out);
    }

    pub(super) fn read(input: &mut Decoder) -> Result<Self, DecodeError> {
        let (key, by) = (key(input)?, input.u64()?.cast_signed());
        let init = input.option(|input| input.u64().map(u64::cast_signed))?;
        Ok(Self { key, by, init, condition: Condition::read(input)? })
    }
}

/// Reads an integer exactly as Redis does (`string2ll` in its `util.c`): an optional `-`, then digits
/// without a leading zero; `0` alone is zero, and `-0`, `+1` and ` 1` are nothing.
fn parse_integer(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let canonical = text == b"0" || matches!(digits.first(), Some(b'1'..=b'9'));
    canonical.then(|| std::str::from_utf8(text).ok()?.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_redis_reads() {
        let good = [("0", 0), ("7", 7), ("-12", -12), ("100", 100)];
        for (text, value) in good {
            assert_eq!(parse_integer(text.as_bytes()), Some(value), "{text}");
        }
        assert_eq!(parse_integer(i64::MIN.to_string().as_bytes()), Some(i64::MIN));
        assert_eq!(parse_integer(i64::MAX.to_string().as_bytes()), Some(i64::MAX));
    }

    #[test]
    fn refuses_what_redis_refuses() {
        let bad = [
            "",
            "-",
            "-0",
            "+1",
            "01",
            "00",
            "-01",
            " 1",
            "1 ",
            "1.0",
            "1e3",
            "0x10",
            "--1",
            "9223372036854775808",
        ];
        for text in bad {
            assert_eq!(parse_integer(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(parse_integer(b"1\xff"), None);
    }
}
