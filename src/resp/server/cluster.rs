//! `CLUSTER`: nodes and slots as clients of Redis Cluster ask for them.
//!
//! A node leads the slots of some groups and is a replica for others. To clients a node is the one or the other: with
//! both, redis-py takes a node that leads for a replica and leaves its keys out of `SCAN` and `DBSIZE`. So a node that
//! leads any slots is told as a master only, and the other voters of a group as replicas of its slots.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use bytes::Bytes;
use raft_store::NodeId;
use raft_store::limits::SCAN_KEYS_MAX;
use raft_store::slot::{SLOTS, Slot, slot_of};
use tokio::time::Instant;

use super::client_args::number;
use super::{Call, help, no_subcommand, wrong_number};
use crate::config::Consistency;
use crate::limits::REQUEST_TIMEOUT_DEFAULT;
use crate::node::{Scan, Scope, SlotRange, Topology};
use crate::resp::errors;
use crate::resp::session::Face;
use crate::resp::value::Value;

const HELP: &[&str] = &[
    "COUNTKEYSINSLOT <slot>",
    "    How many keys a slot has.",
    "GETKEYSINSLOT <slot> <count>",
    "    Some keys of a slot.",
    "INFO",
    "    The cluster in short.",
    "KEYSLOT <key>",
    "    The slot of a key.",
    "MYID",
    "    The id of this node.",
    "NODES",
    "    Every node with its slots.",
    "SHARDS",
    "    Every group with its nodes.",
    "SLOTS",
    "    Every range of slots with its nodes.",
];

/// The cluster as it is told now.
struct Told<'a> {
    cluster: String,
    topology: &'a Topology,
}

/// Runs a subcommand.
pub(super) async fn run(call: &Call<'_>) -> Value {
    if call.session.face == Face::Plain {
        return Value::err("This instance has cluster support disabled");
    }
    let Some((subcommand, arguments)) = call.arguments.split_first() else {
        return Value::err("syntax error");
    };
    let topology = match call.shared.routes.current(call.node) {
        Ok(topology) => topology,
        Err(error) => return errors::answer(&error),
    };
    let told = Told { cluster: call.node.cluster_id().unwrap_or_default(), topology: &topology };
    let word = subcommand.to_ascii_lowercase();
    match (word.as_slice(), arguments) {
        (b"slots", []) => told.slots(),
        (b"shards", []) => told.shards(),
        (b"nodes", []) => Value::Verbatim(told.nodes()),
        (b"info", []) => Value::Verbatim(told.info()),
        (b"myid", []) => Value::Bulk(told.id(topology.me).into()),
        (b"keyslot", [key]) => Value::Int(slot_of(key).into()),
        (b"countkeysinslot", [slot]) => count_keys(call, slot).await,
        (b"getkeysinslot", [slot, count]) => keys(call, slot, count).await,
        (b"count-failure-reports", [_]) => Value::Int(0),
        (b"help", []) => help("CLUSTER", HELP),
        (
            b"slots"
            | b"shards"
            | b"nodes"
            | b"info"
            | b"myid"
            | b"keyslot"
            | b"countkeysinslot"
            | b"getkeysinslot"
            | b"count-failure-reports"
            | b"help",
            _,
        ) => wrong_number("cluster", subcommand),
        (b"links" | b"meet" | b"failover" | b"forget" | b"reset" | b"replicate" | b"setslot", _)
        | (b"addslots" | b"delslots" | b"addslotsrange" | b"delslotsrange" | b"flushslots", _) => {
            let subcommand = crate::resp::outcome::quoted(subcommand);
            Value::err(format_args!("CLUSTER {subcommand} is not supported: `quorate` changes the cluster"))
        }
        _ => no_subcommand("CLUSTER", subcommand),
    }
}

