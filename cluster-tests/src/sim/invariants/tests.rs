//! Each invariant is shown what breaks it.

use super::*;

fn by(term: u64, node: u64) -> Leadership {
    Leadership { term, node }
}

fn id(term: u64, node: u64, index: u64) -> Id {
    Id { by: by(term, node), index }
}

fn slots(slots: &[u16]) -> SlotSet {
    let mut set = SlotSet::none();
    slots.iter().for_each(|&slot| set.insert(slot));
    set
}

/// A follower on node 1 with three entries of node 2's leadership, all applied.
fn replica() -> Replica {
    Replica {
        node: 1,
        process: 1,
        closings: 0,
        group: 1,
        vote: (by(1, 2), true),
        log_failed: false,
        stored_vote: Some((by(1, 2), true)),
        leads: false,
        purged: None,
        last: Some(id(1, 2, 3)),
        new_entries: vec![id(1, 2, 1), id(1, 2, 2), id(1, 2, 3)],
        before_new: None,
        committed: Some(id(1, 2, 3)),
        applied: Some(id(1, 2, 3)),
        snapshot: None,
        members: Members { at: Some(id(1, 2, 1)), voters: vec![[1, 2, 3].into()] },
        time_ms: 1000,
        version: 5,
        digest: Some(7),
        slots: slots(&[1, 2]),
    }
}

/// A leader in the same place.
fn leader() -> Replica {
    let vote = (by(1, 1), true);
    Replica { leads: true, vote, stored_vote: Some(vote), ..replica() }
}

/// The name of the invariant that the last of these breaks; `None`: none does.
fn broken(seen: &[Replica]) -> Option<&'static str> {
    let mut invariants = Invariants::default();
    let (last, before) = seen.split_last().expect("something is seen");
    before.iter().for_each(|replica| invariants.see(replica).expect("nothing is wrong yet"));
    invariants.see(last).err().map(|(name, _)| name)
}

#[test]
fn what_is_right_breaks_nothing() {
    let other = Replica { node: 3, ..replica() };
    let later = Replica {
        last: Some(id(1, 2, 4)),
        new_entries: vec![id(1, 2, 4)],
        before_new: Some(id(1, 2, 3)),
        ..replica()
    };
    assert_eq!(broken(&[replica(), other, later]), None);
}

#[test]
fn two_leaders_of_one_vote() {
    let again = Replica { process: 2, ..leader() };
    assert_eq!(broken(&[leader(), again]), Some("election-safety"));
    assert_eq!(broken(&[Replica { vote: (by(1, 2), true), ..leader() }]), Some("election-safety"));
    assert_eq!(broken(&[Replica { vote: (by(1, 1), false), ..leader() }]), Some("election-safety"));
}

#[test]
fn a_leader_that_deletes_or_overwrites() {
    let shorter = Replica { last: Some(id(1, 2, 2)), new_entries: vec![], ..leader() };
    assert_eq!(broken(&[leader(), shorter.clone()]), Some("leader-append-only"));
    let deposed = Replica { stored_vote: Some((by(2, 3), false)), ..shorter };
    assert_eq!(broken(&[leader(), deposed]), None);
    let other = Replica { new_entries: vec![id(1, 1, 3)], ..leader() };
    assert_eq!(broken(&[leader(), other]), Some("leader-append-only"));
}

#[test]
fn logs_that_part_and_meet_again() {
    let other =
        Replica { node: 3, new_entries: vec![id(0, 3, 2), id(1, 2, 3)], committed: None, ..replica() };
    assert_eq!(broken(&[replica(), other]), Some("log-matching"));
    let gap = Replica { new_entries: vec![id(1, 2, 1), id(1, 2, 3)], ..replica() };
    assert_eq!(broken(&[gap]), Some("log-matching"));
}

#[test]
fn a_leader_that_lacks_what_is_committed() {
    let next = Replica {
        node: 3,
        leads: true,
        vote: (by(2, 3), true),
        last: Some(id(1, 2, 2)),
        new_entries: vec![],
        committed: None,
        applied: None,
        ..replica()
    };
    assert_eq!(broken(&[replica(), next]), Some("leader-completeness"));
}

