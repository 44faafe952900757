//! Walks see what stays exactly once, whatever happens between two pages, and no page grows past its bounds.

use std::collections::BTreeSet;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::command::arbitrary::{cases, commands, keys, packed};
use crate::command::{AssignSlots, Command, Condition, Content, Expiry, Set};
use crate::map::{Lookup, SlotSet};

const ALL: SlotSpan = (0, SLOTS - 1);

fn walk(from: Position, limit: usize) -> Walk {
    Walk { namespace: 0, slots: vec![ALL], from, prefix: Vec::new(), limit, bytes: usize::MAX, values: true }
}

fn set(namespace: NamespaceId, name: &str, value: Bytes, expiry: Expiry) -> Command {
    let key = Key::new(namespace, name.as_bytes()).unwrap();
    Command::Set(Set { key, value, content: Content::Octets, expiry, condition: Condition::None })
}

fn filled(time_ms: u64, commands: &[Command]) -> TtlMap {
    let mut map = TtlMap::owning_all();
    map.apply(&packed(time_ms, 0, commands)).unwrap();
    map
}

/// Every page of a walk, and how many there were.
fn whole(map: &TtlMap, mut walk: Walk) -> (Vec<Key>, usize) {
    let (mut seen, mut pages) = (Vec::new(), 0);
    loop {
        let page = map.scan(&walk).unwrap();
        seen.extend(page.found.into_iter().map(|(key, _)| key));
        pages += 1;
        match page.next {
            Some(next) => walk.from = next,
            None => return (seen, pages),
        }
    }
}

fn live(map: &TtlMap) -> BTreeSet<Key> {
    let all = keys().into_iter().filter(|key| key.namespace() == 0);
    all.filter(|key| matches!(map.get(key), Lookup::Hit(_))).collect()
}

/// Commands that leave the group its slots.
fn changes() -> impl Strategy<Value = Vec<Command>> {
    commands().prop_map(|mut commands| {
        commands.retain(|command| !matches!(command, Command::AssignSlots(_)));
        commands
    })
}

/// What happens before a page, and how many keys the page is to have.
fn turns() -> impl Strategy<Value = Vec<(u64, Vec<Command>, usize)>> {
    prop::collection::vec((0..40u64, changes(), 1..4usize), 1..40)
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn what_stays_is_seen_once_and_what_never_was_is_not(before in changes(), turns in turns()) {
        let mut map = filled(1_000, &[before, all_of_them()].concat());
        let (mut stayed, mut ever) = (live(&map), live(&map));
        let (mut from, mut seen) = (Some(Position::default()), Vec::new());
        for (by, commands, limit) in turns {
            let Some(position) = from else { break };
            map.apply(&packed(map.time_ms() + by, 0, &commands)).unwrap();
            let now = live(&map);
            stayed.retain(|key| now.contains(key));
            ever.extend(now.iter().cloned());
            let page = map.scan(&walk(position, limit)).unwrap();
            for (key, entry) in &page.found {
                let entry = entry.clone().map(Lookup::Hit);
                prop_assert_eq!(entry, Some(map.get(key)), "a page is of its moment");
            }
            prop_assert!(page.next.is_none_or(|next| next > position));
            seen.extend(page.found.into_iter().map(|(key, _)| key));
            from = page.next;
        }
        let once: BTreeSet<Key> = seen.iter().cloned().collect();
        prop_assert_eq!(once.len(), seen.len(), "a key was seen twice");
        prop_assert!(once.is_subset(&ever));
        let passed = |key: &&Key| from.is_none_or(|from| Position::of(key) < from);
        let missed: Vec<_> = stayed.iter().filter(passed).filter(|key| !once.contains(key)).collect();
        prop_assert!(missed.is_empty(), "never shown: {:?}", missed);
    }

    #[test]
    fn a_walk_of_any_pages_is_the_whole_map_in_order(changes in changes(), limit in 1..9usize) {
        let map = filled(1_000, &[all_of_them(), changes].concat());
        let (seen, _) = whole(&map, walk(Position::default(), limit));
        prop_assert!(seen.is_sorted_by_key(Position::of));
        prop_assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), live(&map));
    }

    #[test]
    fn a_position_survives_its_number(slot in 0..SLOTS, hash: u32, any: u64) {
        let position = Position::within(slot, hash);
        prop_assert_eq!(Position::from_number(position.to_number()), Some(position));
        let read = Position::from_number(any).map(Position::to_number);
        prop_assert_eq!(read, Some(any).filter(|any| any >> 32 < u64::from(SLOTS)));
    }
}

/// A write of every key the random commands use.
fn all_of_them() -> Vec<Command> {
    let write = |key: Key| {
        let (value, content) = (Bytes::from_static(b"v"), Content::Octets);
        Command::Set(Set { key, value, content, expiry: Expiry::Never, condition: Condition::None })
    };
    keys().into_iter().map(write).collect()
}

