//! Some entries of a slot, packed into one allocation of little more than their size.
//!
//! ```text
//! count u16 │ tags u16 × count │ ends u16 × count │ records │ spare
//! ```
//!
//! A tag is the upper half of a key's hash, an end says where a record ends among the records. Records are in
//! order of (hash, key), so tags grow; a search counts the smaller ones, which is one pass over a cache line
//! or two, and looks at the few records whose tags are equal.
//!
//! What is spare lets a record that is replaced grow a little without a new page: at first the rest of what the
//! allocator rounds up to, which costs nothing; in a page made because a record grew a little, [`SPARE_BYTES`] more; in a
//! page that was loaded, a byte more for each record, up to as many.

use std::iter::repeat_n;
use std::ops::Range;
use std::sync::Arc;

use super::hash::{KeyHash, KeyRef, hash_of};
use super::record::{PAGED_RECORD_BYTES_MAX, Record, key_of};

/// A page longer than this is split. A write copies so much at most, and an entry's share of what a page takes
/// beside its records falls with it.
pub(super) const PAGE_BYTES_MAX: usize = if cfg!(test) { 160 } else { 4096 };

/// Spare bytes of a page that was made because a record grew by no more than that: others of its records are likely to grow as well, when
/// they are first modified above all.
const SPARE_BYTES: usize = 24;
/// Most spare bytes left when a record shrinks; with more the page is made anew.
const SPARE_BYTES_MAX: usize = 48;
/// The allocator hands out multiples of this...
const ALLOCATED_BYTES_STEP: usize = 16;
/// ...of which the page does not get so many: the allocator's own word and the two reference counts.
const ALLOCATION_HEAD_BYTES: usize = 3 * size_of::<usize>();

const COUNT_BYTES: usize = size_of::<u16>();
/// Bytes a record takes in a page beside its own: tag and end.
const PLACE_BYTES: usize = 2 * size_of::<u16>();
// The largest page there ever is, for a moment: a full one and one record more.
const _: () = assert!(PAGE_BYTES_MAX + PAGED_RECORD_BYTES_MAX + PLACE_BYTES <= u16::MAX as usize);
const _: () = assert!(SPARE_BYTES + ALLOCATED_BYTES_STEP <= SPARE_BYTES_MAX);
/// By how much a page that was loaded may be longer than its records were when the last one came: that one's place, and
/// what is spare.
pub(super) const LOADED_EXTRA_BYTES_MAX: usize = PLACE_BYTES + SPARE_BYTES + ALLOCATED_BYTES_STEP;

/// A page. Cloning shares it.
#[derive(Debug, Clone)]
pub(super) struct Page(Arc<[u8]>);

