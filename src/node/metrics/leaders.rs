//! How often groups got another leader, as this node saw it.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use raft_store::{GroupId, NodeId};

use super::Exposition;

/// The leadership last seen of each group, and how many came after the first.
#[derive(Debug, Default)]
pub(in crate::node) struct Leaders(Mutex<BTreeMap<GroupId, Seen>>);

#[derive(Debug, Default)]
struct Seen {
    last: Option<(u64, NodeId)>,
    changes: u64,
}

impl Leaders {
    /// Notes who leads a group, and in which term. The same node in a later term is another leadership.
    pub(in crate::node) fn see(&self, group: GroupId, leadership: (u64, NodeId)) {
        let mut all = self.0.lock();
        let seen = all.entry(group).or_default();
        let changed = seen.last.is_some_and(|last| last != leadership);
        seen.changes += u64::from(changed);
        seen.last = Some(leadership);
    }

    /// The counters as text.
    pub(super) fn metrics(&self, text: &mut Exposition) {
        let all = self.0.lock();
        let changes = all.iter().map(|(group, seen)| (*group, seen.changes));
        let help = "Changes of leadership this node saw.";
        text.each("quorate_group_leader_changes_total", "counter", help, "group", changes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_leader_is_no_change_and_a_new_term_is_one() {
        let leaders = Leaders::default();
        for leadership in [(1, 2), (1, 2), (3, 2), (4, 1)] {
            leaders.see(7, leadership);
        }
        leaders.see(8, (1, 1));
        let mut text = Exposition::default();
        leaders.metrics(&mut text);
        assert!(text.0.contains("changes_total{group=\"7\"} 2\n"), "{}", text.0);
        assert!(text.0.contains("changes_total{group=\"8\"} 0\n"), "{}", text.0);
    }
}