#[test]
fn a_page_has_as_many_keys_as_asked_for_but_for_a_shared_position() {
    let map = filled(0, &all_of_them());
    let mut walk = walk(Position::default(), 1);
    while let Some(page) = map.scan(&walk) {
        let positions: BTreeSet<Position> = page.found.iter().map(|(key, _)| Position::of(key)).collect();
        assert_eq!(positions.len(), 1, "one key was asked for: {page:?}");
        let Some(next) = page.next else { break };
        walk.from = next;
    }
}

#[test]
fn prefix_namespace_and_slots_limit_what_is_shown() {
    let forever = |namespace, name| set(namespace, name, Bytes::from_static(b"v"), Expiry::Never);
    let map = filled(0, &[forever(0, "ab"), forever(0, "abc"), forever(0, "b"), forever(7, "abd")]);
    let names = |walk: Walk| -> Vec<String> {
        let mut names: Vec<_> = whole(&map, walk).0;
        names.sort();
        names.iter().map(|key| String::from_utf8(key.user_key().to_vec()).unwrap()).collect()
    };
    let all = walk(Position::default(), 9);
    assert_eq!(names(Walk { prefix: b"ab".into(), ..all.clone() }), ["ab", "abc"]);
    assert_eq!(names(Walk { namespace: 7, ..all.clone() }), ["abd"]);
    let slot = Key::new(0, b"abc").unwrap().slot();
    assert_eq!(names(Walk { slots: vec![(slot, slot)], ..all.clone() }), ["abc"]);
    let keys_only = map.scan(&Walk { values: false, ..all }).unwrap();
    assert!(keys_only.found.iter().all(|(_, entry)| entry.is_none()));
    let counts = [0, 7, 8].map(|namespace| map.count(namespace, &[ALL]).unwrap());
    assert_eq!(counts, [3, 1, 0]);
    assert_eq!(map.count(0, &[(slot, slot)]), Some(1));
}

#[test]
fn expired_keys_are_not_shown_and_the_earliest_deadline_is_told() {
    let with = |name, ms| set(0, name, Bytes::from_static(b"v"), Expiry::AfterMs(ms));
    let mut map = filled(100, &[with("a", 10), with("b", 20), with("c", 30)]);
    assert_eq!(map.scan(&walk(Position::default(), 9)).unwrap().deadline, Some(110));
    map.apply(&packed(110, 0, &[])).unwrap();
    let page = map.scan(&walk(Position::default(), 9)).unwrap();
    assert_eq!((page.found.len(), page.deadline), (2, Some(120)));
}

#[test]
fn a_group_shows_only_slots_it_owns() {
    let mut map = filled(0, &all_of_them());
    let slots: SlotSet = (0..100).collect();
    map.apply(&packed(0, 0, &[Command::AssignSlots(AssignSlots { epoch: 1, slots })])).unwrap();
    let of = |slots| Walk { slots, ..walk(Position::default(), 9) };
    assert!(map.scan(&of(vec![(0, 49), (60, 99)])).is_some());
    for foreign in [vec![(0, 100)], vec![(0, 49), (16_000, SLOTS - 1)], vec![(99, SLOTS)]] {
        assert_eq!(map.scan(&of(foreign.clone())), None);
        assert_eq!(map.count(0, &foreign), None);
    }
}

#[test]
fn a_page_looks_at_no_more_entries_than_its_bound() {
    let other = |number: usize| set(7, &number.to_string(), Bytes::new(), Expiry::Never);
    let many: Vec<Command> = (0..2 * SCAN_VISITED_MAX + 5).map(other).collect();
    let map = filled(0, &many);
    let (seen, pages) = whole(&map, walk(Position::default(), 9));
    assert_eq!((seen.len(), pages), (0, 3));
}

#[test]
fn a_page_of_large_values_is_bounded_and_a_shared_position_brings_no_more() {
    let large = Bytes::from(vec![0; SCAN_BYTES_MAX * 2 / 3]);
    let numbered = |n: usize| set(0, &format!("{{t}}{n}"), large.clone(), Expiry::Never);
    let map = filled(0, &(0..40).map(numbered).collect::<Vec<_>>());
    let mut walk = walk(Position::default(), 100);
    let mut seen = 0;
    loop {
        let page = map.scan(&walk).unwrap();
        let positions: BTreeSet<Position> = page.found.iter().map(|(key, _)| Position::of(key)).collect();
        let values = page.found.iter().filter(|(_, entry)| entry.is_some()).count();
        assert_eq!((positions.len(), values), (1, 1), "one value fills more than half a page");
        seen += page.found.len();
        let Some(next) = page.next else { break };
        walk.from = next;
    }
    assert_eq!(seen, 40);
}
