//! Values between their stored bytes and the two views of an entry.
//!
//! | Written as | Stored as | JSON view | Raw view |
//! |---|---|---|---|
//! | JSON string, or `text/plain` in UTF-8 | its text, `Text` | string | `text/plain; charset=utf-8` |
//! | other JSON, or `application/json` | its JSON text, `Json` | that JSON | `application/json` |
//! | `value_b64`, or no known type | bytes, `Octets` | `value_b64` | `application/octet-stream` |
//! | any other media type, or a JSON string as `application/json` | bytes, `Media` | `value_b64` | that type |
//!
//! Numbers keep every digit they were written with: JSON is stored as text and never goes through a float.

use axum::http::HeaderValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use raft_store::command::Content;
use raft_store::limits::CONTENT_TYPE_BYTES_MAX;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::{Error, ErrorKind, Result};

/// A value to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value {
    /// Its bytes.
    pub(super) bytes: Bytes,
    /// What they are.
    pub(super) content: Content,
}

impl Value {
    /// A value given as JSON.
    pub(super) fn from_json(raw: &RawValue) -> Result<Self> {
        if raw.get().starts_with('"') {
            let text: String = serde_json::from_str(raw.get())
                .map_err(|error| invalid(format!("the string is not Unicode text: {error}")))?;
            return Ok(Self { bytes: text.into(), content: Content::Text });
        }
        Ok(Self { bytes: compact(raw.get()).into(), content: Content::Json })
    }

    /// A value given in base64 (the standard alphabet, padded).
    pub(super) fn from_base64(text: &str) -> Result<Self> {
        let bytes = BASE64.decode(text).map_err(|error| invalid(format!("bad base64: {error}")))?;
        Ok(Self { bytes: bytes.into(), content: Content::Octets })
    }

    /// A value given as a raw body with its `Content-Type`; it comes back byte for byte.
    pub(super) fn from_raw(content_type: Option<&HeaderValue>, bytes: Bytes) -> Result<Self> {
        let Some(media_type) = content_type else { return Ok(Self { bytes, content: Content::Octets }) };
        let media_type = media_type.to_str().map_err(|_| bad_media_type())?.trim();
        let content = match normal(media_type).as_str() {
            "application/octet-stream" | "application/x-www-form-urlencoded" => Content::Octets,
            "application/json" => json_content(&bytes)?,
            "text/plain" | "text/plain;charset=utf-8" if std::str::from_utf8(&bytes).is_ok() => Content::Text,
            _ => media(media_type)?,
        };
        Ok(Self { bytes, content })
    }

    /// Refuses a value of more than `bytes_max` bytes.
    pub(super) fn within(self, bytes_max: usize) -> Result<Self> {
        if self.bytes.len() <= bytes_max {
            return Ok(self);
        }
        let detail = format!("a value has at most {bytes_max} bytes, this one has {}", self.bytes.len());
        Err(Error::not_applied(ErrorKind::TooLarge, detail))
    }
}

/// How the JSON view shows a value.
#[derive(Debug, Serialize)]
pub(super) enum Shown<'a> {
    /// As a JSON string.
    #[serde(rename = "value")]
    Text(&'a str),
    /// As the JSON it is.
    #[serde(rename = "value")]
    Json(&'a RawValue),
    /// In base64.
    #[serde(rename = "value_b64")]
    Base64(String),
}

impl<'a> Shown<'a> {
    /// What the bytes allow: bytes that are no longer what they were stored as are shown in base64.
    pub(super) fn of(bytes: &'a [u8], content: &Content) -> Self {
        let shown = match content {
            Content::Text => std::str::from_utf8(bytes).ok().map(Self::Text),
            Content::Json => serde_json::from_slice(bytes).ok().map(Self::Json),
            Content::Octets | Content::Media(_) => None,
        };
        shown.unwrap_or_else(|| Self::Base64(BASE64.encode(bytes)))
    }
}

/// The `Content-Type` of a stored value.
pub(super) fn content_type(content: &Content) -> HeaderValue {
    match content {
        Content::Octets => HeaderValue::from_static("application/octet-stream"),
        Content::Json => HeaderValue::from_static("application/json"),
        Content::Text => HeaderValue::from_static("text/plain; charset=utf-8"),
        Content::Media(name) => HeaderValue::from_bytes(name)
            .unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream")),
    }
}

/// Bytes that some field names, decoded from base64; for keys.
pub(super) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text).ok()
}

