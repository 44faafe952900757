//! What is seen and kept in memory, without a disk.

use super::*;
use crate::wal::record::Position;

fn entries(indexes: std::ops::Range<u64>) -> Vec<Entry> {
    let id = |index| EntryId { term: 1, node: 1, index };
    indexes.map(|index| Entry { id: id(index), kind: 0, payload: vec![7; 10].into() }).collect()
}

fn cached(view: &View) -> Vec<u64> {
    view.groups[&1].cached(0, 99).map(|cached| cached.entry.id.index).collect()
}

/// The same entries on disk.
fn on_disk(indexes: std::ops::Range<u64>) -> Entries {
    let mut on_disk = Entries::default();
    for Entry { id, payload, .. } in entries(indexes) {
        let at = Position { segment: 1, offset: 100 * id.index, len: 38 + payload.len() as u32 };
        on_disk.insert(id, at);
    }
    on_disk
}

#[test]
fn a_hole_is_refused_and_changes_nothing() {
    let mut view = View::default();
    view.append(1, &entries(5..7), 1).unwrap();
    assert!(view.append(1, &entries(8..9), 2).is_err());
    assert!(view.append(1, &entries(6..8), 2).is_err());
    assert_eq!(cached(&view), [5, 6]);
    view.purge(1, EntryId { term: 1, node: 1, index: 20 }, None);
    assert!(view.append(1, &entries(22..23), 3).is_err());
    view.append(1, &entries(21..22), 4).unwrap();
}

#[test]
fn only_durable_payloads_are_evicted_oldest_first() {
    let mut view = View::default();
    view.append(1, &entries(0..4), 1).unwrap();
    view.append(1, &entries(4..8), 2).unwrap();
    view.evict(0, 1);
    assert_eq!((cached(&view), view.cached_bytes()), (vec![4, 5, 6, 7], 40));
    view.evict(25, 2);
    assert_eq!((cached(&view), view.cached_bytes()), (vec![6, 7], 20));
    assert_eq!(view.groups[&1].stored(3, 99), 3..6);
}

#[test]
fn the_eviction_queue_does_not_grow_behind_an_old_payload() {
    let mut view = View::default();
    view.append(2, &entries(0..1), 1).unwrap();
    for round in 0..1000 {
        view.append(1, &entries(round..round + 1), round + 2).unwrap();
        view.purge(1, EntryId { term: 1, node: 1, index: round }, None);
        view.evict(1 << 20, round + 2);
    }
    assert!(view.eviction.len() <= 2 + EVICTION_SLACK + 1, "{}", view.eviction.len());
    assert_eq!(view.cached_bytes(), 10);
}

#[test]
fn a_truncated_payload_is_not_mistaken_for_its_successor() {
    let mut view = View::default();
    view.append(1, &entries(0..2), 1).unwrap();
    view.truncate(1, 1, None);
    view.append(1, &entries(1..2), 2).unwrap();
    view.evict(0, 1);
    assert_eq!((view.groups[&1].stored(0, 9), cached(&view)), (0..1, vec![1]));
}

/// Every change at the border between what is in memory and what is not.
#[test]
fn numbers_stay_right_across_what_is_in_memory_and_what_is_not() {
    let stored = on_disk(0..6);
    for at in 0..12 {
        let mut view = View::default();
        view.append(1, &entries(0..6), 1).unwrap();
        view.append(1, &entries(6..10), 2).unwrap();
        view.evict(40, 1);
        assert_eq!((view.groups[&1].stored(0, 99), cached(&view)), (0..6, vec![6, 7, 8, 9]));
        view.purge(1, EntryId { term: 1, node: 1, index: at.min(4) }, Some(&stored));
        view.truncate(1, at, Some(&stored));
        let (first, last) = (at.min(4) + 1, at.min(10) - u64::from(at > 0));
        let left = at.min(10).saturating_sub(first);
        let stats = view.groups[&1].stats();
        assert_eq!((stats.entries, stats.bytes), (left, 48 * left), "{at}");
        assert_eq!(stats.first_index.zip(stats.last_index), (left > 0).then_some((first, last)), "{at}");
        let wanted = if left > 0 { last } else { at.min(4) };
        assert_eq!(view.groups[&1].last(Some(&stored)).map(|id| id.index), Some(wanted), "{at}");
    }
}

#[test]
fn the_eviction_queue_does_not_grow_by_what_is_truncated() {
    let mut view = View::default();
    view.append(1, &entries(0..1), 1).unwrap();
    for round in 2..1000 {
        view.append(1, &entries(1..2), round).unwrap();
        view.truncate(1, 1, None);
        view.evict(1 << 20, round);
    }
    assert!(view.eviction.len() <= 2 + EVICTION_SLACK + 1, "{}", view.eviction.len());
}
