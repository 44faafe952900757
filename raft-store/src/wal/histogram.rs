//! A histogram of fixed buckets, each twice as wide as the one before: what Prometheus can take as it is.

/// Buckets of a histogram. Values past the last bound are in the count and the sum only.
const BUCKETS: usize = 20;

/// Durations in nanoseconds: 16 µs to 8.6 s.
pub type Durations = Histogram<14>;
/// Sizes in bytes: 256 B to 128 MiB.
pub type Sizes = Histogram<8>;
/// Numbers: 1 to 524,288.
pub type Numbers = Histogram<0>;

/// Counts values by powers of two, from 2^`FIRST` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Histogram<const FIRST: u32> {
    counts: [u64; BUCKETS],
    count: u64,
    sum: u64,
    max: u64,
}

impl<const FIRST: u32> Histogram<FIRST> {
    /// Counts one value.
    pub fn record(&mut self, value: u64) {
        // The power of two at or above it.
        let power = u64::BITS - value.saturating_sub(1).leading_zeros();
        if let Some(count) = self.counts.get_mut(power.saturating_sub(FIRST) as usize) {
            *count += 1;
        }
        self.count += 1;
        self.sum = self.sum.saturating_add(value);
        self.max = self.max.max(value);
    }

    /// Upper bounds, inclusive and ascending, each with how many values are at or below it.
    pub fn cumulative(&self) -> impl Iterator<Item = (u64, u64)> {
        let mut below = 0;
        (FIRST..).zip(self.counts).map(move |(power, count)| {
            below += count;
            (1 << power, below)
        })
    }

    /// Values counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their sum, in the values' unit.
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// The largest of them; 0 if there is none.
    pub fn max(&self) -> u64 {
        self.max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_in_the_first_bucket_whose_bound_it_does_not_exceed() {
        let mut sizes = Sizes::default();
        for value in [0, 1, 256, 257, 512, 513, 128 << 20, (128 << 20) + 1] {
            sizes.record(value);
        }
        let all: Vec<(u64, u64)> = sizes.cumulative().collect();
        assert_eq!(all[..4], [(256, 3), (512, 5), (1024, 6), (2048, 6)]);
        assert_eq!(all.last(), Some(&(128 << 20, 7)));
        assert_eq!((sizes.count(), sizes.max()), (8, (128 << 20) + 1));
        assert_eq!(sizes.sum(), 1 + 256 + 257 + 512 + 513 + 2 * (128 << 20) + 1);
    }

    #[test]
    fn no_value_is_too_large() {
        let mut numbers = Numbers::default();
        numbers.record(1 << 63);
        numbers.record(u64::MAX);
        assert_eq!((numbers.count(), numbers.cumulative().last()), (2, Some((1 << 19, 0))));
    }
}
