//! What the cluster says of itself, and changes of its members, by the HTTP API.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use hyper::Method;
use quorate::views::{ClusterView, GroupView};
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::http::{Answer, Http, request};
use crate::wait;

/// How long a call about the cluster may take, waiting for an operation included.
const CALL_TIMEOUT: Duration = Duration::from_secs(40);
/// How long a change of members is waited for.
const CHANGE_WAIT: &str = "30s";
/// How long replicas may take to reach the same state once writing has stopped.
const CONVERGE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a group may take to find a leader.
const ELECTION_TIMEOUT: Duration = Duration::from_secs(10);

/// One call to one node.
pub async fn call(node: SocketAddr, method: Method, path: &str, body: Value) -> anyhow::Result<Answer> {
    let sent = Http::default().send(node, request(method.clone(), path, &body), CALL_TIMEOUT).await;
    sent.with_context(|| format!("{method} {node}{path}"))
}

/// The cluster as one node sees it.
pub async fn cluster(node: SocketAddr) -> anyhow::Result<ClusterView> {
    call(node, Method::GET, "/v1/cluster", Value::Null).await?.parse()
}

/// A group as its leader sees it.
pub async fn group(node: SocketAddr, group: u64) -> anyhow::Result<GroupView> {
    call(node, Method::GET, &format!("/v1/cluster/groups/{group}"), Value::Null).await?.parse()
}

/// A node's own replica of a group, with its digest.
pub async fn replica(node: SocketAddr, group: u64) -> anyhow::Result<GroupView> {
    let path = format!("/v1/cluster/groups/{group}?local=true&digest=true");
    call(node, Method::GET, &path, Value::Null).await?.parse()
}

/// A node's own replica of a group as it stands, without its digest: answered also without a leader.
pub async fn vote(node: SocketAddr, group: u64) -> anyhow::Result<GroupView> {
    let path = format!("/v1/cluster/groups/{group}?local=true");
    call(node, Method::GET, &path, Value::Null).await?.parse()
}

/// The leader of a group, once a running node names one that runs.
pub async fn leader(cluster: &Cluster, group: u64) -> anyhow::Result<u64> {
    let nodes = cluster.endpoints();
    wait::until(&format!("group {group} has a leader"), ELECTION_TIMEOUT, async || {
        for (_, node) in &nodes {
            let leader = self::group(*node, group).await.ok().and_then(|view| view.summary.leader);
            if let Some(leader) = leader.filter(|id| nodes.iter().any(|(n, _)| n == id)) {
                return Some(leader);
            }
        }
        None
    })
    .await
}

/// The data groups.
pub async fn data_groups(cluster: &Cluster) -> anyhow::Result<Vec<u64>> {
    let (_, node) = *cluster.endpoints().first().context("no node runs")?;
    let view = self::cluster(node).await?;
    Ok(view.groups.iter().map(|group| u64::from(group.id)).filter(|id| *id != 0).collect())
}

/// The group a key belongs to.
pub async fn group_of(cluster: &Cluster, key: &str) -> anyhow::Result<u64> {
    let (_, node) = *cluster.endpoints().first().context("no node runs")?;
    let path = format!("/v1/kv/default/{key}");
    let answer = call(node, Method::PUT, &path, json!({"value": "where"})).await?;
    answer.number("x-quorate-group").context("no X-Quorate-Group")
}

/// Waits until the replicas of a group on these nodes hold the same state: same applied index, same digest.
pub async fn converged(cluster: &Cluster, group: u64, ids: &[u64]) -> anyhow::Result<()> {
    let mut last = String::new();
    let result = wait::until(&format!("replicas of group {group} agree"), CONVERGE_TIMEOUT, async || {
        let mut views = Vec::new();
        for &id in ids {
            let view = replica(cluster.http(id).ok()?, group).await;
            views.push(view.map(|view| (view.applied, view.digest)).map_err(|e| format!("{e:#}")));
        }
        last = format!("{views:?}");
        let first = views.first()?.as_ref().ok()?;
        let known = first.0.is_some() && first.1.is_some();
        (known && views.iter().all(|view| view.as_ref() == Ok(first))).then_some(())
    })
    .await;
    result.with_context(|| format!("nodes {ids:?} have {last}"))
}

/// The same of every data group.
pub async fn all_converged(cluster: &Cluster, ids: &[u64]) -> anyhow::Result<()> {
    for group in data_groups(cluster).await? {
        converged(cluster, group, ids).await?;
    }
    Ok(())
}

/// Moves a group's leadership and waits until it has moved.
pub async fn transfer_leader(node: SocketAddr, group: u64, to: u64) -> anyhow::Result<()> {
    let path = format!("/v1/cluster/groups/{group}/leader");
    done(call(node, Method::PUT, &path, json!({"node": to})).await?)
}

/// Takes a snapshot of a node's replica now; the last index in it.
pub async fn snapshot(node: SocketAddr, group: u64) -> anyhow::Result<Option<u64>> {
    let path = format!("/v1/cluster/groups/{group}/snapshot");
    let answer = call(node, Method::POST, &path, Value::Null).await?;
    ensure!(answer.status.is_success(), "snapshot: {}", String::from_utf8_lossy(&answer.body));
    Ok(answer.json()["last_index"].as_u64())
}

/// Adds a voter through `node` and waits until it is one.
pub async fn add_voter(node: SocketAddr, group: u64, voter: u64) -> anyhow::Result<()> {
    let path = format!("/v1/cluster/groups/{group}/voters?wait={CHANGE_WAIT}");
    done(call(node, Method::POST, &path, json!({"node": voter})).await?)
}

/// Removes a voter through `node` and waits until it is none.
pub async fn remove_voter(node: SocketAddr, group: u64, voter: u64) -> anyhow::Result<()> {
    done(try_remove_voter(node, group, voter).await?)
}

/// Asks for the removal of a voter; the answer, whatever it is.
pub async fn try_remove_voter(node: SocketAddr, group: u64, voter: u64) -> anyhow::Result<Answer> {
    let path = format!("/v1/cluster/groups/{group}/voters/{voter}?wait={CHANGE_WAIT}");
    call(node, Method::DELETE, &path, Value::Null).await
}

/// Takes a node out of the cluster and waits until it is out.
pub async fn remove_member(node: SocketAddr, member: u64) -> anyhow::Result<()> {
    let path = format!("/v1/cluster/members/{member}?wait={CHANGE_WAIT}");
    done(call(node, Method::DELETE, &path, Value::Null).await?)
}

/// The change has been made: 200, where 202 would mean that it still runs.
fn done(answer: Answer) -> anyhow::Result<()> {
    if answer.status.as_u16() != 200 {
        bail!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body));
    }
    Ok(())
}
