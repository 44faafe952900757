//! Which node has which slot: what `CLUSTER SLOTS` says, corrected by what servers answer.

use anyhow::{bail, ensure};
use raft_store::slot::SLOTS;

use super::value::Value;

/// Which node has each slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slots {
    /// `host:port` of each node heard of.
    nodes: Vec<String>,
    /// Of each slot, its node; one past the last of them if nobody has it.
    of: Vec<usize>,
}

impl Slots {
    /// Reads the answer to `CLUSTER SLOTS` of a node at `asked`; where it names no host it means its own.
    pub(crate) fn read(answer: &Value, asked: &str) -> anyhow::Result<Self> {
        let mut slots = Self { nodes: Vec::new(), of: vec![usize::MAX; SLOTS.into()] };
        let Value::Array(ranges) = answer else { bail!("{answer:?} is no answer to CLUSTER SLOTS") };
        for range in ranges {
            let (first, last, node) = one_range(range, asked)?;
            let node = slots.number(node);
            slots.of[first..=last].fill(node);
        }
        ensure!(!slots.of.contains(&usize::MAX), "some slots have no node: the cluster is not complete");
        Ok(slots)
    }

    /// The node of a slot.
    pub(crate) fn node(&self, slot: u16) -> usize {
        self.of[usize::from(slot)]
    }

    /// `host:port` of a node.
    pub(crate) fn address(&self, node: usize) -> &str {
        &self.nodes[node]
    }

    /// Notes that a slot is elsewhere; that node.
    pub(crate) fn move_to(&mut self, slot: u16, address: String) -> usize {
        let node = self.number(address);
        self.of[usize::from(slot)] = node;
        node
    }

    fn number(&mut self, address: String) -> usize {
        self.nodes.iter().position(|known| *known == address).unwrap_or_else(|| {
            self.nodes.push(address);
            self.nodes.len() - 1
        })
    }
}

/// First slot, last slot and master of `[first, last, [host, port, …], …]`.
fn one_range(range: &Value, asked: &str) -> anyhow::Result<(usize, usize, String)> {
    if let Value::Array(range) = range
        && let [Value::Integer(first), Value::Integer(last), Value::Array(master), ..] = &range[..]
        && let [host, Value::Integer(port), ..] = &master[..]
        && (0..=*last).contains(first)
        && *last < i64::from(SLOTS)
    {
        let host = match host {
            Value::Bulk(host) => String::from_utf8(host.clone())?,
            _ => String::new(),
        };
        return Ok((*first as usize, *last as usize, address(&host, *port, asked)));
    }
    bail!("{range:?} is no range of slots")
}

/// `host:port`, with the asked node's host where none is named.
fn address(host: &str, port: impl std::fmt::Display, asked: &str) -> String {
    let own = asked.rsplit_once(':').map_or(asked, |(host, _)| host);
    format!("{}:{port}", if host.is_empty() { own } else { host })
}

/// Slot and address of `MOVED 3999 127.0.0.1:6381`, as the node at `asked` says it; none if it says something else.
pub(crate) fn moved(text: &str, asked: &str) -> Option<(u16, String)> {
    let (slot, to) = text.strip_prefix("MOVED ")?.split_once(' ')?;
    let (host, port) = to.rsplit_once(':')?;
    let slot = slot.parse().ok().filter(|slot| *slot < SLOTS)?;
    Some((slot, address(host, port, asked)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: i64, last: i64, host: &str, port: i64) -> Value {
        let master = Value::Array(vec![
            Value::Bulk(host.into()),
            Value::Integer(port),
            Value::Bulk(b"id".to_vec()),
            Value::Array(vec![]),
        ]);
        Value::Array(vec![Value::Integer(first), Value::Integer(last), master.clone(), master])
    }

    #[test]
    fn slots_belong_to_masters_and_move() {
        let answer = Value::Array(vec![range(0, 99, "a", 1), range(100, 16_383, "", 2)]);
        let mut slots = Slots::read(&answer, "seed:9").unwrap();
        assert_eq!((slots.address(slots.node(99)), slots.address(slots.node(100))), ("a:1", "seed:2"));
        let (slot, to) = moved("MOVED 100 c:3", "a:1").unwrap();
        let node = slots.move_to(slot, to);
        assert_eq!((slots.node(100), slots.address(node)), (node, "c:3"));
        assert_eq!(slots.address(slots.node(101)), "seed:2");
        assert_eq!(slots.move_to(101, "a:1".into()), slots.node(0));
    }

    #[test]
    fn an_incomplete_cluster_is_refused() {
        let gap = Value::Array(vec![range(0, 99, "a", 1)]);
        assert!(Slots::read(&gap, "a:1").unwrap_err().to_string().contains("not complete"));
        for answer in
            [Value::Null, Value::Array(vec![Value::Null]), Value::Array(vec![range(0, 16_384, "a", 1)])]
        {
            assert!(Slots::read(&answer, "a:1").is_err());
        }
    }

    #[test]
    fn only_moved_moves() {
        assert_eq!(moved("MOVED 5 :7", "own:1"), Some((5, "own:7".into())));
        for text in ["ASK 5 a:7", "MOVED 5", "MOVED 16384 a:1", "MOVED x a:1", "CLUSTERDOWN"] {
            assert_eq!(moved(text, "own:1"), None, "{text}");
        }
    }
}
