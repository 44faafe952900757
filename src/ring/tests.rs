//! Movement, balance and stability of the ring.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, btree_set};
use proptest::prelude::*;

use super::*;

fn equal(groups: impl IntoIterator<Item = GroupId>, virtual_nodes: u32) -> SlotTable {
    Ring::new(groups.into_iter().map(|group| (group, 1)), virtual_nodes).table()
}

fn owners(table: &SlotTable) -> Vec<GroupId> {
    (0..SLOTS).map(|slot| table.group_of(slot).unwrap()).collect()
}

/// Each group's share of the slots, as a multiple of what its weight deserves.
fn shares(weights: &BTreeMap<GroupId, u32>, virtual_nodes: u32) -> Vec<f64> {
    let table = Ring::new(weights.clone(), virtual_nodes).table();
    let unit = f64::from(SLOTS) / f64::from(weights.values().sum::<u32>());
    let share = |(&group, &weight)| table.slots_of(group).len() as f64 / (unit * f64::from(weight));
    weights.iter().map(share).collect()
}

#[test]
fn the_hash_is_splitmix64() {
    // The first outputs of Vigna's splitmix64.c for these seeds.
    assert_eq!(splitmix64(0), 0xE220_A839_7B1D_CDAF);
    assert_eq!(splitmix64(1_234_567), 6_457_827_717_110_365_317);
}

#[test]
fn a_table_never_changes() {
    let range = |first, last, group| SlotRange { first, last, group };
    let expected = [range(0, 5099, 3), range(5100, 12555, 1), range(12556, 14828, 2), range(14829, 16383, 3)];
    assert_eq!(equal(1..=3, 1).ranges(), expected);
    let table = equal(1..=3, VIRTUAL_NODES_DEFAULT);
    let slots = [1, 2, 3].map(|group| table.slots_of(group).len());
    assert_eq!((slots, table.ranges().len()), ([5176, 5504, 5704], 199));
}

#[test]
fn balance_stays_within_its_bounds() {
    // Smallest and largest share of any group among 2 to 64, as multiples of the fair share: as measured, with a
    // little room. One virtual node is for showing why there should be more.
    for (virtual_nodes, least, most) in [(1, 0.002, 4.5), (10, 0.36, 2.4), (100, 0.69, 1.33)] {
        for groups in 2..=64 {
            let weights = (1..=groups).map(|group| (group, 1)).collect();
            for share in shares(&weights, virtual_nodes) {
                assert!((least..=most).contains(&share), "{virtual_nodes} {groups} {share}");
            }
        }
    }
}

#[test]
fn every_one_of_1024_groups_owns_a_slot() {
    let table = equal(1..=1024, VIRTUAL_NODES_DEFAULT);
    let least = (1..=1024).map(|group| table.slots_of(group).len()).min();
    assert_eq!(least, Some(7));
}

#[test]
fn a_ring_without_points_owns_nothing() {
    for table in [equal([], 100), Ring::new([(1, 0)], 100).table()] {
        assert_eq!(table, SlotTable::default());
        assert_eq!((table.group_of(0), table.slots_of(1).len()), (None, 0));
    }
    assert_eq!(equal([7], 1).ranges(), [SlotRange { first: 0, last: SLOTS - 1, group: 7 }]);
    assert_eq!(equal([7], 1).group_of(SLOTS), None);
}

#[test]
fn ranges_with_gap_overlap_or_end_are_refused() {
    let range = |first, last| SlotRange { first, last, group: 1 };
    let bad = [
        vec![range(1, 16383)],
        vec![range(0, 5), range(7, 16383)],
        vec![range(0, 5), range(5, 16383)],
        vec![range(0, 5), range(6, 5)],
        vec![range(0, 16382)],
        vec![range(0, 16384)],
        vec![range(0, 65535)],
    ];
    for ranges in bad {
        assert!(SlotTable::from_ranges(ranges.clone()).is_err(), "{ranges:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_slot_has_an_owner_and_ranges_say_the_same(
        groups in btree_set(1..5000u32, 1..100), virtual_nodes in 1..200u32,
    ) {
        let table = equal(groups.clone(), virtual_nodes);
        let mut own: BTreeMap<GroupId, Vec<Slot>> = BTreeMap::new();
        for (slot, owner) in (0..).zip(owners(&table)) {
            prop_assert!(groups.contains(&owner));
            own.entry(owner).or_default().push(slot);
        }
        for group in groups {
            prop_assert_eq!(table.slots_of(group), own.remove(&group).into_iter().flatten().collect());
        }
        prop_assert_eq!(SlotTable::from_ranges(table.ranges().iter().copied()), Ok(table.clone()));
        let json = serde_json::to_string(&table).unwrap();
        prop_assert_eq!(serde_json::from_str::<SlotTable>(&json).unwrap(), table);
    }

    /// Read the other way, the same shows that removing a group moves its slots only.
    #[test]
    fn adding_a_group_moves_slots_to_it_only(
        weights in btree_map(1..5000u32, 1..5u32, 1..64), new in 5000..6000u32, virtual_nodes in 1..200u32,
    ) {
        let before = Ring::new(weights.clone(), virtual_nodes).table();
        let after = Ring::new(weights.into_iter().chain([(new, 1)]), virtual_nodes).table();
        for (old, now) in owners(&before).into_iter().zip(owners(&after)) {
            prop_assert!(now == old || now == new);
        }
    }

    #[test]
    fn about_one_nth_moves(groups in btree_set(1..5000u32, 1..64), new in 5000..6000u32) {
        let fair = f64::from(SLOTS) / (groups.len() + 1) as f64;
        let moved = equal(groups.into_iter().chain([new]), 100).slots_of(new).len() as f64;
        prop_assert!((0.5..1.6).contains(&(moved / fair)), "{}", moved / fair);
    }

    #[test]
    fn weights_are_respected(weights in btree_map(1..5000u32, 1..5u32, 2..32)) {
        for share in shares(&weights, 100) {
            prop_assert!((0.5..1.6).contains(&share), "{share}");
        }
    }
}