impl Told<'_> {
    /// A node's id: 40 hex digits that name the cluster and the node.
    fn id(&self, node: NodeId) -> String {
        let (first, second) = (fnv(&self.cluster, 0), fnv(&self.cluster, 1) as u32);
        format!("{first:016x}{second:08x}{node:016x}")
    }

    /// Where clients reach a node: host and port. One that told no address is spoken for by this node.
    fn address(&self, node: NodeId) -> (String, u16) {
        let of = |node: NodeId| self.topology.nodes.get(&node).and_then(|member| member.resp_cluster.clone());
        let address = of(node).or_else(|| of(self.topology.me)).unwrap_or_default();
        let (host, port) = address.rsplit_once(':').unwrap_or((&address, "0"));
        (host.trim_start_matches('[').trim_end_matches(']').to_owned(), port.parse().unwrap_or(0))
    }

    /// The replicas of a range that lead nothing themselves.
    fn replicas(&self, range: &SlotRange) -> impl Iterator<Item = NodeId> {
        let leads = |node: NodeId| self.topology.slots.iter().any(|range| range.leader == Some(node));
        range.replicas.iter().copied().filter(move |node| !leads(*node))
    }

    fn slots(&self) -> Value {
        let ranges = self.topology.slots.iter().filter_map(|range| {
            let nodes = [range.leader?].into_iter().chain(self.replicas(range));
            let node = |node| {
                let (host, port) = self.address(node);
                let id = Value::Bulk(self.id(node).into());
                Value::Array(vec![
                    Value::Bulk(host.into()),
                    Value::Int(port.into()),
                    id,
                    Value::Array(Vec::new()),
                ])
            };
            let bounds = [range.from, range.to].map(|slot| Value::Int(slot.into()));
            Some(Value::Array(bounds.into_iter().chain(nodes.map(node)).collect()))
        });
        Value::Array(ranges.collect())
    }

    fn shards(&self) -> Value {
        let groups: BTreeSet<_> = self.topology.slots.iter().map(|range| range.group).collect();
        let shard = |group| {
            let ranges = || self.topology.slots.iter().filter(move |range| range.group == group);
            let slots = ranges().flat_map(|range| [range.from, range.to]).map(|slot| Value::Int(slot.into()));
            let first = ranges().next();
            let leader = first.and_then(|range| range.leader).map(|node| self.shard_node(node, "master"));
            let replicas = first.into_iter().flat_map(|range| self.replicas(range));
            let replicas = replicas.map(|node| self.shard_node(node, "replica"));
            Value::Map(vec![
                (Value::text("slots"), Value::Array(slots.collect())),
                (Value::text("nodes"), Value::Array(leader.into_iter().chain(replicas).collect())),
            ])
        };
        Value::Array(groups.into_iter().map(shard).collect())
    }

    fn shard_node(&self, node: NodeId, role: &'static str) -> Value {
        let (host, port) = self.address(node);
        let host = Value::Bulk(host.into());
        Value::Map(vec![
            (Value::text("id"), Value::Bulk(self.id(node).into())),
            (Value::text("port"), Value::Int(port.into())),
            (Value::text("ip"), host.clone()),
            (Value::text("endpoint"), host),
            (Value::text("role"), Value::text(role)),
            (Value::text("replication-offset"), Value::Int(0)),
            (Value::text("health"), Value::text("online")),
        ])
    }

    fn nodes(&self) -> String {
        let mut text = String::new();
        for &node in self.topology.nodes.keys() {
            let (host, port) = self.address(node);
            let me = if node == self.topology.me { "myself," } else { "" };
            let epoch = self.topology.epoch;
            // Writing to a string cannot fail.
            let _ = write!(text, "{} {host}:{port}@0 {me}master - 0 0 {epoch} connected", self.id(node));
            for range in self.topology.slots.iter().filter(|range| range.leader == Some(node)) {
                let _ = match range.from == range.to {
                    true => write!(text, " {}", range.from),
                    false => write!(text, " {}-{}", range.from, range.to),
                };
            }
            text.push('\n');
        }
        text
    }

    fn info(&self) -> String {
        let count = |leaders: bool| {
            let ranges = self.topology.slots.iter().filter(|range| !leaders || range.leader.is_some());
            ranges.map(|range| u32::from(range.to - range.from) + 1).sum::<u32>()
        };
        let (assigned, led) = (count(false), count(true));
        let leaders: BTreeSet<_> = self.topology.slots.iter().filter_map(|range| range.leader).collect();
        let state = if led == u32::from(SLOTS) { "ok" } else { "fail" };
        let lines = BTreeMap::from([
            ("cluster_current_epoch", self.topology.epoch.to_string()),
            ("cluster_enabled", "1".to_owned()),
            ("cluster_known_nodes", self.topology.nodes.len().to_string()),
            ("cluster_my_epoch", self.topology.epoch.to_string()),
            ("cluster_size", leaders.len().to_string()),
            ("cluster_slots_assigned", assigned.to_string()),
            ("cluster_slots_fail", (assigned - led).to_string()),
            ("cluster_slots_ok", led.to_string()),
            ("cluster_slots_pfail", "0".to_owned()),
            ("cluster_state", state.to_owned()),
        ]);
        lines.iter().map(|(key, value)| format!("{key}:{value}\r\n")).collect()
    }
}

