//! The cluster personality: whether this node answers for the keys of a command, or who does.
//!
//! Relies on what this node knows of slots and leaders, at most `RESP_TOPOLOGY_KEPT` old. Nothing rests on it: what
//! is asked of the wrong node is sent on to the right one, and what that is the groups themselves judge.

use std::sync::Arc;

use parking_lot::Mutex;
use raft_store::slot::{Slot, slot_of};
use tokio::time::Instant;

use super::data::spec::Spec;
use super::parse::Frame;
use super::session::Session;
use super::value::Value;
use super::{Shared, errors, table};
use crate::error::Result;
use crate::limits::RESP_TOPOLOGY_KEPT;
use crate::node::{Node, SlotRange, Topology};

/// What is known of slots and leaders, kept for a moment.
#[derive(Debug, Default)]
pub(super) struct Routes(Mutex<Option<(Instant, Arc<Topology>)>>);

impl Routes {
    /// What `node` knows, or knew a moment ago.
    pub(super) fn current(&self, node: &Node) -> Result<Arc<Topology>> {
        let mut kept = self.0.lock();
        if let Some((since, topology)) = &*kept
            && since.elapsed() < RESP_TOPOLOGY_KEPT
        {
            return Ok(topology.clone());
        }
        let topology = Arc::new(node.topology()?);
        *kept = Some((Instant::now(), topology.clone()));
        Ok(topology)
    }
}

/// Whether this node serves the keys of a command; else the answer that sends the client elsewhere.
pub(super) fn check(
    shared: &Shared,
    node: &Node,
    session: &Session,
    spec: &Spec,
    frame: &Frame,
) -> Result<(), Value> {
    let mut slots = table::keys(spec, frame).map(|key| slot_of(key));
    let Some(slot) = slots.next() else { return Ok(()) };
    if slots.any(|other| other != slot) {
        return Err(Value::Error(errors::CROSS_SLOT.to_owned()));
    }
    let topology = shared.routes.current(node).map_err(|error| errors::answer(&error))?;
    let Some(range) = range_of(&topology, slot) else {
        return Err(Value::Error(errors::NOT_SERVED.to_owned()));
    };
    let replica = session.readonly && !spec.writes() && session.queue.is_none();
    if node.leads(range.group) || replica && range.replicas.contains(&topology.me) {
        return Ok(());
    }
    elsewhere(&topology, range, slot)
}

/// Sends the client to the leader. One that is not known, or has no address for such clients, is asked by this node.
fn elsewhere(topology: &Topology, range: &SlotRange, slot: Slot) -> Result<(), Value> {
    let leader = range.leader.filter(|&leader| leader != topology.me);
    let member = leader.and_then(|leader| topology.nodes.get(&leader));
    match member.and_then(|member| member.resp_cluster.as_ref()) {
        Some(address) => Err(Value::Error(format!("MOVED {slot} {address}"))),
        None => Ok(()),
    }
}

/// The range a slot is in.
pub(super) fn range_of(topology: &Topology, slot: Slot) -> Option<&SlotRange> {
    let at = topology.slots.partition_point(|range| range.to < slot);
    topology.slots.get(at).filter(|range| range.from <= slot)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::views::MemberSpec;

    fn topology(leader: Option<u64>) -> Topology {
        let member = |id: u64| MemberSpec {
            id,
            http: String::new(),
            peer: String::new(),
            zone: String::new(),
            resp: None,
            resp_cluster: (id != 3).then(|| format!("h{id}:7370")),
        };
        let nodes: BTreeMap<_, _> = (1..=3).map(|id| (id, member(id))).collect();
        let range = SlotRange { from: 10, to: 20, group: 1, leader, replicas: vec![1] };
        Topology { epoch: 1, me: 1, nodes, slots: vec![range] }
    }

    #[test]
    fn a_client_is_sent_to_the_leader_if_that_can_be_reached() {
        let sent = |leader| {
            let topology = topology(leader);
            elsewhere(&topology, &topology.slots[0], 12)
        };
        assert_eq!(sent(Some(2)), Err(Value::Error("MOVED 12 h2:7370".to_owned())));
        assert_eq!(sent(Some(3)), Ok(()), "it has no address: its commands are sent on to it");
        assert_eq!(sent(Some(1)), Ok(()));
        assert_eq!(sent(None), Ok(()), "nobody is known: this node looks for who leads");
    }

    #[test]
    fn slots_outside_every_range_belong_to_nobody() {
        let topology = topology(None);
        let found = [9, 10, 20, 21].map(|slot| range_of(&topology, slot).is_some());
        assert_eq!(found, [false, true, true, false]);
    }
}