/// Bytes in base64.
pub(super) fn encode_base64(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

/// A media type in lower case without blanks and quotes, to compare by.
pub(super) fn normal(media_type: &str) -> String {
    media_type.chars().filter(|c| !matches!(c, ' ' | '\t' | '"')).collect::<String>().to_ascii_lowercase()
}

fn json_content(bytes: &Bytes) -> Result<Content> {
    let raw: &RawValue =
        serde_json::from_slice(bytes).map_err(|error| invalid(format!("the body is not JSON: {error}")))?;
    match raw.get().starts_with('"') {
        true => Ok(Content::Media(Bytes::from_static(b"application/json"))),
        false => Ok(Content::Json),
    }
}

fn media(name: &str) -> Result<Content> {
    let printable = name.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if name.len() > CONTENT_TYPE_BYTES_MAX || !printable || !name.contains('/') {
        return Err(bad_media_type());
    }
    Ok(Content::Media(Bytes::copy_from_slice(name.as_bytes())))
}

/// JSON text without the blanks between its tokens.
fn compact(json: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    let keep = |c: &char| {
        let kept = in_string || !matches!(c, ' ' | '\t' | '\n' | '\r');
        match (escaped, c) {
            (true, _) => escaped = false,
            (false, '\\') => escaped = true,
            (false, '"') => in_string = !in_string,
            (false, _) => {}
        }
        kept
    };
    json.chars().filter(keep).collect()
}

fn invalid(detail: String) -> Error {
    Error::not_applied(ErrorKind::InvalidValue, detail)
}

fn bad_media_type() -> Error {
    let detail =
        format!("a Content-Type is type/subtype in at most {CONTENT_TYPE_BYTES_MAX} ASCII characters");
    Error::not_applied(ErrorKind::MediaType, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Result<Value> {
        Value::from_json(serde_json::from_str(text).unwrap())
    }

    fn raw(content_type: &str, body: &'static [u8]) -> Result<Value> {
        Value::from_raw(Some(&HeaderValue::from_str(content_type).unwrap()), Bytes::from_static(body))
    }

    fn shown(bytes: &[u8], content: &Content) -> String {
        serde_json::to_string(&Shown::of(bytes, content)).unwrap()
    }

    #[test]
    fn a_json_string_is_stored_as_its_text() {
        let value = json(r#""a\n\u00e9\" {}""#).unwrap();
        assert_eq!((&value.bytes[..], value.content), ("a\né\" {}".as_bytes(), Content::Text));
        assert_eq!(json(r#""\ud800""#).unwrap_err().kind, ErrorKind::InvalidValue);
    }

    #[test]
    fn other_json_is_stored_compact_with_every_digit() {
        let value =
            json(" { \"a b\" : [ 1.10 , 123456789012345678901234567890 , \"x \\\" y\\\\\" ] }\n").unwrap();
        assert_eq!(value.content, Content::Json);
        assert_eq!(value.bytes, r#"{"a b":[1.10,123456789012345678901234567890,"x \" y\\"]}"#);
        assert_eq!(json("null").unwrap().bytes, "null");
    }

    #[test]
    fn base64_is_bytes() {
        assert_eq!(Value::from_base64("AP8=").unwrap().bytes, &b"\x00\xff"[..]);
        for bad in ["AP8", "A", "!!!!", "AP8=\n"] {
            assert_eq!(Value::from_base64(bad).unwrap_err().kind, ErrorKind::InvalidValue, "{bad}");
        }
    }

    #[test]
    fn raw_bodies_keep_their_type() {
        assert_eq!(Value::from_raw(None, Bytes::new()).unwrap().content, Content::Octets);
        assert_eq!(raw("application/x-www-form-urlencoded", b"x").unwrap().content, Content::Octets);
        assert_eq!(raw("application/json", b" {} ").unwrap().content, Content::Json);
        assert_eq!(
            raw("application/json", b"\"x\"").unwrap().content,
            Content::Media("application/json".into())
        );
        assert_eq!(raw("Text/Plain; charset=\"UTF-8\"", b"x").unwrap().content, Content::Text);
        assert_eq!(raw("text/plain", b"\xff").unwrap().content, Content::Media("text/plain".into()));
        assert_eq!(raw("image/png", b"\x89").unwrap().content, Content::Media("image/png".into()));
    }

    #[test]
    fn raw_bodies_that_contradict_their_type_are_refused() {
        assert_eq!(raw("application/json", b"{").unwrap_err().kind, ErrorKind::InvalidValue);
        assert_eq!(raw("application/json", b"").unwrap_err().kind, ErrorKind::InvalidValue);
        for bad in ["nonsense", "", &format!("a/{}", "x".repeat(CONTENT_TYPE_BYTES_MAX))] {
            assert_eq!(raw(bad, b"").unwrap_err().kind, ErrorKind::MediaType, "{bad}");
        }
    }

    #[test]
    fn the_json_view_shows_what_the_bytes_are() {
        assert_eq!(shown(b"a\"b", &Content::Text), r#"{"value":"a\"b"}"#);
        assert_eq!(shown(b"{\"n\":1.10}", &Content::Json), r#"{"value":{"n":1.10}}"#);
        assert_eq!(shown(b"\x00\xff", &Content::Octets), r#"{"value_b64":"AP8="}"#);
        assert_eq!(shown(b"\xff", &Content::Text), r#"{"value_b64":"/w=="}"#);
        assert_eq!(shown(b"\"x\"", &Content::Media("application/json".into())), r#"{"value_b64":"Ingi"}"#);
    }

    #[test]
    fn a_value_past_the_limit_is_too_large() {
        let value = json("\"abc\"").unwrap();
        assert!(value.clone().within(3).is_ok());
        assert_eq!(value.within(2).unwrap_err().kind, ErrorKind::TooLarge);
    }

    proptest::proptest! {
        #[test]
        fn compacting_keeps_the_meaning(keys in proptest::collection::vec("\\PC{0,6}", 0..6)) {
            let value = serde_json::json!({ "a": keys, "b": [null, -1.5, { "c": true }] });
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            proptest::prop_assert_eq!(compact(&pretty), serde_json::to_string(&value).unwrap());
        }
    }
}
