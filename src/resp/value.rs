//! An answer of the Redis protocol, before it is written in the form the connection speaks.
//!
//! Nothing here copies a stored value: [`Value::Bulk`] shares the entry's bytes. What RESP2 has no form for
//! (maps, sets, doubles, booleans) is written by the wire as RESP2 servers do; commands need not know.

use bytes::Bytes;

/// One answer, or one part of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A status such as `OK`.
    Simple(&'static str),
    /// An error with its code in front: `ERR syntax error`.
    Error(String),
    /// An integer.
    Int(i64),
    /// Bytes.
    Bulk(Bytes),
    /// Nothing where a value could be.
    Null,
    /// Nothing where an array could be; RESP3 knows only one null.
    NullArray,
    /// Values in order.
    Array(Vec<Value>),
    /// Pairs in order; in RESP2 an array of twice the length.
    Map(Vec<(Value, Value)>),
    /// Values without order; in RESP2 an array.
    Set(Vec<Value>),
    /// A floating-point number; in RESP2 its text.
    Double(f64),
    /// A truth value; in RESP2 1 or 0.
    Bool(bool),
    /// Text for people; in RESP2 a bulk string.
    Verbatim(String),
}

impl Value {
    /// The usual sign that all went well.
    pub const OK: Self = Self::Simple("OK");

    /// An error with the code `ERR`.
    pub fn err(text: impl std::fmt::Display) -> Self {
        Self::Error(format!("ERR {text}"))
    }

    /// Text that is known when this is compiled.
    pub const fn text(text: &'static str) -> Self {
        Self::Bulk(Bytes::from_static(text.as_bytes()))
    }

    /// 1 or 0.
    pub fn flag(is: bool) -> Self {
        Self::Int(is.into())
    }

    /// Bytes, or nothing.
    pub fn bulk_or_null(bytes: Option<Bytes>) -> Self {
        bytes.map_or(Self::Null, Self::Bulk)
    }

    /// About how many bytes it takes, in memory and on the wire.
    pub fn bytes(&self) -> usize {
        let within = match self {
            Self::Error(text) | Self::Verbatim(text) => text.len(),
            Self::Bulk(bytes) => bytes.len(),
            Self::Array(values) | Self::Set(values) => values.iter().map(Self::bytes).sum(),
            Self::Map(pairs) => pairs.iter().map(|(key, value)| key.bytes() + value.bytes()).sum(),
            Self::Simple(_)
            | Self::Int(_)
            | Self::Null
            | Self::NullArray
            | Self::Double(_)
            | Self::Bool(_) => 0,
        };
        size_of::<Self>() + within
    }

    /// A length or a count.
    pub fn count(count: usize) -> Self {
        Self::Int(i64::try_from(count).unwrap_or(i64::MAX))
    }
}
