//! Reading and changing the cluster's document through the meta group, and following it.

use std::sync::Arc;

use raft_store::command::{Command, Condition, Content, Expiry, Rejection, Reply, Set};
use raft_store::key::{Key, NamespaceId};
use raft_store::map::{Entry, Lookup};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::doc::{ClusterDoc, META_GROUP};
use super::peer::ReadKeys;
use super::{Consistency, Inner};
use crate::auth::TokenBook;
use crate::error::{Error, ErrorKind, Outcome, Result};
use crate::group::Batch;
use crate::limits::{META_CONFLICTS_MAX, META_POLL, META_TIMEOUT};

/// Namespace of the cluster's own keys, out of reach of the adapters.
const SYSTEM: NamespaceId = NamespaceId::MAX;

fn key() -> Key {
    Key::new(SYSTEM, b"cluster").expect("the key is neither empty nor long")
}

/// Where the cluster's tokens are: beside the document, since they change for other reasons and are not shown with it.
fn tokens_key() -> Key {
    Key::new(SYSTEM, b"tokens").expect("the key is neither empty nor long")
}

/// What a change of the document made of it.
pub(super) enum Change<T> {
    /// Write it, and return this.
    Write(T),
    /// Leave it as it is, and return this.
    Keep(T),
}

impl Inner {
    /// The document as this node has it; it may be a moment behind.
    pub(super) fn doc(&self) -> Option<Arc<ClusterDoc>> {
        self.doc.borrow().clone()
    }

    /// The same, or `not-ready` while this node is in no cluster or has not heard from its own yet.
    pub(super) fn member_doc(&self) -> Result<Arc<ClusterDoc>> {
        self.doc().ok_or_else(|| {
            let why = match self.cluster_id() {
                Some(_) => "this node waits for a quorum of its cluster",
                None => "this node is not part of a cluster yet",
            };
            Error::not_applied(ErrorKind::NotReady, why).retry_after_ms(500)
        })
    }

    /// The document as of now, and its version.
    pub(super) async fn read_doc(&self) -> Result<(ClusterDoc, u64)> {
        let entry = self.read_meta_entry(key()).await?;
        let entry =
            entry.ok_or_else(|| Error::not_applied(ErrorKind::NotReady, "the cluster is being formed"))?;
        Ok((parse(&entry)?, entry.version))
    }

    /// The tokens as of now, and the version of their entry; 0: there is none yet.
    pub(super) async fn read_tokens(&self) -> Result<(TokenBook, u64)> {
        let entry = self.read_meta_entry(tokens_key()).await?;
        entry.map_or_else(|| Ok(Default::default()), |entry| Ok((parse(&entry)?, entry.version)))
    }

    async fn read_meta_entry(&self, key: Key) -> Result<Option<Entry>> {
        let read = ReadKeys {
            group: META_GROUP,
            consistency: Consistency::Linearizable,
            timeout_ms: META_TIMEOUT.as_millis() as u64,
            keys: vec![key],
        };
        let looked = self.read_group(read, Instant::now() + META_TIMEOUT).await?;
        Ok(match looked.lookups.found.into_iter().next() {
            Some(Lookup::Hit(entry)) => Some(entry),
            _ => None,
        })
    }

    /// Changes the document by compare-and-set, from its newest state, until no one else changed it meanwhile.
    pub(super) async fn change_doc<T>(
        &self,
        change: impl Fn(&mut ClusterDoc) -> Result<Change<T>>,
    ) -> Result<T> {
        for _ in 0..META_CONFLICTS_MAX {
            // Nothing is written before it is read.
            let read = self.read_doc().await;
            let (mut doc, version) =
                read.map_err(|error| Error { outcome: Some(Outcome::NotApplied), ..error })?;
            let value = match change(&mut doc)? {
                Change::Keep(value) => return Ok(value),
                Change::Write(value) => value,
            };
            if self.write_doc(&doc, Condition::Version(version)).await? {
                return Ok(value);
            }
        }
        Err(Error::not_applied(
            ErrorKind::OperationRunning,
            "the cluster's state changes too fast; try again",
        ))
    }

    /// Writes the document if `condition` holds; whether it did.
    pub(super) async fn write_doc(&self, doc: &ClusterDoc, condition: Condition) -> Result<bool> {
        self.write_meta_entry(key(), to_json(doc)?, condition).await
    }

    /// Writes the tokens if they still have this version; whether they had.
    pub(super) async fn write_tokens(&self, json: Vec<u8>, version: u64) -> Result<bool> {
        let condition = if version == 0 { Condition::Absent } else { Condition::Version(version) };
        self.write_meta_entry(tokens_key(), json, condition).await
    }

    async fn write_meta_entry(&self, key: Key, json: Vec<u8>, condition: Condition) -> Result<bool> {
        let (value, content, expiry) = (json.into(), Content::Json, Expiry::Never);
        let set = Set { key, value, content, expiry, condition };
        let batch = Batch::new(&[Command::Set(set)]);
        let replies = self.write_group(META_GROUP, batch, Instant::now() + META_TIMEOUT).await?;
        match replies.replies.into_iter().next() {
            Some(Reply::Written(_)) => Ok(true),
            Some(Reply::Rejected(Rejection::VersionMismatch { .. })) => Ok(false),
            other => Err(Error::unknown(ErrorKind::Internal, format!("unexpected reply {other:?}"))),
        }
    }

    /// Follows this node's replica of the meta group and publishes every new document, for ever.
    pub(super) async fn follow_doc(self: Arc<Self>) {
        let mut seen = 0;
        loop {
            let Some(meta) = self.host.get(META_GROUP) else {
                tokio::time::sleep(META_POLL).await;
                continue;
            };
            let mut found = meta.look_up(&[key(), tokens_key()]).found.into_iter();
            let (doc, tokens) = (found.next(), found.next());
            self.learn_tokens(tokens);
            if let Some(Lookup::Hit(entry)) = doc
                && entry.version != seen
            {
                seen = entry.version;
                match parse(&entry) {
                    Ok(doc) => drop(self.doc.send_replace(Some(Arc::new(doc)))),
                    Err(error) => tracing::error!(%error, "the cluster's state does not parse"),
                }
            }
            meta.content_changed().await;
        }
    }

    /// Passes on what this node's replica has of the tokens.
    fn learn_tokens(&self, found: Option<Lookup>) {
        let Some(Lookup::Hit(entry)) = found else { return };
        if !self.gate.is_on() || self.gate.knows(entry.version) {
            return;
        }
        match parse(&entry) {
            Ok(book) => self.gate.learn(entry.version, &book),
            Err(error) => tracing::error!(%error, "the cluster's tokens do not parse"),
        }
    }
}

/// The JSON of what the meta group is to store.
pub(super) fn to_json<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|e| Error::not_applied(ErrorKind::Internal, e.to_string()))
}

fn parse<T: DeserializeOwned>(entry: &Entry) -> Result<T> {
    serde_json::from_slice(&entry.value).map_err(|error| {
        Error::not_applied(ErrorKind::Internal, format!("the cluster's state does not parse: {error}"))
    })
}
