//! Members change by joint consensus: any majority under one configuration meets any majority under the next (Ongaro and
//! Ousterhout 2014, section 6).
//!
//! Looked at where it is decided: at leaders, of which each change is seen, since it must reach a disk before the next.

use std::collections::{BTreeMap, BTreeSet};

use super::{Broken, Invariant, Leadership, Members, Replica};

/// Most voters there are in a simulation, old and new together.
const VOTERS_MAX: usize = 16;

#[derive(Default)]
pub(super) struct JointMembers {
    /// What each leader last made of its group's members.
    last: BTreeMap<(u32, Leadership), Members>,
}

impl Invariant for JointMembers {
    fn name(&self) -> &'static str {
        "joint-members"
    }

    fn see(&mut self, replica: &Replica) -> Broken {
        if !replica.leads {
            return Ok(());
        }
        let now = &replica.members;
        let Some(before) = self.last.insert((replica.group, replica.vote.0), now.clone()) else {
            return Ok(());
        };
        if before == *now || always_meet(&before.voters, &now.voters) {
            return Ok(());
        }
        Err(format!("majorities of {:?} and of {:?} need not meet", before.voters, now.voters))
    }
}

/// Whether every quorum of `old` has a node in common with every quorum of `new`.
fn always_meet(old: &[BTreeSet<u64>], new: &[BTreeSet<u64>]) -> bool {
    let all: Vec<u64> =
        old.iter().chain(new).flatten().copied().collect::<BTreeSet<_>>().into_iter().collect();
    assert!(all.len() <= VOTERS_MAX, "simulated clusters are small");
    // Two quorums without a common node exist just if one does whose complement is another.
    !(0..1_u32 << all.len()).any(|chosen| {
        let part = |inside: bool| {
            let places =
                all.iter().enumerate().filter(move |(place, _)| (chosen >> place & 1 == 1) == inside);
            places.map(|(_, node)| *node).collect::<BTreeSet<u64>>()
        };
        is_quorum(old, &part(true)) && is_quorum(new, &part(false))
    })
}

fn is_quorum(config: &[BTreeSet<u64>], nodes: &BTreeSet<u64>) -> bool {
    config.iter().all(|voters| voters.intersection(nodes).count() * 2 > voters.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quorums_of_one_change_meet_and_of_two_at_once_do_not() {
        let set = |nodes: &[u64]| nodes.iter().copied().collect::<BTreeSet<u64>>();
        let (old, one_more, other) = (set(&[1, 2, 3]), set(&[1, 2, 3, 4]), set(&[3, 4, 5]));
        let meet = |old: &[&BTreeSet<u64>], new: &[&BTreeSet<u64>]| {
            let owned = |config: &[&BTreeSet<u64>]| config.iter().map(|&set| set.clone()).collect::<Vec<_>>();
            always_meet(&owned(old), &owned(new))
        };
        assert!(meet(&[&old], &[&old]) && meet(&[&old], &[&one_more]));
        assert!(!meet(&[&old], &[&other]));
        assert!(meet(&[&old], &[&old, &other]) && meet(&[&old, &other], &[&other]));
    }
}
