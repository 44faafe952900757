//! Changes of members, leaders and snapshots, asked for while everything else goes wrong. Any answer will do: what
//! counts is that the history stays right.

use std::net::SocketAddr;
use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::events::{Edge, Events};
use super::plan::Kind;
use crate::admin;
use crate::http::{Answer, Http, Lost, request};
use crate::wait;

/// How long a change may take before nobody waits for it any more.
const CHANGE_TIMEOUT: Duration = Duration::from_secs(8);
/// The same, for the server.
const CHANGE_WAIT: &str = "7s";
/// How long each node may take to say who is in a group.
const LOOK_TIMEOUT: Duration = Duration::from_secs(1);
/// Fewest voters one is removed from.
const VOTERS_MIN: usize = 3;

/// One change.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) number: u64,
    pub(super) kind: Kind,
    pub(super) group: u64,
    /// Every node there is.
    pub(super) nodes: Vec<u64>,
    /// Whom to ask, the first that answers.
    pub(super) through: Vec<(u64, SocketAddr)>,
    /// Decides what is drawn.
    pub(super) die: u64,
    pub(super) events: Events,
}

impl Job {
    /// Carries it out and writes down what came of it.
    pub(super) async fn run(self) {
        let detail = self.carry_out().await;
        self.events.write(Edge::End, self.number, &self.kind.name(), &[], detail);
    }

    async fn carry_out(&self) -> String {
        for &(id, node) in &self.through {
            let Ok(Ok(view)) = timeout(LOOK_TIMEOUT, admin::vote(node, self.group)).await else { continue };
            let (voters, learners) = (view.summary.voters, view.summary.learners);
            let Some((method, path, body)) = self.choose(&voters, &learners) else {
                return "nothing to change".to_owned();
            };
            let what = format!("{method} {path} {body} through {id}");
            return format!("{what}: {}", describe(call(node, method, &path, &body).await));
        }
        "nobody answers".to_owned()
    }

    /// What to ask for, given who is in the group.
    fn choose(&self, voters: &[u64], learners: &[u64]) -> Option<(Method, String, Value)> {
        let group = format!("/v1/cluster/groups/{}", self.group);
        let pick = |from: &[u64]| from.get(self.die as usize % from.len().max(1)).copied();
        let outside: Vec<u64> = self.nodes.iter().copied().filter(|id| !voters.contains(id)).collect();
        let out_of_both: Vec<u64> = outside.iter().copied().filter(|id| !learners.contains(id)).collect();
        let add = |to: &str, node: u64| {
            (Method::POST, format!("{group}/{to}?wait={CHANGE_WAIT}"), json!({ "node": node }))
        };
        let remove = |from: &str, node: u64| {
            (Method::DELETE, format!("{group}/{from}/{node}?wait={CHANGE_WAIT}"), Value::Null)
        };
        match self.kind {
            Kind::Voter => match pick(&outside) {
                Some(node) if voters.len() < VOTERS_MIN || self.die & 1 << 40 == 0 => {
                    Some(add("voters", node))
                }
                _ if voters.len() >= VOTERS_MIN => pick(voters).map(|node| remove("voters", node)),
                _ => None,
            },
            Kind::Learner => match (pick(learners), pick(&out_of_both)) {
                (Some(node), _) if self.die & 1 << 40 == 0 => Some(remove("learners", node)),
                (_, Some(node)) => Some(add("learners", node)),
                (learner, None) => learner.map(|node| remove("learners", node)),
            },
            Kind::Leader => {
                pick(voters).map(|node| (Method::PUT, format!("{group}/leader"), json!({ "node": node })))
            }
            _ => Some((Method::POST, format!("{group}/snapshot"), Value::Null)),
        }
    }
}

