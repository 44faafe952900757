//! Entries and their keys as JSON: the same for a single key, an operation of a batch and a page.

use raft_store::map::Entry;
use serde::{Serialize, Serializer};

use super::left_ms;
use crate::http::value::{Shown, encode_base64};

/// An entry that was read.
#[derive(Debug, Serialize)]
pub(in crate::http) struct EntryBody<'a> {
    #[serde(flatten)]
    pub(super) name: Name<'a>,
    #[serde(flatten)]
    pub(super) details: Details<'a>,
}

/// An entry without its key.
#[derive(Debug, Serialize)]
pub(in crate::http) struct Details<'a> {
    #[serde(flatten)]
    value: Shown<'a>,
    pub(super) version: u64,
    created_ms: u64,
    modified_ms: u64,
    expires_in_ms: Option<u64>,
}

/// One key of a page, with its entry when that came along.
#[derive(Debug, Serialize)]
pub(in crate::http) struct Row<'a> {
    /// The key's bytes.
    #[serde(flatten, serialize_with = "key_name")]
    pub(in crate::http) key: &'a [u8],
    /// Its entry.
    #[serde(flatten)]
    pub(in crate::http) details: Option<Details<'a>>,
}

impl<'a> Details<'a> {
    /// An entry seen at a group time.
    pub(in crate::http) fn of(entry: &'a Entry, time_ms: u64) -> Self {
        Self {
            value: Shown::of(&entry.value, &entry.content),
            version: entry.version,
            created_ms: entry.created_ms,
            modified_ms: entry.modified_ms,
            expires_in_ms: left_ms(entry.deadline, time_ms),
        }
    }
}

/// Namespace and key; a key that is no UTF-8 is shown in base64.
#[derive(Debug, Serialize)]
pub(super) struct Name<'a> {
    pub(super) ns: &'a str,
    #[serde(flatten, serialize_with = "key_name")]
    pub(super) key: &'a [u8],
}

fn key_name<S: Serializer>(key: &&[u8], to: S) -> Result<S::Ok, S::Error> {
    match std::str::from_utf8(key) {
        Ok(text) => to.collect_map([("key", text)]),
        Err(_) => to.collect_map([("key_b64", encode_base64(key))]),
    }
}
