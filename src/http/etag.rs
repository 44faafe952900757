//! Versions as strong entity tags, and the conditions made of them (RFC 9110 sections 8.8.3 and 13).

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use raft_store::command::Condition;

use crate::error::{Error, ErrorKind, Result};

/// A version no key ever has: a group counts its changes from 1.
const NO_VERSION: u64 = 0;

/// What a conditional header lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tags {
    /// `*`: any version.
    Any,
    /// These tags.
    Listed(Vec<Tag>),
}

/// One entity tag. Proxies weaken and rename the tags they pass on (`W/"2"`, `"2-gzip"`), so that any
/// well-formed tag may come back, whoever made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag {
    weak: bool,
    /// The version it stands for, if it is a tag of this server.
    version: Option<u64>,
}

impl Tags {
    /// Whether a key with this version is listed, by the weak comparison that reads use (RFC 9110 section 13.1.2).
    pub(super) fn contain(&self, version: u64) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(tags) => tags.iter().any(|tag| tag.version == Some(version)),
        }
    }
}

/// The tag of a version.
pub(super) fn of(version: u64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).expect("digits and quotes are valid in a header")
}

/// The condition of a `PUT`: `If-None-Match: *`, `If-Match: *` or `If-Match: "<version>"`.
pub(super) fn put_condition(headers: &HeaderMap) -> Result<Condition> {
    match if_none_match(headers)? {
        None => change_condition(headers),
        Some(Tags::Any) if !headers.contains_key(header::IF_MATCH) => Ok(Condition::Absent),
        Some(Tags::Any) => Err(refused("If-Match and If-None-Match exclude each other")),
        Some(Tags::Listed(_)) => Err(refused("a write takes If-None-Match: * only")),
    }
}

/// The condition of a change to what is there: `If-Match` only.
pub(super) fn match_condition(headers: &HeaderMap) -> Result<Condition> {
    if headers.contains_key(header::IF_NONE_MATCH) {
        return Err(refused("If-None-Match goes with PUT and GET only"));
    }
    change_condition(headers)
}

/// The versions a `GET` needs no copy of. `If-Match` makes no sense for it.
pub(super) fn known_to_reader(headers: &HeaderMap) -> Result<Option<Tags>> {
    if headers.contains_key(header::IF_MATCH) {
        return Err(refused("If-Match goes with writes only"));
    }
    if_none_match(headers)
}

/// `If-Match` compares strongly (RFC 9110 section 13.1.1): tags that are weak or not of this server never match.
fn change_condition(headers: &HeaderMap) -> Result<Condition> {
    let tags = match parse(headers, &header::IF_MATCH)? {
        None => return Ok(Condition::None),
        Some(Tags::Any) => return Ok(Condition::Present),
        Some(Tags::Listed(tags)) => tags,
    };
    let strong: Vec<_> = tags.iter().filter(|tag| !tag.weak).filter_map(|tag| tag.version).collect();
    match strong[..] {
        [] => Ok(Condition::Version(NO_VERSION)),
        [version] => Ok(Condition::Version(version)),
        _ => Err(refused("If-Match takes one version")),
    }
}

fn if_none_match(headers: &HeaderMap) -> Result<Option<Tags>> {
    parse(headers, &header::IF_NONE_MATCH)
}

