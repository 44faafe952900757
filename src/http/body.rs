//! Request bodies: bounded in size and time, and of a media type the JSON paths understand.

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body as _;
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use super::value;
use crate::error::{Error, ErrorKind, Result};

/// Most characters of serde's message shown to the client.
const DETAIL_CHARS_MAX: usize = 200;

/// Reads a whole body of at most `bytes_max` bytes. A body that says it is longer is refused unread, one that
/// turns out longer is refused as soon as it does.
pub(super) async fn read(body: Body, bytes_max: usize, deadline: Instant) -> Result<Bytes> {
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(too_large(bytes_max));
    }
    match timeout_at(deadline, Limited::new(body, bytes_max).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(bytes_max)),
        Ok(Err(error)) => Err(bad_request(format!("the body did not arrive whole: {error}"))),
        Err(_) => Err(Error::not_applied(ErrorKind::Timeout, "the body did not arrive in time")),
    }
}

/// Reads a body that must be JSON.
pub(super) async fn read_json(
    headers: &HeaderMap,
    body: Body,
    bytes_max: usize,
    deadline: Instant,
) -> Result<Bytes> {
    expect_json(headers)?;
    read(body, bytes_max, deadline).await
}

/// Parses a JSON object; anything else, and fields that are unknown, missing or doubled, are a `bad-request`.
pub(super) fn object<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T> {
    // serde would take an array for a struct, field by field.
    if text.trim_ascii_start().first() != Some(&b'{') {
        return Err(bad_request("a JSON object is expected"));
    }
    serde_json::from_slice(text).map_err(|error| bad_request(format!("bad JSON: {}", brief(&error))))
}

/// Refuses bodies that say they are something other than JSON. No type, and the one `curl -d` sends when it
/// is told nothing, are taken for JSON.
fn expect_json(headers: &HeaderMap) -> Result<()> {
    let Some(content_type) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let normal = content_type.to_str().map(value::normal).unwrap_or_default();
    let essence = normal.split(';').next().unwrap_or_default();
    match essence {
        "application/json" | "text/json" | "application/x-www-form-urlencoded" => Ok(()),
        other if other.ends_with("+json") => Ok(()),
        _ => Err(Error::not_applied(ErrorKind::MediaType, "this path takes application/json")),
    }
}

/// What serde says, without all of the field name it may quote.
fn brief(error: &serde_json::Error) -> String {
    error.to_string().chars().take(DETAIL_CHARS_MAX).collect()
}

fn too_large(bytes_max: usize) -> Error {
    Error::not_applied(ErrorKind::TooLarge, format!("a body here has at most {bytes_max} bytes"))
}

fn bad_request(detail: impl Into<String>) -> Error {
    Error::not_applied(ErrorKind::BadRequest, detail)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::HeaderValue;
    use futures_util::stream;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct One {
        a: u8,
    }

    fn in_a_while() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    fn chunked(chunks: &'static [&'static str]) -> Body {
        Body::from_stream(stream::iter(chunks.iter().map(|chunk| Ok::<_, std::io::Error>(*chunk))))
    }

    #[tokio::test]
    async fn a_body_up_to_the_limit_is_read() {
        assert_eq!(read(Body::from("abcd"), 4, in_a_while()).await, Ok(Bytes::from("abcd")));
        assert_eq!(read(chunked(&["ab", "cd"]), 4, in_a_while()).await, Ok(Bytes::from("abcd")));
    }

    #[tokio::test]
    async fn a_longer_body_is_too_large_whether_it_says_so_or_not() {
        for body in [Body::from("abcde"), chunked(&["ab", "cd", "e"])] {
            assert_eq!(read(body, 4, in_a_while()).await.unwrap_err().kind, ErrorKind::TooLarge);
        }
    }

    #[tokio::test]
    async fn a_body_that_never_comes_times_out() {
        let silent = Body::from_stream(stream::pending::<Result<&str, std::io::Error>>());
        assert_eq!(read(silent, 4, Instant::now()).await.unwrap_err().kind, ErrorKind::Timeout);
    }

    #[test]
    fn only_whole_objects_with_known_fields_are_taken() {
        assert_eq!(object(b" {\"a\":1} "), Ok(One { a: 1 }));
        for bad in
            ["", "[1]", "{", "{}", "{\"a\":1,\"b\":2}", "{\"a\":1,\"a\":1}", "{\"a\":1}x", "{\"a\":256}"]
        {
            assert_eq!(object::<One>(bad.as_bytes()).unwrap_err().kind, ErrorKind::BadRequest, "{bad}");
        }
        assert!(object::<One>(b"{\"a\xff\":1}").is_err());
    }

    #[test]
    fn media_types_that_are_not_json_are_refused() {
        let check = |name: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(name));
            expect_json(&headers)
        };
        for good in ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"] {
            assert!(check(good).is_ok(), "{good}");
        }
        assert!(check("application/x-www-form-urlencoded").is_ok());
        for bad in ["text/plain", "application/xml", "", "image/json"] {
            assert_eq!(check(bad).unwrap_err().kind, ErrorKind::MediaType, "{bad}");
        }
    }
}
