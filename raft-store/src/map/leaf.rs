//! A page and the large values of its records, which stand beside it.
//!
//! ```text
//! Leaf ── page    record, record, …       in order of (hash, key); which values are large, their lengths say
//!     └── large   value, value, …         those of its records with a large value, in the same order
//! ```

use std::sync::Arc;

use bytes::Bytes;

use super::due::Due;
use super::hash::{KeyHash, KeyRef, hash_of};
use super::page::{PAGE_BYTES_MAX, Page, Piece};
use super::record::Record;
use super::{Entry, cost};
use crate::slot::Slot;

/// Some entries of a slot. Cloning shares them.
#[derive(Debug, Clone)]
pub(crate) struct Leaf {
    page: Page,
    /// `None`: no value is large.
    large: Option<Arc<Vec<Bytes>>>,
}

/// An entry ready to be put into a leaf.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) hash: KeyHash,
    pub(crate) key: KeyRef<'a>,
    /// The record as it stands in a page.
    pub(crate) record: &'a [u8],
    pub(crate) large: Option<Bytes>,
}

/// An entry that was found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found<'a> {
    pub(crate) record: Record<'a>,
    large: Option<&'a Bytes>,
}

/// What is still to be known of an entry that was replaced or removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone {
    pub(crate) deadline: Option<u64>,
    /// Bytes it took by the map's accounting.
    pub(crate) bytes: u64,
}

impl Found<'_> {
    /// Its item in the expiry index, if it has a deadline.
    pub(crate) fn due(&self, slot: Slot) -> Option<Due> {
        let deadline = self.record.stamp.deadline?;
        Some(Due::new(deadline, slot, hash_of(self.record.key)))
    }

    /// The entry as a read returns it: a large value is shared, others are copied.
    pub(crate) fn to_entry(self) -> Entry {
        let value = self.large.cloned().unwrap_or_else(|| Bytes::copy_from_slice(self.value()));
        self.record.to_entry(value)
    }

    pub(crate) fn value(&self) -> &[u8] {
        match self.large {
            Some(value) => value,
            None => &self.record.behind[..self.record.value_len],
        }
    }
}

impl Leaf {
    pub(super) fn new(page: Page, large: Vec<Bytes>) -> Self {
        Self { page, large: Some(large).filter(|large| !large.is_empty()).map(Arc::new) }
    }

    /// A leaf of one entry.
    pub(super) fn of(draft: Draft<'_>) -> Self {
        Self::new(Page::of(&[Piece::One(draft.hash, draft.record)]), draft.large.into_iter().collect())
    }

    pub(crate) fn count(&self) -> usize {
        self.page.count()
    }

    /// Bytes of the page.
    pub(super) fn page_bytes(&self) -> usize {
        self.page.len()
    }

    pub(super) fn first(&self) -> (KeyHash, KeyRef<'_>) {
        let key = self.page.key(0);
        (hash_of(key), key)
    }

    pub(super) fn get(&self, hash: KeyHash, key: KeyRef<'_>) -> Option<Found<'_>> {
        self.page.find(hash, key).ok().map(|at| self.at(at))
    }

    /// Where the first record with the tag of `hash` is, or would be. Looks at the tags alone.
    pub(super) fn guess(&self, hash: KeyHash) -> usize {
        self.page.tagged(hash).start
    }

    /// Where the record at `at` starts in its page. Looks at the ends alone.
    pub(super) fn start(&self, at: usize) -> usize {
        self.page.start(at)
    }

    /// The first and the last byte of the record at `at`, if there is one.
    pub(super) fn edges(&self, at: usize) -> Option<(u8, u8)> {
        let bytes = (at < self.count()).then(|| self.page.bytes_of(at))?;
        Some((*bytes.first()?, *bytes.last()?))
    }

    /// The entry at `at`.
    pub(crate) fn at(&self, at: usize) -> Found<'_> {
        let record = self.page.record(at);
        let large =
            if record.is_large() { self.large.as_ref().map(|large| &large[self.rank(at)]) } else { None };
        Found { record, large }
    }

    /// Number of entries before the first one with this hash or a larger one.
    pub(super) fn lower_bound(&self, hash: KeyHash) -> usize {
        self.page.lower_bound(hash, KeyRef::FIRST)
    }