/// FNV-1a, 64 bits, begun with `salt`.
fn fnv(text: &str, salt: u8) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    [salt].into_iter().chain(text.bytes()).fold(0xcbf2_9ce4_8422_2325, step)
}

fn slot(word: &Bytes) -> Result<Slot, Value> {
    let slot = number(word).and_then(|slot| Slot::try_from(slot).ok()).filter(|slot| *slot < SLOTS);
    slot.ok_or_else(|| Value::err("Invalid slot"))
}

async fn count_keys(call: &Call<'_>, word: &Bytes) -> Value {
    let slot = match slot(word) {
        Ok(slot) => slot,
        Err(value) => return value,
    };
    let deadline = Instant::now() + REQUEST_TIMEOUT_DEFAULT;
    match call.node.count(call.context.namespace, Scope::Slot(slot), deadline).await {
        Ok(count) => Value::Int(i64::try_from(count).unwrap_or(i64::MAX)),
        Err(error) => errors::answer(&error),
    }
}

async fn keys(call: &Call<'_>, word: &Bytes, count: &Bytes) -> Value {
    let count = number(count).and_then(|count| usize::try_from(count).ok());
    let (slot, limit) = match (slot(word), count) {
        (Ok(_), Some(0)) => return Value::Array(Vec::new()),
        (Ok(slot), Some(count)) => (slot, count.min(SCAN_KEYS_MAX)),
        (Err(value), _) => return value,
        (_, None) => return Value::err("Invalid number of keys"),
    };
    let (namespace, scope) = (call.context.namespace, Scope::Slot(slot));
    let consistency = Consistency::Linearizable;
    let scan = Scan { namespace, scope, cursor: 0, limit, values: false, consistency };
    match call.node.scan(scan, Instant::now() + REQUEST_TIMEOUT_DEFAULT).await {
        Ok(page) => {
            let key = |(key, _): (raft_store::key::Key, _)| Bytes::copy_from_slice(key.user_key());
            Value::Array(page.found.into_iter().map(key).map(Value::Bulk).collect())
        }
        Err(error) => errors::answer(&error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_has_an_id_of_forty_digits_of_its_own() {
        let topology = Topology { epoch: 1, me: 1, nodes: BTreeMap::new(), slots: Vec::new() };
        let id = |cluster: &str, node| Told { cluster: cluster.to_owned(), topology: &topology }.id(node);
        assert_eq!(id("a", 1).len(), 40);
        assert_eq!(id("a", 1), id("a", 1));
        let ids = BTreeSet::from([id("a", 1), id("a", 2), id("b", 1), id("b", 2)]);
        assert_eq!(ids.len(), 4);
    }

    #[test]
    fn a_node_that_leads_slots_is_a_replica_of_none() {
        let range = |from: Slot, leader, replicas: &[NodeId]| SlotRange {
            from,
            to: from,
            group: from.into(),
            leader: Some(leader),
            replicas: replicas.to_vec(),
        };
        let slots = vec![range(1, 1, &[2, 3]), range(2, 2, &[1, 3])];
        let topology = Topology { epoch: 1, me: 1, nodes: BTreeMap::new(), slots };
        let told = Told { cluster: String::new(), topology: &topology };
        for range in &topology.slots {
            assert_eq!(told.replicas(range).collect::<Vec<_>>(), [3]);
        }
    }
}
