//! Which entries have a deadline, in the order in which they expire: by deadline, slot, hash (and then key,
//! which the slot's table knows).
//!
//! Exact: it holds one item for every stored entry with a deadline and nothing else, so it is a function of the
//! entries and need not be in a snapshot. Entries alike in all three have as many equal items, so counting
//! items counts entries.
//!
//! Items stand in sorted runs of bounded length. A run grows by small steps and shrinks again, so that room for
//! growth is a small part of it; deadlines that come in order, as those of one time to live do, fill runs up.

use std::collections::VecDeque;

use super::hash::KeyHash;
use crate::command::DEADLINE_MS_MAX;
use crate::slot::{SLOTS, Slot};

/// Most items of a run. An insert moves half of them on average.
const RUN_ITEMS_MAX: usize = if cfg!(test) { 8 } else { 256 };
/// Items by which a run's memory grows and shrinks.
const RUN_ITEMS_STEP: usize = RUN_ITEMS_MAX / 8;

/// When an entry expires and where it stands: deadline (48 bits), slot (16) and hash (32), 12 bytes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Due(u32, u32, KeyHash);

const SLOT_BITS: u32 = Slot::BITS;
const _: () = assert!(DEADLINE_MS_MAX.leading_zeros() >= SLOT_BITS && SLOTS.is_power_of_two());

impl Due {
    pub(crate) fn new(deadline_ms: u64, slot: Slot, hash: KeyHash) -> Self {
        debug_assert!(deadline_ms <= DEADLINE_MS_MAX, "a deadline is cut down when it is set");
        let upper = deadline_ms << SLOT_BITS | u64::from(slot);
        Self((upper >> 32) as u32, upper as u32, hash)
    }

    pub(crate) fn deadline_ms(self) -> u64 {
        self.upper() >> SLOT_BITS
    }

    pub(crate) fn slot(self) -> Slot {
        self.upper() as Slot
    }

    pub(crate) fn hash(self) -> KeyHash {
        self.2
    }

    fn upper(self) -> u64 {
        u64::from(self.0) << 32 | u64::from(self.1)
    }
}

/// The entries with a deadline.
#[derive(Debug, Default)]
pub(crate) struct DueIndex {
    runs: VecDeque<Run>,
    len: usize,
}

/// Some neighbours, in order.
#[derive(Debug)]
struct Run {
    /// The first item once more, so that choosing a run touches no other memory.
    first: Due,
    items: Vec<Due>,
}

impl DueIndex {
    /// The index of items that stand in order of slot and hash, as entries do.
    pub(crate) fn of(items: Vec<Due>) -> Self {
        let items = by_deadline(items);
        let run = |items: &[Due]| Run { first: items[0], items: items.to_vec() };
        Self { runs: items.chunks(RUN_ITEMS_MAX).map(run).collect(), len: items.len() }
    }

