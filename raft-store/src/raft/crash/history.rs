//! What a group has agreed on, entry by entry, and the state after each: what every replica must come to.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use openraft::storage::{RaftSnapshotBuilder as _, RaftStateMachine as _};
use openraft::vote::RaftLeaderId as _;
use parking_lot::Mutex;

use crate::GroupId;
use crate::command::{AssignSlots, Command, Condition, Content, Delete, Expiry, Incr, Packer, Set};
use crate::key::Key;
use crate::map::{Lookup, SlotSet, TtlMap};
use crate::power::Chance;
use crate::raft::{
    ApplyObserver, GroupSnapshot, GroupStateMachine, LeaderId, LogId, Membership, Payload, RaftEntry,
    StoredMembership,
};
use crate::snapshot_store::faulty::FaultySnapshots;

/// Entries of a group's whole history.
pub(super) const ENTRIES: u64 = 40;
/// How many entries one leader makes, about.
const ENTRIES_OF_A_LEADER: u64 = 8;
const KEYS: u64 = 6;
/// A few of these fill a segment.
const VALUE_BYTES_MAX: u64 = 120;

/// The entries a group commits, with the state after each.
pub(super) struct History {
    pub(super) group: GroupId,
    entries: Vec<RaftEntry>,
    states: Vec<State>,
    /// Another replica's snapshots, made when first asked for.
    snapshots: Mutex<BTreeMap<u64, GroupSnapshot>>,
}

impl History {
    pub(super) fn new(group: GroupId, chance: &mut Chance) -> Arc<Self> {
        let (mut term, mut entries) = (2, Vec::new());
        for index in 0..ENTRIES {
            term += 2 * u64::from(chance.below(ENTRIES_OF_A_LEADER) == 0);
            let log_id = LogId { leader_id: LeaderId::new(term, 1), index };
            entries.push(RaftEntry { log_id, payload: payload(index, chance) });
        }
        let states = states(group, &entries);
        Arc::new(Self { group, entries, states, snapshots: Mutex::default() })
    }

    /// The entry committed at `index`.
    pub(super) fn entry(&self, index: u64) -> &RaftEntry {
        &self.entries[index as usize]
    }

    /// The entries committed in `range`.
    pub(super) fn entries(&self, range: std::ops::Range<u64>) -> Vec<RaftEntry> {
        range.map(|index| self.entry(index).clone()).collect()
    }

    pub(super) fn id(&self, index: u64) -> LogId {
        self.entry(index).log_id
    }

    /// An entry at `index` of a leader that was elected after the one of the entry before `from`, and told nobody.
    pub(super) fn diverging(&self, from: u64, index: u64) -> RaftEntry {
        let term = from.checked_sub(1).map_or(2, |before| self.id(before).leader_id.term) + 1;
        let mut packer = Packer::new();
        packer.push(&set(0, Bytes::from_static(b"never committed"), Expiry::Never));
        let log_id = LogId { leader_id: LeaderId::new(term, 9), index };
        RaftEntry { log_id, payload: Payload::Normal(packer.finish(u64::MAX >> 1, index)) }
    }

    /// The snapshot another replica took behind entry `index`.
    pub(super) async fn snapshot(self: &Arc<Self>, index: u64) -> GroupSnapshot {
        let known = self.snapshots.lock().get(&index).cloned();
        if let Some(known) = known {
            return known;
        }
        let store = FaultySnapshots::default().open_store().unwrap();
        let mut peer = GroupStateMachine::new(self.group, store, self.clone());
        let entries = self.entries(0..index + 1).into_iter().map(|entry| Ok((entry, None)));
        peer.apply(futures_util::stream::iter(entries)).await.unwrap();
        let snapshot = peer.get_snapshot_builder().await.build_snapshot().await.unwrap();
        self.snapshots.lock().insert(index, snapshot.clone());
        snapshot
    }

