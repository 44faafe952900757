//! Keys that nobody writes any more: they must stay as they were, whatever happens to the nodes.

use std::collections::{BTreeMap, HashSet};

use anyhow::ensure;

use crate::client::{Client, OPERATION_TIMEOUT};
use crate::cluster::Cluster;
use crate::history::{Consistency, Input, Operation, Outcome, Output, Seen};
use crate::wait;

/// What each key held when it was last read.
#[derive(Debug, Default)]
pub struct Audit {
    last: BTreeMap<String, Option<Seen>>,
}

impl Audit {
    /// Takes the last linearizable read of every key, which came after all writes were over. Keys that ever were to
    /// expire are left out.
    pub fn remember(&mut self, history: &[Operation]) {
        let mortal = history.iter().filter(|op| op.input.ttl_ms().is_some());
        let mortal: HashSet<&str> = mortal.map(|op| op.key.as_str()).collect();
        let lasting = history.iter().filter(|op| !mortal.contains(op.key.as_str()));
        for op in lasting.filter(|op| op.outcome == Outcome::Ok && op.input.is_linearizable_read()) {
            if let Some(Output::Read(seen)) = &op.output {
                self.last.insert(op.key.clone(), seen.clone());
            }
        }
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.last.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.last.is_empty()
    }

    /// Reads every key again, at one node after the other.
    pub async fn check(&self, cluster: &Cluster) -> anyhow::Result<()> {
        let nodes = cluster.endpoints();
        let mut client = Client::default();
        for (at, (key, expected)) in self.last.iter().enumerate() {
            let (id, node) = nodes[at % nodes.len()];
            let found = wait::until(&format!("{key} is read"), OPERATION_TIMEOUT * 3, async || {
                let read = client.operate(node, key, &Input::Get(Consistency::Linearizable)).await;
                if let Some(Output::Read(seen)) = read.output { Some(seen) } else { None }
            })
            .await?;
            ensure!(found == *expected, "{key} at node {id} was {expected:?} and is {found:?}");
        }
        Ok(())
    }
}
