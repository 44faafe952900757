//! Versions as strong entity tags, and the conditions made of them (RFC 9110 section 13).

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use raft_store::command::Condition;

use crate::error::{Error, ErrorKind, Result};

/// What a conditional header lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tags {
    /// `*`: any version.
    Any,
    /// These versions.
    Versions(Vec<u64>),
}

impl Tags {
    /// Whether a key with this version is listed.
    pub(super) fn contain(&self, version: u64) -> bool {
        match self {
            Self::Any => true,
            Self::Versions(versions) => versions.contains(&version),
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
        Some(Tags::Versions(_)) => Err(refused("a write takes If-None-Match: * only")),
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

fn change_condition(headers: &HeaderMap) -> Result<Condition> {
    match parse(headers, &header::IF_MATCH)? {
        None => Ok(Condition::None),
        Some(Tags::Any) => Ok(Condition::Present),
        Some(Tags::Versions(versions)) => match versions[..] {
            [version] => Ok(Condition::Version(version)),
            _ => Err(refused("If-Match takes one version")),
        },
    }
}

fn if_none_match(headers: &HeaderMap) -> Result<Option<Tags>> {
    parse(headers, &header::IF_NONE_MATCH)
}

fn parse(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Tags>> {
    let mut versions = Vec::new();
    let mut any = false;
    for value in headers.get_all(name) {
        let text = value.to_str().map_err(|_| malformed(name))?;
        for tag in text.split(',').map(str::trim) {
            match tag {
                "*" => any = true,
                tag => versions.push(version(tag).ok_or_else(|| malformed(name))?),
            }
        }
    }
    match (any, versions.is_empty()) {
        (true, true) => Ok(Some(Tags::Any)),
        (true, false) => Err(malformed(name)),
        (false, true) => Ok(None),
        (false, false) => Ok(Some(Tags::Versions(versions))),
    }
}

/// The version in a strong tag, as [`of`] writes it.
fn version(tag: &str) -> Option<u64> {
    let digits = tag.strip_prefix('"')?.strip_suffix('"')?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

fn malformed(name: &HeaderName) -> Error {
    refused(format!("{name} is * or versions in double quotes, as an ETag of this server"))
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

    #[test]
    fn weak_and_malformed_tags_are_refused() {
        for bad in [
            "W/\"1\"",
            "1",
            "\"1",
            "\"\"",
            "\"x\"",
            "\"-1\"",
            "\"+1\"",
            "",
            "*, \"1\"",
            "\"1\",",
            "\"99999999999999999999\"",
        ] {
            let mut map = HeaderMap::new();
            map.insert(header::IF_MATCH, HeaderValue::from_str(bad).unwrap());
            assert_eq!(match_condition(&map).unwrap_err().kind, ErrorKind::BadRequest, "{bad}");
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
        assert_eq!(version(of(u64::MAX).to_str().unwrap()), Some(u64::MAX));
    }
}
