//! Which entries have a deadline, in the order in which they expire: by deadline, slot, key.
//!
//! Exact: it holds every stored record with a deadline and nothing else, so it is a function of the entries
//! and need not be in a snapshot. It shares the records' allocations.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::record::Record;

/// The entries with a deadline.
#[derive(Debug, Default)]
pub(crate) struct DueIndex(BTreeSet<Due>);

/// The deadline stands beside the record, so that most comparisons follow no pointer.
#[derive(Debug)]
struct Due {
    deadline_ms: u64,
    record: Record,
}

impl DueIndex {
    pub(crate) fn insert(&mut self, record: &Record) {
        self.0.extend(Due::of(record));
    }

    pub(crate) fn remove(&mut self, record: &Record) {
        if let Some(due) = Due::of(record) {
            self.0.remove(&due);
        }
    }

    /// Number of entries with a deadline.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The earliest deadline, ms of group time.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.0.first().map(|due| due.deadline_ms)
    }

    /// The entry that expires first, when it is expired at `now_ms`.
    pub(crate) fn first_due(&self, now_ms: u64) -> Option<&Record> {
        self.0.first().filter(|due| due.deadline_ms <= now_ms).map(|due| &due.record)
    }

    /// How many entries are expired at `now_ms`, counted up to `max`.
    pub(crate) fn count_due(&self, now_ms: u64, max: usize) -> usize {
        self.0.iter().take(max).take_while(|due| due.deadline_ms <= now_ms).count()
    }

    /// Whether just this record is here.
    pub(crate) fn contains(&self, record: &Record) -> bool {
        Due::of(record).and_then(|due| self.0.get(&due)).is_some_and(|due| due.record == *record)
    }
}

impl<'a> FromIterator<&'a Record> for DueIndex {
    fn from_iter<I: IntoIterator<Item = &'a Record>>(records: I) -> Self {
        Self(records.into_iter().filter_map(Due::of).collect())
    }
}

impl Due {
    fn of(record: &Record) -> Option<Self> {
        record.deadline().map(|deadline_ms| Self { deadline_ms, record: record.clone() })
    }

    fn order(&self) -> (u64, u16, &[u8]) {
        (self.deadline_ms, self.record.slot(), self.record.key())
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        self.deadline_ms.cmp(&other.deadline_ms).then_with(|| self.order().cmp(&other.order()))
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
