//! Commands about all keys: `SCAN`, `KEYS`, `DBSIZE`, `RANDOMKEY`, `FLUSHDB`.
//!
//! On the plain port they are about the whole cluster, on the cluster port about the groups this node leads, since
//! clients of Redis Cluster ask every node.

use raft_store::key::Key;
use raft_store::limits::SCAN_KEYS_MAX;
use tokio::time::Instant;

use super::data::glob::Glob;
use super::data::keyspace::{drawn, matching, scanned};
use super::errors;
use super::plan::{Context, Keyspace, ScanPlan};
use super::session::{Face, Session};
use super::value::Value;
use crate::error::Result;
use crate::limits::{REQUEST_TIMEOUT_DEFAULT, REQUEST_TIMEOUT_MAX, RESP_KEYS_BYTES_MAX};
use crate::node::{Node, Scan, Scope};

/// Carries one out.
pub(super) async fn run(node: &Node, context: &Context, session: &Session, keyspace: Keyspace) -> Value {
    let scope = match session.face {
        Face::Plain => Scope::All,
        Face::Cluster => Scope::LedHere,
    };
    let (namespace, consistency) = (context.namespace, session.consistency);
    let scan = Scan { namespace, scope, cursor: 0, limit: SCAN_KEYS_MAX, values: false, consistency };
    let deadline = Instant::now() + REQUEST_TIMEOUT_DEFAULT;
    let answer = match keyspace {
        Keyspace::Scan(plan) => page(node, scan, plan, deadline).await,
        Keyspace::Keys(pattern) => keys(node, scan, &pattern).await,
        Keyspace::Size => node.count(namespace, scope, deadline).await.map(count),
        Keyspace::Random => node.random_key(namespace, scope, deadline).await.map(|key| drawn(key.as_ref())),
        Keyspace::Flush => node.flush(namespace, scope, deadline).await.map(|()| Value::OK),
    };
    answer.unwrap_or_else(|error| errors::answer(&error))
}

fn count(count: u64) -> Value {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

async fn page(node: &Node, scan: Scan, plan: ScanPlan, deadline: Instant) -> Result<Value> {
    let page = node.scan(Scan { cursor: plan.cursor, limit: plan.limit, ..scan }, deadline).await?;
    let keys = page.found.into_iter().map(|(key, _)| key);
    Ok(scanned(plan.pattern.as_ref(), keys, page.next))
}

/// Every key that matches: page by page, as long as they fit into one answer.
async fn keys(node: &Node, mut scan: Scan, pattern: &Glob) -> Result<Value> {
    let deadline = Instant::now() + REQUEST_TIMEOUT_MAX;
    let mut matched = Matched::default();
    loop {
        let page = node.scan(scan.clone(), deadline).await?;
        if !matched.add(pattern, page.found.into_iter().map(|(key, _)| key)) {
            return Ok(Value::err("there are too many keys for one answer; use SCAN"));
        }
        scan.cursor = page.next;
        if scan.cursor == 0 {
            return Ok(Value::Array(matched.keys));
        }
    }
}

/// The keys that matched so far.
#[derive(Debug, Default)]
struct Matched {
    keys: Vec<Value>,
    bytes: usize,
}

impl Matched {
    /// Adds those that match; whether all still fit into one answer.
    fn add(&mut self, pattern: &Glob, keys: impl IntoIterator<Item = Key>) -> bool {
        let bytes = &mut self.bytes;
        self.keys.extend(matching(Some(pattern), keys).inspect(|key| *bytes += key.bytes()));
        self.bytes <= RESP_KEYS_BYTES_MAX
    }
}

#[cfg(test)]
mod tests {
    use raft_store::key::DEFAULT_NAMESPACE;

    use super::*;

    /// Keys that take more together than fits into one answer.
    fn keys() -> impl Iterator<Item = Key> {
        let key = |number| Key::new(DEFAULT_NAMESPACE, format!("key:{number:0996}").as_bytes()).unwrap();
        (0..RESP_KEYS_BYTES_MAX as u64 / 1000).map(key)
    }

    #[test]
    fn only_keys_that_match_take_room() {
        let mut few = Matched::default();
        assert!(few.add(&Glob::new(b"*0077"), keys()));
        assert_eq!(few.keys.len(), 7);
        let mut all = Matched::default();
        assert!(!all.add(&Glob::new(b"*"), keys()));
    }
}
