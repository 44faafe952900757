//! Watches from outside that no node forgets a vote.
//!
//! What can be seen of a vote is a replica's term and the leader it follows in it. openraft's votes are ordered
//! by term and then by node, and a replica stores a vote before it shows it. So what one replica shows must
//! never go back, across crashes least of all.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::ensure;
use hyper::Method;
use quorate::views::{GroupSummary, GroupView};
use serde_json::Value;
use tokio::task::AbortHandle;
use tokio::time::{interval, timeout};

use crate::admin;
use crate::client::Client;
use crate::cluster::Cluster;
use crate::http::request;

/// How often every replica is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// How long one look may take.
const LOOK_TIMEOUT: Duration = Duration::from_secs(2);

/// A vote as far as it shows: term, and the leader if there is one.
type Vote = (u64, Option<u64>);

/// The largest vote each replica showed.
#[derive(Debug, Default)]
pub struct Votes {
    /// By node and group.
    largest: BTreeMap<(u64, u64), Vote>,
    seen: u64,
    wrong: Vec<String>,
}

impl Votes {
    /// Takes in what a node shows of a group.
    pub fn saw(&mut self, node: u64, group: &GroupSummary) {
        let now = (group.term, group.leader);
        let key = (node, u64::from(group.id));
        let largest = self.largest.entry(key).or_insert(now);
        // Without a leader only the term is known.
        let back = now.0 < largest.0 || (now.0 == largest.0 && now.1.is_some() && now.1 < largest.1);
        if back {
            self.wrong.push(format!(
                "node {node}, group {}: term and leader went back from {largest:?} to {now:?}",
                group.id
            ));
        }
        *largest = now.max(*largest);
        self.seen += 1;
    }

    /// The highest term any replica showed.
    pub fn highest_term(&self) -> u64 {
        self.largest.values().map(|(term, _)| *term).max().unwrap_or(0)
    }

    /// An error once any vote went back.
    pub fn verdict(&self) -> anyhow::Result<()> {
        ensure!(self.wrong.is_empty(), "a vote was forgotten: {}", self.wrong.join("; "));
        Ok(())
    }
}

/// A watch under way; ends when dropped.
#[derive(Debug)]
pub struct Watch {
    votes: Arc<Mutex<Votes>>,
    task: AbortHandle,
}

impl Watch {
    /// Watches every replica of every group on all nodes there are.
    pub async fn start(cluster: &Cluster) -> anyhow::Result<Self> {
        let mut groups = admin::data_groups(cluster).await?;
        groups.push(0);
        let votes = Arc::new(Mutex::new(Votes::default()));
        let task = tokio::spawn(look(cluster.endpoints(), groups, votes.clone())).abort_handle();
        Ok(Self { votes, task })
    }

    /// An error once any vote went back.
    pub fn verdict(&self) -> anyhow::Result<()> {
        self.votes.lock().unwrap_or_else(PoisonError::into_inner).verdict()
    }

    /// How often a replica was seen.
    pub fn seen(&self) -> u64 {
        self.votes.lock().unwrap_or_else(PoisonError::into_inner).seen
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn look(nodes: Vec<(u64, SocketAddr)>, groups: Vec<u64>, votes: Arc<Mutex<Votes>>) {
    let mut client = Client::default();
    let mut ticks = interval(LOOK_INTERVAL);
    loop {
        ticks.tick().await;
        for (id, node) in &nodes {
            for group in &groups {
                let path = format!("/v1/cluster/groups/{group}?local=true");
                let asked = client.send(*node, request(Method::GET, &path, &Value::Null));
                // A node that is down shows nothing.
                let Ok(Ok(answer)) = timeout(LOOK_TIMEOUT, asked).await else { break };
                let Ok(view) = answer.parse::<GroupView>() else { continue };
                votes.lock().unwrap_or_else(PoisonError::into_inner).saw(*id, &view.summary);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(shown: &[(u64, u64, Option<u64>)]) -> usize {
        let mut votes = Votes::default();
        for &(node, term, leader) in shown {
            let (voters, learners) = (vec![], vec![]);
            votes.saw(node, &GroupSummary { id: 1, leader, term, voters, learners, slots: 0 });
        }
        votes.wrong.len()
    }

    #[test]
    fn a_vote_may_grow_and_not_go_back() {
        assert_eq!(wrong(&[(1, 1, None), (1, 1, Some(2)), (1, 1, None), (1, 1, Some(3)), (1, 2, None)]), 0);
        assert_eq!(wrong(&[(1, 2, None), (2, 1, None)]), 0, "other replicas may be behind");
        assert_eq!(wrong(&[(1, 2, None), (1, 1, Some(3))]), 1);
        assert_eq!(wrong(&[(1, 2, Some(3)), (1, 2, None), (1, 2, Some(2))]), 1);
    }
}
