//! Reading the words of commands about connections.

use bytes::Bytes;

/// What a name that is none is answered with.
pub(super) const BAD_NAME: &str = "Client names cannot contain spaces, newlines or special characters.";

/// Whether a word is this one, in whatever case.
pub(super) fn is(word: &[u8], name: &str) -> bool {
    word.eq_ignore_ascii_case(name.as_bytes())
}

/// A whole number.
pub(super) fn number(word: &Bytes) -> Option<i64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// Whether a client may call itself so: visible characters of ASCII only.
pub(super) fn is_name(name: &[u8]) -> bool {
    name.iter().all(u8::is_ascii_graphic)
}
