//! Pages of several groups make one walk: in order, nothing twice, nothing left out.

use std::collections::BTreeMap;

use proptest::collection::btree_set;
use proptest::prelude::*;
use raft_store::command::{AssignSlots, Command, Condition, Content, Expiry, Packer, Set};
use raft_store::map::{SlotSet, TtlMap, Walk};

use super::*;
use crate::node::doc::{Founding, Member};

const GROUPS: u32 = 5;

fn document() -> ClusterDoc {
    let (resp, resp_cluster) = (None, None);
    let member =
        Member { http: "h".into(), peer: "p".into(), zone: String::new(), resp, resp_cluster, store: None };
    let founders = [(1, member)].into();
    let founding =
        Founding { cluster_id: "c".into(), coordinator: 1, founders, groups: GROUPS, replication: 1 };
    founding.document()
}

/// Each group's map with its slots and its part of the keys.
fn maps(doc: &ClusterDoc, keys: &[Key]) -> BTreeMap<GroupId, TtlMap> {
    let map = |group| {
        let of_group = |slot: &Slot| doc.group_of(*slot) == Some(group);
        let slots: SlotSet = (0..SLOTS).filter(of_group).collect();
        let mut packer = Packer::new();
        packer.push(&Command::AssignSlots(AssignSlots { epoch: 1, slots }));
        for key in keys.iter().filter(|key| of_group(&key.slot())) {
            let (content, expiry, condition) = (Content::Octets, Expiry::Never, Condition::None);
            let set = Set { key: key.clone(), value: "v".into(), content, expiry, condition };
            packer.push(&Command::Set(set));
        }
        let mut map = TtlMap::new();
        map.apply(&packer.finish(u64::from(group), 0)).unwrap();
        (group, map)
    };
    (1..=GROUPS).map(map).collect()
}

/// One page as a node puts it together, with each group's share of the limit.
fn page(
    doc: &ClusterDoc,
    maps: &BTreeMap<GroupId, TtlMap>,
    from: Position,
    (limit, groups_max): (usize, usize),
) -> (Vec<Row>, Option<Position>) {
    let parts = Parts::of(doc, Scope::All, &BTreeSet::new(), from.slot(), groups_max);
    assert!(parts.groups.len() <= groups_max);
    let share = limit.div_ceil(parts.groups.len().max(1));
    let of_group = |(group, slots): (&GroupId, &Vec<SlotSpan>)| {
        let slots = slots.clone();
        let walk =
            Walk { namespace: 0, slots, from, prefix: vec![], limit: share, bytes: 1 << 20, values: false };
        (maps[group].scan(&walk).expect("the table is up to date"), maps[group].time_ms())
    };
    merged(parts.groups.iter().map(of_group).collect(), parts.end, limit)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_walk_over_all_groups_sees_every_key_once(
        names in btree_set("(\\{t\\})?[a-z]{1,2}", 0..120),
        limit in 1..20usize,
        groups_max in 1..7usize,
    ) {
        let doc = document();
        let keys: Vec<Key> = names.iter().map(|name| Key::new(0, name.as_bytes()).unwrap()).collect();
        let maps = maps(&doc, &keys);
        let (mut from, mut seen) = (Some(Position::default()), Vec::new());
        while let Some(position) = from {
            let (rows, next) = page(&doc, &maps, position, (limit, groups_max));
            prop_assert!(rows.len() <= limit);
            prop_assert!(rows.iter().all(|(key, _, time_ms)| Some(*time_ms as GroupId) == doc.group_of(key.slot())));
            prop_assert!(next.is_none_or(|next| next > position), "the walk stands still");
            seen.extend(rows.into_iter().map(|(key, ..)| key));
            from = next;
        }
        prop_assert!(seen.is_sorted_by_key(Position::of));
        seen.sort();
        prop_assert_eq!(seen, keys);
    }
}

#[test]
fn a_scope_names_its_groups_and_no_other() {
    let doc = document();
    let led: BTreeSet<GroupId> = [2, 4].into();
    let of = |scope, from| Parts::of(&doc, scope, &led, from, usize::MAX).groups;
    assert_eq!(of(Scope::All, 0).len(), GROUPS as usize);
    assert_eq!(of(Scope::LedHere, 0).keys().copied().collect::<BTreeSet<_>>(), led);
    let group = doc.group_of(700).unwrap();
    assert_eq!(of(Scope::Slot(700), 0), [(group, vec![(700, 700)])].into());
    assert_eq!(of(Scope::Slot(700), 701), BTreeMap::new());
    let slots = |parts: &BTreeMap<GroupId, Vec<SlotSpan>>| -> usize {
        parts.values().flatten().map(|&(first, last)| usize::from(last - first) + 1).sum()
    };
    assert_eq!((slots(&of(Scope::All, 0)), slots(&of(Scope::All, 16_000))), (16_384, 384));
}