    /// The first key with this hash whose entry expires just at `deadline`.
    pub(super) fn key_due(&self, hash: KeyHash, deadline: u64) -> Option<KeyRef<'_>> {
        (self.lower_bound(hash)..self.count())
            .map(|at| self.page.record(at))
            .take_while(|record| hash_of(record.key) == hash)
            .find(|record| record.stamp.deadline == Some(deadline))
            .map(|record| record.key)
    }

    /// Puts an entry in its place; says what was there before.
    pub(super) fn put(&mut self, draft: Draft<'_>) -> Option<Gone> {
        let found = self.page.find(draft.hash, draft.key);
        let (Ok(at) | Err(at)) = found;
        let old = found.is_ok().then(|| self.page.record(at));
        let (gone, had_large) = (old.as_ref().map(cost::gone), old.is_some_and(|old| old.is_large()));
        self.put_large(at, had_large, draft.large);
        let one = Piece::One(draft.hash, draft.record);
        if gone.is_none() {
            self.page = Page::of(&[self.piece(0, at), one, self.piece(at, self.count())]);
        } else if !self.page.overwrite(at, draft.record) {
            let grown = draft.record.len().checked_sub(self.page.bytes_of(at).len());
            self.page = Page::grown(&[self.piece(0, at), one, self.piece(at + 1, self.count())], grown);
        }
        gone
    }

    pub(super) fn remove(&mut self, hash: KeyHash, key: KeyRef<'_>) -> Option<Gone> {
        let at = self.page.find(hash, key).ok()?;
        let old = self.page.record(at);
        let (gone, had_large) = (cost::gone(&old), old.is_large());
        self.put_large(at, had_large, None);
        self.page = Page::of(&[self.piece(0, at), self.piece(at + 1, self.count())]);
        Some(gone)
    }

    pub(super) fn is_too_long(&self) -> bool {
        self.page.len() > PAGE_BYTES_MAX && self.count() > 1
    }

    /// Whether it and the next one would fill half a page at most.
    pub(super) fn fits_with(&self, next: &Self) -> bool {
        self.page.len() + next.page.len() <= PAGE_BYTES_MAX / 2
    }

    /// Keeps about half of the bytes and returns the rest. There are two records at least.
    pub(super) fn split(&mut self) -> Self {
        let (middle, count) = (self.page.middle(), self.count());
        let rank = if self.large.is_some() { self.rank(middle) } else { 0 };
        let mut large = self.large.as_deref().cloned().unwrap_or_default();
        let upper = Self::new(Page::of(&[self.piece(middle, count)]), large.split_off(rank));
        *self = Self::new(Page::of(&[self.piece(0, middle)]), large);
        upper
    }

    pub(super) fn join(&mut self, next: &Self) {
        let page = Page::of(&[self.piece(0, self.count()), next.piece(0, next.count())]);
        let large = [&self.large, &next.large].into_iter().flatten().flat_map(|large| large.iter());
        *self = Self::new(page, large.cloned().collect());
    }

    /// Puts `new` where the large value of the record at `at` stands, if it `had` one.
    fn put_large(&mut self, at: usize, had: bool, new: Option<Bytes>) {
        if !had && new.is_none() {
            return;
        }
        let rank = if self.large.is_some() { self.rank(at) } else { 0 };
        let large = Arc::make_mut(self.large.get_or_insert_default());
        large.splice(rank..rank + usize::from(had), new);
        if large.is_empty() {
            self.large = None;
        }
    }

    /// Number of large values before the record at `at`.
    fn rank(&self, at: usize) -> usize {
        (0..at).filter(|&before| self.page.record(before).is_large()).count()
    }

    fn piece(&self, from: usize, to: usize) -> Piece<'_> {
        Piece::Of(&self.page, from..to)
    }

    /// Checks the drawing above and that records are in order.
    pub(super) fn validate(&self) -> Result<(), &'static str> {
        let place = |at| (hash_of(self.page.key(at)), self.page.key(at));
        let large = || self.large.iter().flat_map(|large| large.iter());
        let records = || (0..self.count()).map(|at| self.page.record(at));
        let rules = [
            (self.count() > 0, "a leaf is empty"),
            (!self.is_too_long(), "a leaf is too long"),
            ((1..self.count()).all(|at| place(at - 1) < place(at)), "records are out of order"),
            (
                large().map(|value| value.len()).eq(records().filter(Record::is_large).map(|r| r.value_len)),
                "large values and their records differ",
            ),
            (
                records().all(|r| r.is_large() || r.behind.len() == r.value_len),
                "a record does not end with its value",
            ),
        ];
        rules.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, what)| Err(what))
    }
}
