//! A log without threads on a faulty disk, and the model it is compared with.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;

use crate::GroupId;
use crate::wal::background::Inline;
use crate::wal::error::WalError;
use crate::wal::memory::{Callback, Change, Memory, Operation};
use crate::wal::options::WalOptions;
use crate::wal::record::{Entry, EntryId};
use crate::wal::recover::recover;
use crate::wal::segment::Pool;
use crate::wal::supply::{SegmentSource, Supply};
use crate::wal::testing::{Chance, FaultyDisk};
use crate::wal::writer::Writer;

/// Small segments and a small cache: rotation, removal, moving and reads from disk all the time.
pub(super) const OPTIONS: WalOptions = WalOptions {
    segment_bytes: 2048,
    segments_max: 3,
    cache_bytes: 500,
    queue_bytes: 1 << 20,
    salt: 99,
    clock: || 0,
};

/// What one group should hold.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct ModelGroup {
    pub(super) vote: Option<Bytes>,
    pub(super) purged: Option<EntryId>,
    pub(super) entries: BTreeMap<u64, Entry>,
}

/// What a log should hold. Groups without anything are not listed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Model(pub(super) BTreeMap<GroupId, ModelGroup>);

impl Model {
    fn last(&self, group: GroupId) -> Option<u64> {
        let state = self.0.get(&group)?;
        state.entries.keys().next_back().copied().or(state.purged.map(|id| id.index))
    }

    pub(super) fn apply(&mut self, change: &Change) {
        match change {
            Change::Append { group, entries } => {
                let all = &mut self.0.entry(*group).or_default().entries;
                all.extend(entries.iter().map(|entry| (entry.id.index, entry.clone())));
            }
            Change::Vote { group, vote } => {
                self.0.entry(*group).or_default().vote = Some(vote.clone());
            }
            Change::Truncate { group, from } => {
                self.0.entry(*group).or_default().entries.split_off(from);
            }
            Change::Clear { group } => {
                let vote = self.0.remove(group).and_then(|state| state.vote);
                self.0.insert(*group, ModelGroup { vote, ..ModelGroup::default() });
            }
            Change::Purge { group, upto } => {
                let state = self.0.entry(*group).or_default();
                if state.purged.is_none_or(|purged| purged.index < upto.index) {
                    state.purged = Some(*upto);
                    state.entries = state.entries.split_off(&(upto.index + 1));
                }
            }
        }
        self.0.retain(|_, state| *state != ModelGroup::default());
    }

    /// A change that fits, of one of three groups; the third is slow to purge.
    pub(super) fn random_change(&self, chance: &mut Chance) -> Change {
        let group = chance.below(3) as GroupId;
        let last = self.last(group);
        match chance.below(10) {
            0..6 => {
                let next = last.map_or(0, |last| last + 1);
                let entries = (next..next + 1 + chance.below(3)).map(|index| random_entry(index, chance));
                Change::Append { group, entries: entries.collect() }
            }
            6 => Change::Vote { group, vote: chance.below(1 << 30).to_le_bytes().to_vec().into() },
            7 if chance.below(6) == 0 => Change::Clear { group },
            7 => Change::Truncate { group, from: self.first(group).max(back(last, chance.below(4))) },
            _ if group == 2 && chance.below(8) > 0 => self.random_change(chance),
            _ => Change::Purge { group, upto: id(back(last, chance.below(12)) + chance.below(3), 1) },
        }
    }

    fn first(&self, group: GroupId) -> u64 {
        self.0.get(&group).and_then(|state| state.purged).map_or(0, |id| id.index + 1)
    }
}

fn back(last: Option<u64>, steps: u64) -> u64 {
    last.unwrap_or(0).saturating_sub(steps)
}

/// An entry's id, of node 1.
pub(super) fn id(index: u64, term: u64) -> EntryId {
    EntryId { term, node: 1, index }
}

/// An entry of `len` bytes.
pub(super) fn entry(index: u64, len: usize) -> Entry {
    Entry { id: id(index, 1), kind: 1, payload: vec![index as u8; len].into() }
}

fn random_entry(index: u64, chance: &mut Chance) -> Entry {
    let bound = if chance.below(30) == 0 { 5000 } else { 150 };
    let len = chance.below(bound) as usize;
    let term = 1 + chance.below(1000);
    Entry { id: id(index, term), kind: 1, payload: vec![chance.below(256) as u8; len].into() }
}

/// A log without threads.
pub(super) struct Rig {
    pub(super) memory: Arc<Mutex<Memory>>,
    pub(super) writer: Writer,
    pub(super) supply: Arc<Supply>,
    told: Arc<AtomicUsize>,
}

impl Rig {
    /// Opens the log in `disk` as it stands.
    pub(super) fn open(disk: &FaultyDisk) -> Result<Self, WalError> {
        Self::open_with(disk, OPTIONS)
    }

    pub(super) fn open_with(disk: &FaultyDisk, options: WalOptions) -> Result<Self, WalError> {
        Self::open_behind(disk, options, |inline, _| Box::new(inline))
    }