/// Asks a node to take another out of the cluster: whether that was certainly refused, and the answer for people.
pub(super) async fn remove_member(node: SocketAddr, member: u64) -> (bool, String) {
    let path = format!("/v1/cluster/members/{member}?wait={CHANGE_WAIT}");
    let answer = call(node, Method::DELETE, &path, &Value::Null).await;
    let refused = answer.as_ref().is_ok_and(|answer| answer.outcome().as_deref() == Some("not_applied"));
    (refused, describe(answer))
}

/// Asks every group to take a new node as a voter once it has joined, through itself.
pub(super) async fn welcome(new: SocketAddr, groups: Vec<u64>, id: u64) {
    if timeout(CHANGE_TIMEOUT, joined(new, id)).await.is_err() {
        // Faults keep it out: it stays without a vote.
        return;
    }
    for group in groups {
        let path = format!("/v1/cluster/groups/{group}/voters?wait={CHANGE_WAIT}");
        // Refused, perhaps: then it is a learner, or nothing, there.
        let _ = call(new, Method::POST, &path, &json!({ "node": id })).await;
    }
}

async fn joined(new: SocketAddr, id: u64) {
    while !admin::cluster(new).await.is_ok_and(|view| view.nodes.iter().any(|node| node.id == id)) {
        sleep(wait::POLL_INTERVAL).await;
    }
}

async fn call(node: SocketAddr, method: Method, path: &str, body: &Value) -> Result<Answer, Lost> {
    Http::default().send(node, request(method, path, body), CHANGE_TIMEOUT).await
}

fn describe(answer: Result<Answer, Lost>) -> String {
    match answer {
        Ok(answer) if answer.status.is_success() => answer.status.to_string(),
        Ok(answer) => {
            format!("{} {} {}", answer.status.as_u16(), answer.problem(), answer.json()["detail"])
        }
        Err(lost) => lost.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(kind: Kind, die: u64, voters: &[u64], learners: &[u64]) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let events = Events::create(folder.path(), std::time::Instant::now()).unwrap();
        let job = Job { number: 0, kind, group: 2, nodes: (1..=5).collect(), through: vec![], die, events };
        job.choose(voters, learners).map(|(method, path, body)| format!("{method} {path} {body}"))
    }

    #[test]
    fn changes_fit_the_members_there_are() {
        // Of three it picks the second.
        let other_way = 1 << 40;
        let add = Some("POST /v1/cluster/groups/2/voters?wait=7s {\"node\":4}".to_owned());
        assert_eq!(chosen(Kind::Voter, 0, &[1, 2, 3], &[]), add);
        let remove = Some("DELETE /v1/cluster/groups/2/voters/1?wait=7s null".to_owned());
        assert_eq!(
            chosen(Kind::Voter, other_way, &[1, 2, 3], &[]),
            remove.clone().map(|text| text.replace("voters/1", "voters/2"))
        );
        let two = chosen(Kind::Voter, other_way, &[1, 2], &[]).unwrap();
        assert!(two.starts_with("POST"), "of two voters none is removed: {two}");
        assert_eq!(chosen(Kind::Voter, 0, &[1, 2, 3, 4, 5], &[]), remove);
        let learner = Some("DELETE /v1/cluster/groups/2/learners/5?wait=7s null".to_owned());
        assert_eq!(chosen(Kind::Learner, 0, &[1, 2, 3, 4], &[5]), learner.clone());
        assert_eq!(chosen(Kind::Learner, other_way, &[1, 2, 3, 4], &[5]), learner);
        assert!(chosen(Kind::Learner, 0, &[1, 2, 3, 4], &[]).unwrap().starts_with("POST"));
        assert_eq!(chosen(Kind::Learner, 0, &[1, 2, 3, 4, 5], &[]), None);
        assert!(chosen(Kind::Leader, 1, &[1, 2], &[]).unwrap().ends_with("{\"node\":2}"));
        assert!(chosen(Kind::Snapshot, 0, &[1], &[]).unwrap().ends_with("snapshot null"));
    }
}
