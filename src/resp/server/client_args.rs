//! Reading the words of commands about connections.

use bytes::Bytes;

use crate::limits::RESP_NAME_BYTES_MAX;
use crate::resp::value::Value;

/// What a name that is none is answered with.
const BAD_NAME: &str = "Client names cannot contain spaces, newlines or special characters.";

/// Whether a word is this one, in whatever case.
pub(super) fn is(word: &[u8], name: &str) -> bool {
    word.eq_ignore_ascii_case(name.as_bytes())
}

/// A whole number.
pub(super) fn number(word: &Bytes) -> Option<i64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// Whether a client or its library may call itself so: visible characters of ASCII only.
pub(super) fn is_name(name: &[u8]) -> bool {
    name.iter().all(u8::is_ascii_graphic)
}

/// Whether that is too long, since every connection keeps its names and shows them to all.
pub(super) fn is_long(name: &[u8]) -> bool {
    name.len() > RESP_NAME_BYTES_MAX
}

/// The name a client may call itself by, or the error that refuses it.
pub(super) fn name(wanted: &Bytes) -> Result<Bytes, Value> {
    match wanted {
        wanted if !is_name(wanted) => Err(Value::err(BAD_NAME)),
        wanted if is_long(wanted) => Err(too_long()),
        wanted => Ok(wanted.clone()),
    }
}

/// The error that refuses a long name.
pub(super) fn too_long() -> Value {
    Value::err(format_args!("names are at most {RESP_NAME_BYTES_MAX} bytes long"))
}