    /// The same with its segments from `source`, which may change what is known meanwhile.
    pub(super) fn open_behind(
        disk: &FaultyDisk,
        options: WalOptions,
        source: impl FnOnce(Inline, Arc<Mutex<Memory>>) -> Box<dyn SegmentSource>,
    ) -> Result<Self, WalError> {
        let mut recovered = recover(disk, &options, &|_, _| ())?;
        let spares = std::mem::take(&mut recovered.spares);
        let pool = Pool::new(Arc::new(disk.clone()), recovered.home.salt, spares, &options);
        let supply = Arc::new(Supply::new(recovered.prepared.take()));
        let next = recovered.home.segment + 1;
        let memory = Arc::<Mutex<Memory>>::default();
        let inline = Inline::new(supply.clone(), pool, next, options.segment_bytes);
        let source = source(inline, memory.clone());
        let (writer, known) = Writer::new(recovered, source, options).map_err(WalError::io("the log"))?;
        *memory.lock() = known;
        Ok(Self { memory, writer, supply, told: Arc::default() })
    }

    /// Enqueues a change.
    pub(super) fn change(&self, change: Change) -> io::Result<()> {
        self.change_told(change, Arc::default())
    }

    /// Enqueues a change; `durable` says once it is.
    fn change_told(&self, change: Change, durable: Arc<AtomicBool>) -> io::Result<()> {
        let told = self.told.clone();
        let done = Box::new(move |result: io::Result<()>| {
            told.fetch_add(usize::from(result.is_ok()), Ordering::SeqCst);
            durable.store(result.is_ok(), Ordering::SeqCst);
        });
        let done = Callback::new(Some(done));
        let charged = change.cost();
        self.memory.lock().enqueue(Operation { change, done, charged, number: 0, enqueued_ns: 0 })
    }

    /// Enqueues an append.
    pub(super) fn append(&self, group: GroupId, entries: Vec<Entry>) {
        self.change(Change::Append { group, entries }).unwrap();
    }

    /// Flushes what waits; whether all of it was reported durable.
    pub(super) fn flush(&mut self) -> bool {
        let waiting = {
            let memory = self.memory.lock();
            memory.queue.len() + memory.waiting.len()
        };
        self.told.store(0, Ordering::SeqCst);
        self.writer.flush(&self.memory).complete();
        self.told.load(Ordering::SeqCst) == waiting && self.memory.lock().failure.is_none()
    }

    /// All entries a group holds.
    pub(super) fn read(&self, group: GroupId) -> io::Result<Vec<Entry>> {
        let found = self.memory.lock().find(group, 0, u64::MAX, u64::MAX)?;
        found.into_iter().map(|found| found.load()).collect()
    }

    /// Everything the log holds, as its readers see it.
    pub(super) fn state(&self) -> Model {
        let mut model = Model::default();
        for group in 0..3 {
            let entries = self.read(group).unwrap();
            let memory = self.memory.lock();
            let vote = memory.index.groups().get(&group).and_then(|state| state.vote.clone());
            let purged = memory.view.groups.get(&group).and_then(|view| view.purged);
            let entries = entries.into_iter().map(|entry| (entry.id.index, entry)).collect();
            model.0.insert(group, ModelGroup { vote, purged, entries });
        }
        model.0.retain(|_, state| *state != ModelGroup::default());
        model
    }

    /// Segments in use.
    pub(super) fn segments(&self) -> usize {
        self.memory.lock().files.len()
    }
}

/// A log and what it should hold: what was reported durable, and that plus what waits.
pub(super) struct Life {
    pub(super) rig: Rig,
    pub(super) durable: Model,
    pub(super) wanted: Model,
    /// What was asked for since all was durable, and whether it was reported durable.
    pub(super) pending: Vec<(Change, Arc<AtomicBool>)>,
}

impl Life {
    /// Opens `disk`, which must hold one of the `allowed` states.
    pub(super) fn begin(disk: &FaultyDisk, allowed: [&Model; 2]) -> Result<Self, WalError> {
        let rig = Rig::open(disk)?;
        let found = rig.state();
        assert!(allowed.contains(&&found), "found {found:#?}\ninstead of one of {allowed:#?}");
        Ok(Self { rig, durable: found.clone(), wanted: found, pending: Vec::new() })
    }

    /// Does random things, flushing and sealing now and then, until `steps` are done or the log fails. What readers
    /// see is compared after every step: entries at once, everything once it is durable.
    pub(super) fn live(&mut self, steps: u64, chance: &mut Chance) {
        for _ in 0..steps {
            let change = self.wanted.random_change(chance);
            self.wanted.apply(&change);
            let told = Arc::<AtomicBool>::default();
            self.pending.push((change.clone(), told.clone()));
            self.rig.change_told(change, told).unwrap();
            self.check_entries();
            if chance.below(3) == 0 && !self.flush(chance) {
                return;
            }
        }
    }

    /// False once the log has failed. A flush on a full disk need not be whole.
    fn flush(&mut self, chance: &mut Chance) -> bool {
        if self.rig.flush() {
            self.durable = self.wanted.clone();
            self.pending.clear();
            assert_eq!(self.rig.state(), self.durable);
            if chance.below(4) == 0 {
                self.rig.writer.seal(&self.rig.memory).complete();
            }
        }
        self.rig.memory.lock().failure.is_none()
    }

    fn check_entries(&self) {
        for (&group, wanted) in &self.wanted.0 {
            assert!(self.rig.read(group).unwrap().iter().eq(wanted.entries.values()));
        }
    }
}
