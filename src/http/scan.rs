//! `GET /v1/kv/{ns}`: a namespace's keys, page by page.
//!
//! A cursor holds for as long as one likes and on any node. A key that is there from the first page to the last is in
//! exactly one of them; each page is as fresh as asked for, two pages are of two moments.

use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64_URL;
use raft_store::limits::SCAN_BYTES_MAX;
use serde::Serialize;
use tokio::time::Instant;

use super::answer::{Details, Row, freshness_headers, json};
use super::query::Query;
use super::{App, guard};
use crate::auth::Verb;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::{SCAN_LIMIT_DEFAULT, SCAN_LIMIT_MAX, SCAN_ROUNDS_MAX};
use crate::node::{Scan, ScanPage, Scope};

/// The first byte of a cursor's bytes: how the others are to be read.
const CURSOR_FORMAT: u8 = 1;

/// The body.
#[derive(Serialize)]
struct Body<'a> {
    ns: &'a str,
    entries: Vec<Row<'a>>,
    /// Where the next page begins; `null`: this is the last one.
    cursor: Option<String>,
}

/// Answers the next page of a namespace.
pub(super) async fn scan(app: &App, namespace: &str, parts: &Parts) -> Result<Response> {
    let known = ["prefix", "limit", "cursor", "values", "consistency", "timeout"];
    let query = Query::parse(parts.uri.query(), &known)?;
    let deadline = query.deadline()?;
    let (consistency, _) = query.freshness()?;
    let scan = Scan {
        namespace: app.node.namespace(namespace)?,
        scope: Scope::All,
        cursor: query.get("cursor").map_or(Ok(0), read_cursor)?,
        limit: limit(&query)?,
        values: query.get("values").is_none() || query.flag("values")?,
        consistency,
    };
    let prefix = query.get("prefix").unwrap_or_default();
    guard::caller(&app.node, &parts.extensions)?.keys(Verb::Read, scan.namespace, prefix.as_bytes())?;
    let page = filled(app, scan, prefix.as_bytes(), deadline).await.map_err(Error::without_outcome)?;
    let rows = page.found.iter().zip(&page.times_ms).map(|((key, entry), &time_ms)| Row {
        key: key.user_key(),
        details: entry.as_ref().map(|entry| Details::of(entry, time_ms)),
    });
    let cursor = (page.next != 0).then(|| cursor(page.next));
    let body = Body { ns: namespace, entries: rows.collect(), cursor };
    Ok((StatusCode::OK, freshness_headers(consistency, page.staleness_ms), json(&body)?).into_response())
}

/// Pages of the node until there are as many keys as asked for, or enough was looked at.
async fn filled(app: &App, mut scan: Scan, prefix: &[u8], deadline: Instant) -> Result<ScanPage> {
    let (limit, mut all, mut bytes) = (scan.limit, ScanPage::default(), 0);
    for round in 0..SCAN_ROUNDS_MAX {
        let page = app.node.scan_prefix(scan.clone(), prefix, deadline).await?;
        bytes += page.found.iter().filter_map(|(_, entry)| Some(entry.as_ref()?.value.len())).sum::<usize>();
        all.found.extend(page.found);
        all.times_ms.extend(page.times_ms);
        let older = |age: u64| page.staleness_ms.map(|other| age.max(other));
        all.staleness_ms = if round == 0 { page.staleness_ms } else { all.staleness_ms.and_then(older) };
        all.next = page.next;
        if all.next == 0 || all.found.len() >= limit || bytes >= SCAN_BYTES_MAX {
            break;
        }
        scan = Scan { cursor: all.next, limit: limit - all.found.len(), ..scan };
    }
    Ok(all)
}

fn limit(query: &Query) -> Result<usize> {
    let Some(text) = query.get("limit") else { return Ok(SCAN_LIMIT_DEFAULT) };
    let limit = text.parse().ok().filter(|limit| (1..=SCAN_LIMIT_MAX).contains(limit));
    limit.ok_or_else(|| refused(format!("limit is a number from 1 to {SCAN_LIMIT_MAX}")))
}

fn cursor(position: u64) -> String {
    let mut bytes = position.to_be_bytes();
    // A position has 46 bits.
    bytes[0] = CURSOR_FORMAT;
    BASE64_URL.encode(bytes)
}

fn read_cursor(text: &str) -> Result<u64> {
    let bytes = BASE64_URL.decode(text).ok().and_then(|bytes| <[u8; 8]>::try_from(bytes).ok());
    match bytes {
        Some([CURSOR_FORMAT, position @ ..]) => {
            let number = position.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
            Some(number).filter(|&number| number != 0)
        }
        _ => None,
    }
    .ok_or_else(|| refused("the cursor is none that a page ended with".to_owned()))
}

fn refused(detail: String) -> Error {
    Error::not_applied(ErrorKind::BadRequest, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_and_nonsense_does_not() {
        for position in [1, 0xff, 0x3fff_ffff_ffff] {
            assert_eq!(read_cursor(&cursor(position)), Ok(position));
        }
        for bad in ["", "0", "AQ", "AQAAAAAAAAA", "AgAAAAAAAAE", "AQAAAAAAAAEA", "AQAAAAAAAAE=", "?"] {
            assert_eq!(read_cursor(bad).unwrap_err().kind, ErrorKind::BadRequest, "{bad}");
        }
    }
}