    /// The members as of entry `last`.
    pub(super) fn members(&self, last: Option<LogId>) -> StoredMembership {
        let before = &self.entries[..last.map_or(0, |last| last.index as usize + 1)];
        let set = before.iter().rev().find_map(|entry| match &entry.payload {
            Payload::Membership(members) => Some(StoredMembership::new(Some(entry.log_id), members.clone())),
            _ => None,
        });
        set.unwrap_or_default()
    }

    /// Fails unless `map` is the state behind entry `last`, to the byte.
    pub(super) fn check(&self, last: &LogId, map: &TtlMap) {
        self.applied(last, map);
        let wanted = self.states[last.index as usize].digest;
        assert_eq!(map.digest(), wanted, "group {}: another state behind {last}", self.group);
    }
}

/// Whatever a state machine makes visible is compared at that moment.
impl ApplyObserver for History {
    fn applied(&self, last: &LogId, map: &TtlMap) {
        assert_eq!(*last, self.id(last.index), "group {}: applied what was not committed", self.group);
        let wanted = &self.states[last.index as usize].shown;
        assert_eq!(shown(map), *wanted, "group {}: another state behind {last}", self.group);
    }

    fn restored(&self, map: &TtlMap) {
        let shown = shown(map);
        let known = self.states.iter().any(|state| state.shown == shown);
        assert!(known, "group {}: a state that never was", self.group);
    }
}

/// The state behind an entry.
struct State {
    /// What is compared at every entry: a digest visits every slot there is.
    shown: Shown,
    digest: u64,
}

/// Group time, the last version, and every key.
type Shown = (u64, u64, Vec<Lookup>);

fn shown(map: &TtlMap) -> Shown {
    (map.time_ms(), map.version(), (0..2 * KEYS).map(|number| map.get(&key(number))).collect())
}

fn states(group: GroupId, entries: &[RaftEntry]) -> Vec<State> {
    let mut map = if group == 0 { TtlMap::owning_all() } else { TtlMap::new() };
    let after = |entry: &RaftEntry| {
        if let Payload::Normal(packed) = &entry.payload {
            map.apply(packed).unwrap();
        }
        State { shown: shown(&map), digest: map.digest() }
    };
    entries.iter().map(after).collect()
}

fn key(number: u64) -> Key {
    Key::new(0, format!("key {number}").as_bytes()).unwrap()
}

fn set(number: u64, value: Bytes, expiry: Expiry) -> Command {
    let (key, content, condition) = (key(number), Content::Octets, Condition::None);
    Command::Set(Set { key, value, content, expiry, condition })
}

/// The second entry makes all slots the group's own; without it the others change nothing.
fn payload(index: u64, chance: &mut Chance) -> Payload {
    let mut packer = Packer::new();
    match (index, chance.below(8)) {
        (0, _) | (_, 0) if index != 1 => {
            return Payload::Membership(Membership::new_with_defaults(vec![[1, 2, 3].into()], [index + 10]));
        }
        (1, _) => packer.push(&Command::AssignSlots(AssignSlots { epoch: 1, slots: SlotSet::all() })),
        (_, 1) => return Payload::Blank,
        _ => (0..=chance.below(2)).for_each(|_| packer.push(&command(chance))),
    };
    // Not every entry moves time, and some let keys expire.
    Payload::Normal(packer.finish(index / 2 * 1000, index))
}

/// Counters above all, so that an entry applied twice, or not at all, shows.
fn command(chance: &mut Chance) -> Command {
    let number = chance.below(KEYS);
    match chance.below(6) {
        0 => Command::Delete(Delete { key: key(number), condition: Condition::None }),
        1 | 2 => {
            let value = vec![chance.below(256) as u8; chance.below(VALUE_BYTES_MAX) as usize];
            set(number, value.into(), Expiry::AfterMs(1000 + chance.below(9000)))
        }
        _ => {
            Command::Incr(Incr { key: key(KEYS + number), by: 1, init: Some(0), condition: Condition::None })
        }
    }
}
