//! Looks for the first seed that catches a bug: seeds side by side, the lowest one counts.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// What caught a bug: the kind of violation, such as `StaleRead` or `ElectionSafety`.
pub type Kind = String;

/// How a hunt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunt {
    /// The first seed.
    pub first: u64,
    /// Seeds needed, or tried in vain.
    pub seeds: u64,
    /// The last of them, and what it found.
    pub caught: Option<(u64, Kind)>,
}

/// Tries up to `seeds_max` seeds from `first` on, `jobs` at a time, until `judge` finds something. The answer does not
/// depend on `jobs`.
pub fn hunt(first: u64, seeds_max: u64, jobs: usize, judge: impl Fn(u64) -> Option<Kind> + Sync) -> Hunt {
    let next = AtomicU64::new(0);
    let caught: Mutex<Option<(u64, Kind)>> = Mutex::new(None);
    let search = || loop {
        let tried = next.fetch_add(1, Ordering::Relaxed);
        // A lower seed than the one that caught it may still be under way elsewhere; a higher one need not begin.
        if tried >= seeds_max || caught.lock().as_ref().is_some_and(|(before, _)| *before < tried) {
            return;
        }
        if let Some(kind) = judge(first + tried) {
            let mut caught = caught.lock();
            if caught.as_ref().is_none_or(|(before, _)| tried < *before) {
                *caught = Some((tried, kind));
            }
        }
    };
    std::thread::scope(|scope| (0..jobs.max(1)).for_each(|_| drop(scope.spawn(search))));
    let caught = caught.into_inner();
    let seeds = caught.as_ref().map_or(seeds_max, |(tried, _)| tried + 1);
    Hunt { first, seeds, caught: caught.map(|(tried, kind)| (first + tried, kind)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_seed_counts_however_many_run_at_once() {
        let judge = |seed: u64| (seed % 7 == 5).then(|| format!("at {seed}"));
        for jobs in [1, 2, 8] {
            let found = hunt(10, 100, jobs, judge);
            assert_eq!(found, Hunt { first: 10, seeds: 3, caught: Some((12, "at 12".to_owned())) });
        }
    }

    #[test]
    fn a_hunt_in_vain_tries_every_seed_once() {
        let tried = Mutex::new(Vec::new());
        let found = hunt(3, 20, 4, |seed| {
            tried.lock().push(seed);
            None
        });
        assert_eq!((found.seeds, found.caught), (20, None));
        let mut tried = tried.into_inner();
        tried.sort_unstable();
        assert!(tried.into_iter().eq(3..23));
    }
}