/// A piece of a page to be.
pub(super) enum Piece<'a> {
    /// Records that stand in a page.
    Of(&'a Page, Range<usize>),
    /// One record, and its key's hash.
    One(KeyHash, &'a [u8]),
}

impl Page {
    /// Joins pieces, which are given in order.
    pub(super) fn of(pieces: &[Piece<'_>]) -> Self {
        Self::with_spare(pieces, 0)
    }

    /// The same where one record took the place of another one and is so many bytes longer: with room to grow if those
    /// are few.
    pub(super) fn grown(pieces: &[Piece<'_>], by: Option<usize>) -> Self {
        let little = by.is_some_and(|by| by <= SPARE_BYTES);
        Self::with_spare(pieces, if little { SPARE_BYTES } else { 0 })
    }

    /// Joins pieces and leaves `spare` bytes, or a few more.
    fn with_spare(pieces: &[Piece<'_>], spare: usize) -> Self {
        let count: usize = pieces.iter().map(Piece::count).sum();
        let records: usize = pieces.iter().map(|piece| piece.records().len()).sum();
        let bytes = COUNT_BYTES + count * PLACE_BYTES + records + spare;
        let allocated = (bytes + ALLOCATION_HEAD_BYTES).next_multiple_of(ALLOCATED_BYTES_STEP);
        let mut page: Arc<[u8]> = repeat_n(0, allocated - ALLOCATION_HEAD_BYTES).collect();
        let bytes = Arc::get_mut(&mut page).expect("nobody else has a new page yet");
        let (head, bytes) = bytes.split_at_mut(COUNT_BYTES);
        let (mut tags, bytes) = bytes.split_at_mut(count * 2);
        let (mut ends, mut records) = bytes.split_at_mut(count * 2);
        head.copy_from_slice(&(count as u16).to_le_bytes());
        let mut end = 0;
        for piece in pieces {
            let from = piece.records();
            piece.put_tags(tags.split_off_mut(..piece.count() * 2).expect("counted above"));
            piece.put_ends(ends.split_off_mut(..piece.count() * 2).expect("counted above"), end);
            records.split_off_mut(..from.len()).expect("summed above").copy_from_slice(from);
            end += from.len() as u16;
        }
        Self(page)
    }

    /// Bytes of the whole page.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Number of records.
    pub(super) fn count(&self) -> usize {
        usize::from(self.u16_at(0))
    }

    /// The bytes of a record.
    pub(super) fn bytes_of(&self, at: usize) -> &[u8] {
        &self.0[self.start(at)..self.start(at + 1)]
    }

    /// A record.
    pub(super) fn record(&self, at: usize) -> Record<'_> {
        Record::checked(self.bytes_of(at))
    }

    /// The key of a record.
    pub(super) fn key(&self, at: usize) -> KeyRef<'_> {
        key_of(self.bytes_of(at))
    }

    /// Number of records before (`hash`, `key`).
    pub(super) fn lower_bound(&self, hash: KeyHash, key: KeyRef<'_>) -> usize {
        let Range { start: mut from, end: mut to } = self.tagged(hash);
        while from < to {
            let middle = from.midpoint(to);
            let other = self.key(middle);
            // Most often it is the key itself, and hashing it would take longer than all the rest.
            let is_before = other != key && (hash_of(other), other) < (hash, key);
            if is_before { from = middle + 1 } else { to = middle }
        }
        from
    }

    /// The records with the tag of `hash`; empty, and where they would stand, if there are none.
    pub(super) fn tagged(&self, hash: KeyHash) -> Range<usize> {
        let tag = tag_of(hash);
        let (mut from, mut to) = (0, 0);
        for other in self.0[COUNT_BYTES..][..self.count() * 2].as_chunks().0 {
            let other = u16::from_le_bytes(*other);
            from += usize::from(other < tag);
            to += usize::from(other <= tag);
        }
        from..to
    }

    /// The record of a key, or where it would stand.
    pub(super) fn find(&self, hash: KeyHash, key: KeyRef<'_>) -> Result<usize, usize> {
        let at = self.lower_bound(hash, key);
        if at < self.count() && self.key(at) == key { Ok(at) } else { Err(at) }
    }

    /// Puts a record in the place of another one of the same key, when no one shares the page and there is room.
    pub(super) fn overwrite(&mut self, at: usize, record: &[u8]) -> bool {
        let (place, end) = (self.start(at)..self.start(at + 1), self.start(self.count()));
        let new_end = end - place.len() + record.len();
        let fits = new_end <= self.0.len() && self.0.len() <= new_end + SPARE_BYTES_MAX;
        // One that is as long always fits.
        if place.len() != record.len() && !fits {
            return false;
        }
        let count = self.count();
        let Some(bytes) = Arc::get_mut(&mut self.0) else { return false };
        if end != new_end {
            bytes.copy_within(place.end..end, place.start + record.len());
            let moved = (record.len() as u16).wrapping_sub(place.len() as u16);
            let ends = &mut bytes[COUNT_BYTES + 2 * (count + at)..COUNT_BYTES + 2 * (count + count)];
            for end in ends.as_chunks_mut().0 {
                *end = u16::from_le_bytes(*end).wrapping_add(moved).to_le_bytes();
            }
        }
        bytes[place.start..][..record.len()].copy_from_slice(record);
        true
    }

    /// Where to split: at the record that has the middle byte, with at least one on either side.
    pub(super) fn middle(&self) -> usize {
        let half = (self.start(self.count()) + self.start(0)) / 2;
        let smaller = (1..self.count()).take_while(|&at| self.start(at) <= half).count();
        smaller.clamp(1, self.count() - 1)
    }

    /// Where a record starts; for the count: where the last one ends.
    pub(super) fn start(&self, at: usize) -> usize {
        let count = self.count();
        let records = COUNT_BYTES + count * PLACE_BYTES;
        if at == 0 { records } else { records + usize::from(self.u16_at(1 + count + at - 1)) }
    }

    fn u16_at(&self, index: usize) -> u16 {
        u16::from_le_bytes([self.0[2 * index], self.0[2 * index + 1]])
    }
}

impl Piece<'_> {
    fn count(&self) -> usize {
        match self {
            Self::Of(_, range) => range.len(),
            Self::One(..) => 1,
        }
    }

    fn records(&self) -> &[u8] {
        match self {
            Self::Of(page, range) => &page.0[page.start(range.start)..page.start(range.end)],
            Self::One(_, record) => record,
        }
    }

    fn put_tags(&self, out: &mut [u8]) {
        match self {
            Self::Of(page, range) => {
                out.copy_from_slice(&page.0[COUNT_BYTES..][2 * range.start..2 * range.end])
            }
            Self::One(hash, _) => out.copy_from_slice(&tag_of(*hash).to_le_bytes()),
        }
    }

    /// Writes where each record ends when the first one starts at `start`.
    fn put_ends(&self, out: &mut [u8], start: u16) {
        match self {
            Self::Of(page, range) => {
                let ends = &page.0[COUNT_BYTES + 2 * page.count()..][2 * range.start..2 * range.end];
                let first = page.start(range.start) - page.start(0);
                let moved = start.wrapping_sub(first as u16);
                for (to, from) in out.as_chunks_mut().0.iter_mut().zip(ends.as_chunks().0) {
                    *to = u16::from_le_bytes(*from).wrapping_add(moved).to_le_bytes();
                }
            }
            Self::One(_, record) => out.copy_from_slice(&(start + record.len() as u16).to_le_bytes()),
        }
    }
}

fn tag_of(hash: KeyHash) -> u16 {
    (hash >> 16) as u16
}

/// Records in order, on their way into a page.
#[derive(Debug, Default)]
pub(super) struct PageBuilder {
    /// Each record's hash and end.
    places: Vec<(KeyHash, usize)>,
    records: Vec<u8>,
}

impl PageBuilder {
    /// Bytes of the page so far.
    pub(super) fn len(&self) -> usize {
        COUNT_BYTES + self.places.len() * PLACE_BYTES + self.records.len()
    }

    /// Adds the parts of a record.
    pub(super) fn push(&mut self, hash: KeyHash, parts: &[&[u8]]) {
        parts.iter().for_each(|part| self.records.extend_from_slice(part));
        self.places.push((hash, self.records.len()));
    }

    /// The page of what was pushed since the last one; `None`: nothing was.
    pub(super) fn finish(&mut self) -> Option<(KeyHash, Page)> {
        let first = self.places.first()?.0;
        let mut start = 0;
        let piece = |&(hash, end): &(KeyHash, usize)| {
            let record = &self.records[std::mem::replace(&mut start, end)..end];
            Piece::One(hash, record)
        };
        let pieces: Vec<Piece<'_>> = self.places.iter().map(piece).collect();
        // As if each grew by one byte, as most do when they are first modified: else the first writes make nearly every page
        // of a loaded map anew, a little larger, beside the hole that the old one leaves.
        let page = Page::with_spare(&pieces, pieces.len().min(SPARE_BYTES));
        self.places.clear();
        self.records.clear();
        Some((first, page))
    }
}

#[cfg(test)]
mod tests;