fn parse(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Tags>> {
    let mut tags = Vec::new();
    let mut any = false;
    for value in headers.get_all(name) {
        if value.as_bytes().trim_ascii() == b"*" {
            any = true;
        } else {
            list(value.as_bytes(), &mut tags).ok_or_else(|| malformed(name))?;
        }
    }
    match (any, tags.is_empty()) {
        (true, true) => Ok(Some(Tags::Any)),
        (true, false) => Err(malformed(name)),
        (false, true) => Ok(None),
        (false, false) => Ok(Some(Tags::Listed(tags))),
    }
}

/// Adds the tags of a list with commas; `None` when it is no such list.
fn list(mut text: &[u8], tags: &mut Vec<Tag>) -> Option<()> {
    loop {
        let (tag, rest) = first(text.trim_ascii_start())?;
        tags.push(tag);
        match rest.trim_ascii_start().split_first() {
            None => return Some(()),
            Some((b',', rest)) => text = rest,
            Some(_) => return None,
        }
    }
}

/// The tag `text` begins with, and what follows it. A tag may contain commas.
fn first(text: &[u8]) -> Option<(Tag, &[u8])> {
    let (weak, quoted) = match text.strip_prefix(b"W/") {
        Some(quoted) => (true, quoted),
        None => (false, text),
    };
    let opaque = quoted.strip_prefix(b"\"")?;
    let end = opaque.iter().position(|byte| *byte == b'"')?;
    let (opaque, rest) = (&opaque[..end], &opaque[end + 1..]);
    let sound = opaque.iter().all(|byte| matches!(byte, 0x21..=0x7e | 0x80..));
    sound.then(|| (Tag { weak, version: version(opaque) }, rest))
}

/// The version inside the quotes of a tag, if [`of`] wrote it so.
fn version(opaque: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(opaque).ok()?;
    text.parse().ok().filter(|version: &u64| version.to_string() == text)
}

fn malformed(name: &HeaderName) -> Error {
    refused(format!("{name} is * or entity tags in double quotes"))
}

fn refused(detail: impl Into<String>) -> Error {
    Error::not_applied(ErrorKind::BadRequest, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name.clone(), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn conditions_of_a_put() {
        let put = |pairs: &[_]| put_condition(&headers(pairs));
        assert_eq!(put(&[]), Ok(Condition::None));
        assert_eq!(put(&[(header::IF_NONE_MATCH, "*")]), Ok(Condition::Absent));
        assert_eq!(put(&[(header::IF_MATCH, "*")]), Ok(Condition::Present));
        assert_eq!(put(&[(header::IF_MATCH, "\"734\"")]), Ok(Condition::Version(734)));
        for bad in [
            &[(header::IF_NONE_MATCH, "*"), (header::IF_MATCH, "\"1\"")][..],
            &[(header::IF_NONE_MATCH, "\"1\"")],
            &[(header::IF_MATCH, "\"1\", \"2\"")],
            &[(header::IF_MATCH, "\"1\""), (header::IF_MATCH, "\"2\"")],
        ] {
            assert_eq!(put(bad).unwrap_err().kind, ErrorKind::BadRequest);
        }
    }

    fn if_match(text: &str) -> Result<Condition> {
        let mut map = HeaderMap::new();
        map.insert(header::IF_MATCH, HeaderValue::from_str(text).unwrap());
        match_condition(&map)
    }

    #[test]
    fn malformed_tags_are_refused() {
        for bad in
            ["1", "\"1", "W/1", "w/\"1\"", "\"a b\"", "", "*, \"1\"", "\"1\",", "\"1\" \"2\"", "\"1\"x"]
        {
            assert_eq!(if_match(bad).unwrap_err().kind, ErrorKind::BadRequest, "{bad}");
        }
    }

    #[test]
    fn a_write_under_a_weak_or_foreign_tag_matches_no_version() {
        let foreign =
            ["W/\"1\"", "\"\"", "\"x\"", "\"-1\"", "\"+1\"", "\"01\"", "\"1,2\"", "\"99999999999999999999\""];
        for tag in foreign {
            assert_eq!(if_match(tag), Ok(Condition::Version(NO_VERSION)), "{tag}");
        }
        assert_eq!(if_match("\"2-gzip\" , W/\"2\",\"7\""), Ok(Condition::Version(7)));
    }

    #[test]
    fn a_reader_compares_weakly_and_foreign_tags_do_not_match() {
        let known = |text| known_to_reader(&headers(&[(header::IF_NONE_MATCH, text)])).unwrap().unwrap();
        assert!(known("W/\"2\"").contain(2) && !known("W/\"2\"").contain(3));
        assert!(known("\"a,b\", W/\"2\"").contain(2));
        for foreign in ["\"2-gzip\"", "W/\"2-gzip\"", "\"02\"", "\"2,3\"", "\"\""] {
            assert!(!known(foreign).contain(2), "{foreign}");
        }
    }

    #[test]
    fn a_reader_may_list_versions() {
        let tags = known_to_reader(&headers(&[(header::IF_NONE_MATCH, "\"1\", \"7\"")])).unwrap().unwrap();
        assert!(tags.contain(7) && !tags.contain(2));
        assert!(Tags::Any.contain(2));
        assert!(known_to_reader(&headers(&[(header::IF_MATCH, "\"1\"")])).is_err());
        assert!(match_condition(&headers(&[(header::IF_NONE_MATCH, "*")])).is_err());
    }

    #[test]
    fn a_tag_reads_back() {
        let tag = of(u64::MAX);
        let expected = Tag { weak: false, version: Some(u64::MAX) };
        assert_eq!(first(tag.as_bytes()), Some((expected, &b""[..])));
    }
}
