//! Who leads the groups this node holds no replica of: heard of on the way of requests it sends on and, for clients
//! that route by themselves, asked of the other nodes.
//!
//! Nothing rests on it: who is taken for a leader and is none says so, and a node that is silent is not asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use raft_store::{GroupId, NodeId};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::Inner;
use super::peer::Ask;
use crate::limits::LEADERS_INTERVAL;

/// A group that the node which says so leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Led {
    group: GroupId,
    term: u64,
}

/// Leaders last heard of.
#[derive(Debug, Default)]
pub(super) struct Leaders {
    heard: Mutex<BTreeMap<GroupId, NodeId>>,
    /// Somebody wants to know them.
    wanted: Notify,
}

impl Inner {
    pub(super) fn known_leader(&self, group: GroupId) -> Option<NodeId> {
        self.leaders.heard.lock().get(&group).copied()
    }

    pub(super) fn note_leader(&self, group: GroupId, leader: Option<NodeId>) {
        let mut heard = self.leaders.heard.lock();
        match leader {
            Some(leader) => drop(heard.insert(group, leader)),
            None => drop(heard.remove(&group)),
        }
    }

    /// The leader last heard of, while it gives signs of life.
    pub(super) fn living_leader(&self, group: GroupId) -> Option<NodeId> {
        self.known_leader(group).filter(|&leader| !self.is_quiet(leader))
    }

    /// Whom to take for the leader: this node itself, the one last heard of, or the one its own replica follows. What a
    /// node that falls silent is sent may never be answered, and there may be another leader any moment: it is none.
    pub(super) fn presumed_leader(&self, group: GroupId) -> Option<NodeId> {
        let own = self.host.get(group);
        if own.as_ref().is_some_and(|replica| replica.leads()) {
            return Some(self.id);
        }
        let followed = || own?.leader().filter(|&leader| leader != self.id && !self.is_quiet(leader));
        self.living_leader(group).or_else(followed)
    }

    /// Whether a node gives so few signs of life that what can wait is better not sent to it.
    pub(super) fn is_quiet(&self, node: NodeId) -> bool {
        self.transport.health(node).is_some_and(|health| health.is_quiet())
    }

    /// Somebody wants to know leaders: those heard of may be others by now.
    pub(super) fn want_leaders(&self) {
        self.leaders.wanted.notify_one();
    }

    /// The groups this node leads.
    pub(super) fn led(&self) -> Vec<Led> {
        let leading = self.host.all().into_iter().filter(|replica| replica.leads());
        let led = leading.filter_map(|replica| {
            let (term, _) = replica.leadership_seen()?;
            Some(Led { group: replica.id(), term })
        });
        led.collect()
    }

    /// Asks the others which groups they lead, for ever: at every change of the document, and whenever somebody wants
    /// to know, at most once in [`LEADERS_INTERVAL`].
    pub(super) async fn learn_leaders(self: Arc<Self>) {
        let mut changed = self.doc.subscribe();
        loop {
            self.ask_who_leads().await;
            tokio::time::sleep(LEADERS_INTERVAL).await;
            if self.groups_elsewhere().into_iter().any(|group| self.known_leader(group).is_none()) {
                continue;
            }
            tokio::select! {
                _ = changed.changed() => {}
                () = self.leaders.wanted.notified() => {}
            }
        }
    }

    async fn ask_who_leads(self: &Arc<Self>) {
        let elsewhere = self.groups_elsewhere();
        let (Some(doc), false) = (self.doc(), elsewhere.is_empty()) else { return };
        let others = doc.nodes.keys().copied().filter(|&node| node != self.id);
        let asked = others.map(async |node| (node, self.ask(node, &Ask::Led, LEADERS_INTERVAL).await.ok()));
        let told: BTreeMap<NodeId, Vec<Led>> = futures_util::future::join_all(asked)
            .await
            .into_iter()
            .filter_map(|(node, led)| Some((node, led?)))
            .collect();
        for group in elsewhere {
            match leader_of(group, &told) {
                Some(leader) => self.note_leader(group, Some(leader)),
                // It leads no longer and says so; whoever does has not been heard.
                None if self.known_leader(group).is_some_and(|known| told.contains_key(&known)) => {
                    self.note_leader(group, None);
                }
                None => {}
            }
        }
    }

    /// The data groups this node holds no replica of.
    fn groups_elsewhere(&self) -> Vec<GroupId> {
        let doc = self.doc();
        let groups = doc.iter().flat_map(|doc| doc.groups.keys().copied());
        groups.filter(|&group| self.host.get(group).is_none()).collect()
    }
}

/// Who leads a group by what nodes say of themselves: of two, the one with the higher term.
fn leader_of(group: GroupId, told: &BTreeMap<NodeId, Vec<Led>>) -> Option<NodeId> {
    let all = told.iter().flat_map(|(&node, led)| led.iter().map(move |led| (node, led)));
    let leading = all.filter(|(_, led)| led.group == group);
    leading.max_by_key(|(_, led)| led.term).map(|(node, _)| node)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_leaders_the_later_one_counts() {
        let led = |term| vec![Led { group: 5, term: 1 }, Led { group: 7, term }];
        let told = BTreeMap::from([(1, led(3)), (2, led(4)), (3, led(2)), (4, Vec::new())]);
        assert_eq!(leader_of(7, &told), Some(2));
        assert_eq!(leader_of(9, &told), None);
    }
}