#[test]
fn two_entries_chosen_at_one_index() {
    let other = Replica { node: 3, applied: Some(id(1, 3, 3)), new_entries: vec![], ..replica() };
    assert_eq!(broken(&[replica(), other]), Some("state-machine-safety"));
    let back = Replica { applied: Some(id(1, 2, 2)), new_entries: vec![], ..replica() };
    assert_eq!(broken(&[replica(), back.clone()]), Some("state-machine-safety"));
    assert_eq!(broken(&[replica(), Replica { closings: 1, ..back }]), None, "it left and was taken in again");
}

#[test]
fn states_that_differ() {
    assert_eq!(broken(&[replica(), Replica { node: 3, digest: Some(8), ..replica() }]), Some("same-state"));
}

#[test]
fn a_vote_that_was_on_disk_and_is_gone() {
    let vote = |stored_vote, used| Replica { stored_vote, vote: used, process: 2, ..replica() };
    let (old, new) = ((by(1, 2), true), (by(2, 3), false));
    let newer = Replica { process: 1, ..vote(Some(new), new) };
    assert_eq!(broken(&[newer.clone(), vote(Some(old), new)]), Some("votes-kept"));
    assert_eq!(broken(&[newer.clone(), vote(Some(new), old)]), Some("votes-kept"));
    assert_eq!(broken(&[newer.clone(), vote(None, new)]), Some("votes-kept"));
    assert_eq!(broken(&[replica(), newer.clone()]), None);
    let lags = Replica { process: 1, ..vote(Some(new), old) };
    assert_eq!(broken(&[newer.clone(), lags]), None);
    assert_eq!(broken(&[newer, Replica { log_failed: true, ..vote(None, new) }]), None);
}

#[test]
fn time_or_versions_that_differ_or_go_back() {
    let entry = |index, time_ms, version| Replica {
        node: index,
        applied: Some(id(1, 2, index)),
        time_ms,
        version,
        digest: None,
        ..replica()
    };
    assert_eq!(broken(&[entry(3, 1000, 5), entry(4, 999, 5)]), Some("time-and-versions"));
    assert_eq!(broken(&[entry(4, 1000, 5), entry(3, 1000, 6)]), Some("time-and-versions"));
    let same = Replica { node: 2, ..entry(3, 1001, 5) };
    assert_eq!(broken(&[entry(3, 1000, 5), same]), Some("time-and-versions"));
}

#[test]
fn a_purge_beyond_the_snapshot() {
    let purged = |snapshot| Replica { purged: Some(id(1, 2, 2)), snapshot, ..replica() };
    assert_eq!(broken(&[purged(None)]), Some("snapshot-covers-purge"));
    assert_eq!(broken(&[purged(Some(id(1, 2, 1)))]), Some("snapshot-covers-purge"));
    assert_eq!(broken(&[purged(Some(id(1, 2, 2)))]), None);
}

#[test]
fn members_changed_without_a_joint_step() {
    let members = Members { at: Some(id(1, 1, 3)), voters: vec![[3, 4, 5].into()] };
    let change = Replica { members, new_entries: Vec::new(), ..leader() };
    assert_eq!(broken(&[leader(), change]), Some("joint-members"));
}

#[test]
fn a_slot_with_two_owners() {
    let other = Replica { group: 2, slots: slots(&[2, 3]), ..replica() };
    assert_eq!(broken(&[replica(), other]), Some("slot-owner"));
}

#[test]
fn a_joint_step_that_one_log_has_and_another_has_not() {
    let at = Some(id(1, 2, 3));
    let joint = Members { at, voters: vec![[1, 2, 3].into(), [1, 2].into()] };
    let one = Replica { node: 2, members: joint, ..replica() };
    let other = Replica { members: Members { at, voters: vec![[1, 2].into()] }, ..replica() };
    assert_eq!(broken(&[one, other]), Some("same-members"));
}
