//! The JSON of a change: the body of `PUT` and `PATCH`, and each operation of a batch.
//!
//! All share one set of fields; each operation says which it takes, and any other is refused, so that no
//! typo and no misunderstanding goes unseen.

use raft_store::command::{Append, Command, Condition, Content, Delete, Expiry, Incr, Persist, Set, Touch};
use raft_store::key::Key;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::value::Value;
use super::{body, ttl};
use crate::error::{Error, ErrorKind, Result};

/// Every field a change may have. Fields that may be `null` or any JSON are kept as they were written; in the others `null`
/// is refused, for it may stand for anything: the default, "none", or a variable that was never set.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Fields<'a> {
    #[serde(deserialize_with = "given")]
    pub(super) op: Option<String>,
    #[serde(deserialize_with = "given")]
    pub(super) ns: Option<String>,
    #[serde(deserialize_with = "given")]
    pub(super) key: Option<String>,
    #[serde(deserialize_with = "given")]
    pub(super) key_b64: Option<String>,
    #[serde(borrow, deserialize_with = "as_written")]
    value: Option<&'a RawValue>,
    #[serde(deserialize_with = "given")]
    value_b64: Option<String>,
    #[serde(borrow, deserialize_with = "as_written")]
    ttl_ms: Option<&'a RawValue>,
    #[serde(borrow, deserialize_with = "as_written")]
    by: Option<&'a RawValue>,
    #[serde(borrow, deserialize_with = "as_written")]
    init: Option<&'a RawValue>,
    #[serde(deserialize_with = "given")]
    pub(super) if_version: Option<u64>,
    #[serde(deserialize_with = "given")]
    pub(super) if_absent: Option<bool>,
}

/// Unlike `Option`'s own way, this tells `null` from nothing.
fn as_written<'de, D: Deserializer<'de>>(field: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(field).map(Some)
}

/// A field that is there has a value.
pub(super) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(field: D) -> Result<Option<T>, D::Error> {
    T::deserialize(field).map(Some)
}

/// What to do with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Edit {
    /// Set its value.
    Set(Value, Expiry),
    /// Delete it.
    Delete,
    /// Add to it.
    Incr(i64, Option<i64>),
    /// Append to it.
    Append(Value, usize),
    /// Give it a new deadline.
    Touch(u64),
    /// Take its deadline away.
    Persist,
}

impl<'a> Fields<'a> {
    /// Parses one JSON object.
    pub(super) fn parse(text: &'a [u8]) -> Result<Self> {
        body::object(text)
    }

    /// The body of a `PUT`: a value and perhaps a time to live.
    pub(super) fn set(&self, value_bytes_max: usize) -> Result<Edit> {
        let value = self.value()?.within(value_bytes_max)?;
        Ok(Edit::Set(value, ttl::from_json(self.ttl_ms)?))
    }

    /// Refuses fields that are not in `known`.
    pub(super) fn permit(&self, known: &[&str]) -> Result<()> {
        match self.given().find(|name| !known.contains(name)) {
            Some(name) => Err(bad_request(format!("field {name:?} does not belong here"))),
            None => Ok(()),
        }
    }

    /// The body of a `PATCH`: a change to an entry that stays.
    pub(super) fn patch(&self, value_bytes_max: usize) -> Result<Edit> {
        match self.op.as_deref() {
            Some("set" | "delete") => Err(bad_request("PATCH takes incr, append, touch and persist")),
            _ => self.edit(&[], value_bytes_max),
        }
    }

    /// What the `op` of a `PATCH` or of a batch's write asks for, with the fields it takes beside `others`.
    pub(super) fn edit(&self, others: &[&str], value_bytes_max: usize) -> Result<Edit> {
        let op = self.op.as_deref().ok_or_else(|| bad_request("an operation needs its op"))?;
        let own: &[&str] = match op {
            "set" => &["value", "value_b64", "ttl_ms", "if_absent"],
            "incr" => &["by", "init"],
            "append" => &["value", "value_b64"],
            "touch" => &["ttl_ms"],
            "delete" | "persist" => &[],
            other => return Err(bad_request(format!("no such op: {other:?}"))),
        };
        self.permit(&[&["op"], own, others].concat())?;
        match op {
            "set" => self.set(value_bytes_max),
            "incr" => Ok(Edit::Incr(integer("by", self.by)?.unwrap_or(1), integer("init", self.init)?)),
            "append" => Ok(Edit::Append(self.suffix()?.within(value_bytes_max)?, value_bytes_max)),
            "touch" => ttl::required(self.ttl_ms).map(Edit::Touch),
            "persist" => Ok(Edit::Persist),
            _ => Ok(Edit::Delete),
        }
    }

    fn value(&self) -> Result<Value> {
        match (self.value, &self.value_b64) {
            (Some(json), None) => Value::from_json(json),
            (None, Some(base64)) => Value::from_base64(base64),
            (None, None) => Err(bad_request("value or value_b64 is needed")),
            (Some(_), Some(_)) => Err(bad_request("value and value_b64 exclude each other")),
        }
    }

    fn suffix(&self) -> Result<Value> {
        let value = self.value()?;
        match value.content {
            Content::Text | Content::Octets => Ok(value),
            Content::Json | Content::Media(_) => {
                Err(Error::not_applied(ErrorKind::InvalidValue, "append takes a string or value_b64"))
            }
        }
    }

