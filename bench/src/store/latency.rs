//! Histograms of latencies, µs.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Longest latency a histogram holds, µs; longer ones count as this.
const LATENCY_US_MAX: u64 = 600_000_000;
/// Significant figures a histogram keeps.
const FIGURES: u8 = 3;

/// A histogram of µs.
pub(crate) fn histogram() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, LATENCY_US_MAX, FIGURES)?)
}

/// Counts a duration.
pub(crate) fn record(histogram: &mut Histogram<u64>, latency: Duration) {
    histogram.saturating_record(latency.as_micros() as u64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_latencies_are_kept_as_the_longest() {
        let mut histogram = histogram().unwrap();
        record(&mut histogram, Duration::from_secs(1_000_000));
        record(&mut histogram, Duration::from_millis(1));
        assert!(histogram.max() >= LATENCY_US_MAX && histogram.len() == 2);
    }
}
