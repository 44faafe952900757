//! From when writes succeeded to how long none did.

use std::time::{Duration, Instant};

/// What one fault cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gaps {
    /// Longest time without a success of any client before the fault.
    pub(super) normal: Duration,
    /// The same from the fault on.
    pub(super) service: Duration,
    /// Longest time a single client was without one from the fault on.
    pub(super) client: Duration,
}

impl Gaps {
    /// Of the successes of each client, in order; the fault was at `at`.
    pub(super) fn of(clients: &[Vec<Instant>], at: Instant) -> Self {
        let mut all: Vec<Instant> = clients.iter().flatten().copied().collect();
        all.sort_unstable();
        let before: Vec<Instant> = all.iter().copied().filter(|success| *success < at).collect();
        Self {
            normal: longest(&before, None),
            service: longest(&all, Some(at)),
            client: clients.iter().map(|one| longest(one, Some(at))).max().unwrap_or_default(),
        }
    }
}

/// Longest time between two successes, of those that end after `from`.
fn longest(successes: &[Instant], from: Option<Instant>) -> Duration {
    let ends_late = |pair: &&[Instant]| from.is_none_or(|from| pair[1] >= from);
    successes.windows(2).filter(ends_late).map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
}

/// The smallest of the figures that `share` of them do not exceed (nearest rank).
pub(super) fn quantile(figures: impl Iterator<Item = Duration>, share: f64) -> Duration {
    let mut sorted: Vec<Duration> = figures.collect();
    sorted.sort_unstable();
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_client_may_wait_longer_than_the_service_is_gone() {
        let zero = Instant::now();
        let at = |ms: &[u32]| ms.iter().map(|ms| zero + *ms * MS).collect::<Vec<_>>();
        let clients = [at(&[0, 5, 10, 300, 305]), at(&[2, 9, 60, 65, 70, 310])];
        let gaps = Gaps::of(&clients, zero + 11 * MS);
        // Of both together 70 to 300 is the longest; of the first 10 to 300, of the second 70 to 310.
        assert_eq!(gaps, Gaps { normal: 4 * MS, service: 230 * MS, client: 290 * MS });
    }

    #[test]
    fn a_pause_before_the_fault_is_not_its_doing() {
        let zero = Instant::now();
        let clients = [vec![zero, zero + 500 * MS, zero + 501 * MS, zero + 503 * MS]];
        let gaps = Gaps::of(&clients, zero + 501 * MS + MS / 2);
        assert_eq!(gaps, Gaps { normal: 500 * MS, service: 2 * MS, client: 2 * MS });
    }

    #[test]
    fn quantiles_are_of_the_nearest_rank() {
        let figures = || (1..=20).map(|ms| ms * MS);
        assert_eq!((quantile(figures(), 0.5), quantile(figures(), 0.99)), (10 * MS, 20 * MS));
        assert_eq!(quantile(figures(), 1.0), 20 * MS);
        assert_eq!(quantile(std::iter::empty(), 0.5), Duration::ZERO);
    }
}