    fn given(&self) -> impl Iterator<Item = &'static str> {
        let all = [
            ("op", self.op.is_some()),
            ("ns", self.ns.is_some()),
            ("key", self.key.is_some()),
            ("key_b64", self.key_b64.is_some()),
            ("value", self.value.is_some()),
            ("value_b64", self.value_b64.is_some()),
            ("ttl_ms", self.ttl_ms.is_some()),
            ("by", self.by.is_some()),
            ("init", self.init.is_some()),
            ("if_version", self.if_version.is_some()),
            ("if_absent", self.if_absent.is_some()),
        ];
        all.into_iter().filter_map(|(name, given)| given.then_some(name))
    }
}

impl Edit {
    /// The command that does it.
    pub(super) fn command(self, key: Key, condition: Condition) -> Command {
        match self {
            Self::Set(Value { bytes: value, content }, expiry) => {
                Command::Set(Set { key, value, content, expiry, condition })
            }
            Self::Delete => Command::Delete(Delete { key, condition }),
            Self::Incr(by, init) => Command::Incr(Incr { key, by, init, condition }),
            Self::Append(Value { bytes: suffix, content }, bytes_max) => {
                let len_max = bytes_max as u64;
                Command::Append(Append { key, suffix, content, len_max, condition })
            }
            Self::Touch(ttl_ms) => Command::Touch(Touch { key, ttl_ms, condition }),
            Self::Persist => Command::Persist(Persist { key, condition }),
        }
    }
}

/// A 64-bit integer; `null` is none.
fn integer(name: &str, field: Option<&RawValue>) -> Result<Option<i64>> {
    match field.map(RawValue::get) {
        None | Some("null") => Ok(None),
        Some(number) => number.parse().map(Some).map_err(|_| {
            Error::not_applied(
                ErrorKind::InvalidValue,
                format!("{name} is a 64-bit integer, not {number:.40}"),
            )
        }),
    }
}

fn bad_request(detail: impl Into<String>) -> Error {
    Error::not_applied(ErrorKind::BadRequest, detail)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    const MAX: usize = 8;

    fn put(text: &str) -> Result<Edit> {
        let fields = Fields::parse(text.as_bytes())?;
        fields.permit(&["value", "value_b64", "ttl_ms"])?;
        fields.set(MAX)
    }

    fn patch(text: &str) -> Result<Edit> {
        Fields::parse(text.as_bytes())?.patch(MAX)
    }

    fn text(text: &'static str) -> Value {
        Value { bytes: Bytes::from_static(text.as_bytes()), content: Content::Text }
    }

    #[test]
    fn a_put_has_one_value_and_perhaps_a_ttl() {
        assert_eq!(put(r#"{"value":"x"}"#), Ok(Edit::Set(text("x"), Expiry::Never)));
        assert_eq!(put(r#"{"value":"x","ttl_ms":5}"#), Ok(Edit::Set(text("x"), Expiry::AfterMs(5))));
        let null = Value { bytes: Bytes::from_static(b"null"), content: Content::Json };
        assert_eq!(put(r#"{"value":null,"ttl_ms":null}"#), Ok(Edit::Set(null, Expiry::Never)));
    }

    #[test]
    fn bad_puts() {
        let bad = [
            "{}",
            r#"{"value":1,"value_b64":""}"#,
            r#"{"value":1,"x":2}"#,
            r#"{"value":1,"op":"set"}"#,
            "1",
            r#"{"value_b64":1}"#,
        ];
        for body in bad {
            assert_eq!(put(body).unwrap_err().kind, ErrorKind::BadRequest, "{body}");
        }
        assert_eq!(put(r#"{"value":1,"ttl_ms":0}"#).unwrap_err().kind, ErrorKind::InvalidValue);
        assert_eq!(put(r#"{"value_b64":"?"}"#).unwrap_err().kind, ErrorKind::InvalidValue);
        assert_eq!(put(r#"{"value":"123456789"}"#).unwrap_err().kind, ErrorKind::TooLarge);
    }

    #[test]
    fn patches() {
        assert_eq!(patch(r#"{"op":"incr"}"#), Ok(Edit::Incr(1, None)));
        assert_eq!(patch(r#"{"op":"incr","by":-5,"init":0}"#), Ok(Edit::Incr(-5, Some(0))));
        assert_eq!(patch(r#"{"op":"append","value":"x"}"#), Ok(Edit::Append(text("x"), MAX)));
        assert_eq!(patch(r#"{"op":"touch","ttl_ms":7}"#), Ok(Edit::Touch(7)));
        assert_eq!(patch(r#"{"op":"persist"}"#), Ok(Edit::Persist));
    }

    #[test]
    fn bad_patches() {
        let malformed = [
            r#"{}"#,
            r#"{"op":"pop"}"#,
            r#"{"op":"set","value":1}"#,
            r#"{"op":"delete"}"#,
            r#"{"op":"incr","value":1}"#,
            r#"{"op":"touch"}"#,
            r#"{"op":"append"}"#,
            r#"{"op":"persist","ttl_ms":1}"#,
            r#"{"op":"incr","key":"x"}"#,
        ];
        for body in malformed {
            assert_eq!(patch(body).unwrap_err().kind, ErrorKind::BadRequest, "{body}");
        }
        let invalid = [
            r#"{"op":"incr","by":1.5}"#,
            r#"{"op":"incr","by":"1"}"#,
            r#"{"op":"incr","by":9223372036854775808}"#,
            r#"{"op":"append","value":1}"#,
            r#"{"op":"touch","ttl_ms":null}"#,
        ];
        for body in invalid {
            assert_eq!(patch(body).unwrap_err().kind, ErrorKind::InvalidValue, "{body}");
        }
    }
}