    /// Number of entries with a deadline.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The earliest deadline, ms of group time.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.runs.front().map(|run| run.first.deadline_ms())
    }

    /// How many entries are expired at `now_ms`. One step for each full run of them.
    pub(crate) fn count_due(&self, now_ms: u64) -> usize {
        let mut counted = 0;
        for (at, run) in self.runs.iter().enumerate() {
            let next_is_due = self.runs.get(at + 1).is_some_and(|next| next.first.deadline_ms() <= now_ms);
            if !next_is_due {
                return counted + run.items.partition_point(|due| due.deadline_ms() <= now_ms);
            }
            counted += run.items.len();
        }
        counted
    }

    pub(crate) fn insert(&mut self, due: Due) {
        self.len += 1;
        let (at, runs) = (self.run_of(due), self.runs.len());
        let Some(run) = self.runs.get_mut(at) else { return self.runs.push_back(Run::of(due)) };
        let place = run.items.partition_point(|other| *other <= due);
        if run.items.len() < RUN_ITEMS_MAX {
            return run.insert(place, due);
        }
        if place == RUN_ITEMS_MAX && at + 1 == runs {
            return self.runs.push_back(Run::of(due));
        }
        let mut upper = run.split();
        match place.checked_sub(run.items.len()) {
            Some(place) if place > 0 => upper.insert(place, due),
            _ => run.insert(place, due),
        }
        self.runs.insert(at + 1, upper);
    }

    /// Takes out one item, if it is there.
    pub(crate) fn remove(&mut self, due: Due) {
        let at = self.run_of(due);
        let Some(run) = self.runs.get_mut(at) else { return };
        let Ok(place) = run.items.binary_search(&due) else { return };
        run.items.remove(place);
        self.len -= 1;
        self.mend(at);
    }

    /// Takes out the earliest items that are expired at `now_ms`, `max` at most, in order.
    pub(crate) fn take_due(&mut self, now_ms: u64, max: usize) -> Vec<Due> {
        let mut taken = Vec::new();
        while let Some(run) = self.runs.front_mut() {
            let due = run.items.partition_point(|due| due.deadline_ms() <= now_ms).min(max - taken.len());
            let whole = due == run.items.len();
            taken.extend(run.items.drain(..due));
            self.mend(0);
            if !whole {
                break;
            }
        }
        self.len -= taken.len();
        taken
    }

    /// Drops every item for which `keep` is false. One pass: joining runs where they stand would move all behind them
    /// each time.
    pub(crate) fn retain(&mut self, keep: impl Fn(Due) -> bool) {
        for run in std::mem::take(self).runs {
            run.items.into_iter().filter(|due| keep(*due)).for_each(|due| self.push(due));
        }
    }

    /// Adds an item that comes after all others.
    fn push(&mut self, due: Due) {
        self.len += 1;
        match self.runs.back_mut().filter(|run| run.items.len() < RUN_ITEMS_MAX) {
            Some(run) => run.insert(run.items.len(), due),
            None => self.runs.push_back(Run::of(due)),
        }
    }

    /// Every item in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Due> {
        self.runs.iter().flat_map(|run| run.items.iter().copied())
    }

    /// The last run that starts at or before `due`; the first if none does.
    fn run_of(&self, due: Due) -> usize {
        self.runs.partition_point(|run| run.first <= due).saturating_sub(1)
    }

    /// Sets the run at `at` right after items went, and joins it with a small neighbour.
    fn mend(&mut self, at: usize) {
        if !self.runs[at].tidy() {
            self.runs.remove(at);
        }
        self.join(at);
        if at > 0 {
            self.join(at - 1);
        }
    }

    /// Joins the run at `at` with the next one when both together would be half of one.
    fn join(&mut self, at: usize) {
        let len = |at: usize| self.runs.get(at).map(|run| run.items.len());
        if let (Some(left), Some(right)) = (len(at), len(at + 1))
            && left + right <= RUN_ITEMS_MAX / 2
            && let Some(right) = self.runs.remove(at + 1)
        {
            self.runs[at].items.extend_from_slice(&right.items);
            self.runs[at].items.shrink_to_fit();
        }
    }

    /// Checks that items are in order, counted, and in runs neither empty nor too long.
    pub(crate) fn validate(&self) -> Result<(), &'static str> {
        let bounds = 1..=RUN_ITEMS_MAX;
        let rules = [
            (self.iter().is_sorted(), "the expiry index is out of order"),
            (self.iter().count() == self.len, "the expiry index is miscounted"),
            (self.runs.iter().all(|run| bounds.contains(&run.items.len())), "a run is empty or too long"),
            (self.runs.iter().all(|run| run.items.first() == Some(&run.first)), "a run hides its first item"),
        ];
        rules.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, what)| Err(what))
    }
}

/// Sorts by deadline alone and leaves equal ones as they stand: a radix sort from the lowest digit up, of as
/// many digits as the deadlines differ in. A comparing sort takes several times as long for millions.
fn by_deadline(mut items: Vec<Due>) -> Vec<Due> {
    const DIGIT_BITS: u32 = 11;
    let deadlines = || items.iter().map(|due| due.deadline_ms());
    let (first, last) = (deadlines().min().unwrap_or(0), deadlines().max().unwrap_or(0));
    let mut sorted = items.clone();
    for shift in (0..u64::BITS).step_by(DIGIT_BITS as usize).take_while(|shift| (last - first) >> shift > 0) {
        let digit = |due: &Due| ((due.deadline_ms() - first) >> shift) as usize % (1 << DIGIT_BITS);
        let mut places = [0; 1 << DIGIT_BITS];
        items.iter().for_each(|due| places[digit(due)] += 1);
        let mut next = 0;
        places.iter_mut().for_each(|place| next += std::mem::replace(place, next));
        for due in &items {
            let place = &mut places[digit(due)];
            sorted[*place] = *due;
            *place += 1;
        }
        std::mem::swap(&mut items, &mut sorted);
    }
    items
}

impl Run {
    fn of(due: Due) -> Self {
        let mut run = Self { first: due, items: Vec::new() };
        run.insert(0, due);
        run
    }

    fn insert(&mut self, place: usize, due: Due) {
        if self.items.len() == self.items.capacity() {
            self.items.reserve_exact(RUN_ITEMS_STEP);
        }
        self.items.insert(place, due);
        self.first = self.items[0];
    }

    /// Keeps the lower half and returns the upper one.
    fn split(&mut self) -> Self {
        let items = self.items.split_off(self.items.len() / 2);
        self.items.shrink_to(self.items.len() + RUN_ITEMS_STEP);
        Self { first: items[0], items }
    }

    /// Sets the run right after items went; `false`: it is empty.
    fn tidy(&mut self) -> bool {
        if self.items.capacity() > self.items.len() + 2 * RUN_ITEMS_STEP {
            self.items.shrink_to(self.items.len() + RUN_ITEMS_STEP);
        }
        self.first = *self.items.first().unwrap_or(&self.first);
        !self.items.is_empty()
    }
}

#[cfg(test)]
mod tests;
