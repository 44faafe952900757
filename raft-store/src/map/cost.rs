//! What an entry costs: the map's own accounting, which quotas go by.
//!
//! It is a function of the entries alone, so it is the same on every replica, whatever its pages look like. The
//! numbers below follow from the layout and, for what the allocator keeps, from measurement with glibc's: with
//! 1 and 5 million keys of 16 bytes and values of 100 they agree with a process's resident memory within 10 %.

use super::leaf::Gone;
use super::record::{INLINE_VALUE_BYTES_MAX, Record};

/// Memory of an entry beyond its record, in bytes: tag and end (4), its share of a page's reference counts,
/// address and allocation (about 4), holes that the allocator keeps (about 8).
pub(super) const ENTRY_OVERHEAD_BYTES: u64 = 16;
/// Memory of a deadline beyond the record, in bytes: 12 in the expiry index and room to grow (about 2).
pub(super) const DEADLINE_OVERHEAD_BYTES: u64 = 14;
/// Memory of a value that stands beside its page, in bytes: address, length and allocation.
pub(super) const LARGE_VALUE_OVERHEAD_BYTES: u64 = 64;
/// Memory of a slot that has entries, in bytes: its table and room for the addresses of pages.
pub(super) const SLOT_OVERHEAD_BYTES: u64 = 200;

/// Bytes of an entry.
pub(super) fn of(record: &Record<'_>) -> u64 {
    of_parts(record.head.len(), record.value_len, record.stamp.deadline.is_some())
}

/// Bytes of an entry whose record has a head of `head_len` bytes, and a value of `value_len`.
pub(super) fn of_parts(head_len: usize, value_len: usize, has_deadline: bool) -> u64 {
    let deadline = if has_deadline { DEADLINE_OVERHEAD_BYTES } else { 0 };
    let large = if value_len > INLINE_VALUE_BYTES_MAX { LARGE_VALUE_OVERHEAD_BYTES } else { 0 };
    (head_len + value_len) as u64 + ENTRY_OVERHEAD_BYTES + deadline + large
}

/// What is still to be known of a record that goes.
pub(super) fn gone(record: &Record<'_>) -> Gone {
    Gone { deadline: record.stamp.deadline, bytes: of(record) }
}
