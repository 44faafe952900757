//! From a raw request path to a namespace and a key.
//!
//! The key is everything after `/v1/kv/{ns}/` of the undecoded path, percent-decoded once and strictly. It is
//! never normalised: `a//b`, `a/../b` and bytes that are no UTF-8 are keys like any other.

use crate::error::{Error, ErrorKind, Result};

/// What a data path names; the namespace is not looked up yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DataPath {
    /// Name of the namespace.
    pub(super) namespace: String,
    /// The key's bytes.
    pub(super) key: Vec<u8>,
}

/// Prefixes of the two views of an entry.
const VIEWS: [&str; 2] = ["/v1/kv/", "/v1/raw/"];

/// Takes a data path apart. `bad-key` for an empty or badly encoded key, `not-found` when there is no key part.
pub(super) fn parse(path: &str) -> Result<DataPath> {
    let rest = VIEWS.iter().find_map(|view| path.strip_prefix(view));
    let Some((namespace, key)) = rest.and_then(|rest| rest.split_once('/')) else {
        return Err(Error::not_applied(ErrorKind::NotFound, "a key's path is /v1/kv/{namespace}/{key}"));
    };
    let namespace = namespace_of(namespace)?;
    let key = decode(key).ok_or_else(|| {
        Error::not_applied(ErrorKind::BadKey, "a '%' in the key is not followed by two hexadecimal digits")
    })?;
    Ok(DataPath { namespace, key })
}

/// The namespace that a path names as a whole.
pub(super) fn collection(path: &str) -> Result<String> {
    let name = path.strip_prefix(VIEWS[0]).filter(|name| !name.contains('/'));
    namespace_of(
        name.ok_or_else(|| {
            Error::not_applied(ErrorKind::NotFound, "a namespace's path is /v1/kv/{namespace}")
        })?,
    )
}

fn namespace_of(text: &str) -> Result<String> {
    let name = decode(text).and_then(|name| String::from_utf8(name).ok());
    name.ok_or_else(|| {
        Error::not_applied(ErrorKind::UnknownNamespace, "the namespace is not valid percent-encoded UTF-8")
    })
}

/// Percent-decodes; `None` when a `%` does not begin a valid triplet. A `+` stays one.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            plain => plain,
        });
    }
    Some(decoded)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(path: &str) -> Vec<u8> {
        parse(path).unwrap().key
    }

    #[test]
    fn a_key_is_everything_after_the_namespace() {
        let path = parse("/v1/kv/default/user:42").unwrap();
        assert_eq!((path.namespace.as_str(), path.key.as_slice()), ("default", &b"user:42"[..]));
        assert_eq!(key("/v1/raw/default/a/b"), b"a/b");
        assert_eq!(key("/v1/kv/default/"), b"");
    }

    #[test]
    fn nothing_is_normalised() {
        assert_eq!(key("/v1/kv/default/a//b"), b"a//b");
        assert_eq!(key("/v1/kv/default//a/"), b"/a/");
        assert_eq!(key("/v1/kv/default/a/./../b"), b"a/./../b");
        assert_eq!(key("/v1/kv/default/a+b"), b"a+b");
        assert_eq!(key("/v1/kv/default/{tag}x"), b"{tag}x");
    }

    #[test]
    fn decoding_happens_once_and_gives_any_byte() {
        assert_eq!(key("/v1/kv/default/a%2Fb%2fc"), b"a/b/c");
        assert_eq!(key("/v1/kv/default/%2541"), b"%41");
        assert_eq!(key("/v1/kv/default/%00%ff"), b"\x00\xff");
        assert_eq!(parse("/v1/kv/de%66ault/a").unwrap().namespace, "default");
    }

    #[test]
    fn bad_encoding_is_a_bad_key() {
        for bad in ["%", "%4", "a%zz", "%4g", "%-1", "%+1", "100%"] {
            let error = parse(&format!("/v1/kv/default/{bad}")).unwrap_err();
            assert_eq!(error.kind, ErrorKind::BadKey, "{bad}");
        }
    }

    #[test]
    fn a_path_without_a_key_part_is_not_served() {
        assert_eq!(parse("/v1/kv/default").unwrap_err().kind, ErrorKind::NotFound);
        assert_eq!(parse("/v1/kv/%ff/a").unwrap_err().kind, ErrorKind::UnknownNamespace);
    }

    #[test]
    fn a_namespace_alone_is_a_collection() {
        assert_eq!(collection("/v1/kv/de%66ault"), Ok("default".to_owned()));
        assert_eq!(collection("/v1/kv/%ff").unwrap_err().kind, ErrorKind::UnknownNamespace);
        for other in ["/v1/kv/default/", "/v1/kv/default/a", "/v1/raw/default", "/v1/kv"] {
            assert_eq!(collection(other).unwrap_err().kind, ErrorKind::NotFound, "{other}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_encoded_comes_back(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..64)) {
            let encoded = percent_encoding::percent_encode(&bytes, percent_encoding::NON_ALPHANUMERIC).to_string();
            proptest::prop_assert_eq!(decode(&encoded), Some(bytes));
        }

        #[test]
        fn no_path_panics(path in "\\PC{0,40}") {
            let _ = parse(&format!("/v1/kv/{path}"));
        }
    }
}
