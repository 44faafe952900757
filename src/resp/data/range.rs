//! Ranges within a value: both ends count in, and negative ones count from its end.

use std::ops::Range;

/// The first and the last place of a range, as a client gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ends {
    pub(super) start: i64,
    pub(super) end: i64,
}

impl Ends {
    /// The places meant in a value of `len`; `None` when there are none.
    pub(super) fn within(self, len: usize) -> Option<Range<usize>> {
        let backwards = self.start < 0 && self.end < 0 && self.start > self.end;
        if backwards { None } else { self.clamped(len) }
    }

    /// The same but for ends that are both before the value's start and the wrong way round, which mean its first place:
    /// so `BITPOS` takes them, alone.
    pub(super) fn clamped(self, len: usize) -> Option<Range<usize>> {
        let (start, end) = (from_front(self.start, len), from_front(self.end, len).min(len.checked_sub(1)?));
        (start <= end).then_some(start..end + 1)
    }
}

/// A place counted from the front, not before it.
fn from_front(place: i64, len: usize) -> usize {
    let from_end = usize::try_from(place.unsigned_abs()).unwrap_or(usize::MAX);
    if place < 0 { len.saturating_sub(from_end) } else { from_end }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn within(start: i64, end: i64, len: usize) -> Option<Range<usize>> {
        Ends { start, end }.within(len)
    }

    #[test]
    fn both_ends_count_in() {
        assert_eq!(within(0, 3, 11), Some(0..4));
        assert_eq!(within(0, -1, 11), Some(0..11));
        assert_eq!(within(-4, -1, 11), Some(7..11));
        assert_eq!(within(5, 3, 11), None);
        assert_eq!(within(5, 5000, 11), Some(5..11));
        assert_eq!(within(-5000, 10000, 11), Some(0..11));
        assert_eq!(within(i64::MIN, i64::MAX, 11), Some(0..11));
        assert_eq!(within(11, 12, 11), None);
    }

    #[test]
    fn an_empty_value_has_no_range() {
        assert_eq!(within(0, -1, 0), None);
        assert_eq!(within(0, 0, 0), None);
    }

    #[test]
    fn ends_before_the_front_and_backwards_are_a_range_for_one_command_only() {
        assert_eq!(within(-10, -20, 5), None);
        assert_eq!(within(-20, -10, 5), Some(0..1));
        assert_eq!(Ends { start: -10, end: -20 }.clamped(5), Some(0..1));
    }
}
