//! Zipfian numbers: rank `r` (from 0) comes up in proportion to `1 / (r + 1)^theta`.
//!
//! The method is of Gray et al., "Quickly Generating Billion-Record Synthetic Databases" (SIGMOD 1994), as YCSB uses
//! it: exact for the two first ranks, a close fit for the others, one random number for each draw.

use rand::Rng;

/// FNV-1a, 64 bits (Fowler, Noll, Vo): offset basis and prime.
const FNV_BASIS: u64 = 0xCBF2_9CE4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01B3;

/// A zipfian distribution over `0..items`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Zipf {
    items: u64,
    alpha: f64,
    zeta: f64,
    eta: f64,
    /// Where the first rank's and the second rank's share of `zeta` end.
    first_two: f64,
}

impl Zipf {
    /// Over `0..items`, skewed by `theta` between 0 (even) and 1, both excluded. Takes time in proportion to `items`.
    pub(crate) fn new(items: u64, theta: f64) -> Self {
        assert!(items > 0 && theta > 0.0 && theta < 1.0, "a zipfian over items, with 0 < theta < 1");
        let zeta = zeta(items, theta);
        let first_two = zeta_two(theta);
        let eta = (1.0 - (2.0 / items as f64).powf(1.0 - theta)) / (1.0 - first_two / zeta);
        Self { items, alpha: 1.0 / (1.0 - theta), zeta, eta, first_two }
    }

    /// A rank; 0 is the commonest.
    pub(crate) fn draw(&self, random: &mut impl Rng) -> u64 {
        let uniform: f64 = random.random();
        let share = uniform * self.zeta;
        if share < 1.0 || self.items == 1 {
            return 0;
        }
        if share < self.first_two || self.items == 2 {
            return 1;
        }
        let rank = self.items as f64 * (self.eta * uniform - self.eta + 1.0).powf(self.alpha);
        (rank as u64).min(self.items - 1)
    }
}

fn zeta(items: u64, theta: f64) -> f64 {
    // The small ones first, so that they are not lost beside the large.
    (1..=items).rev().map(|i| 1.0 / (i as f64).powf(theta)).sum()
}

fn zeta_two(theta: f64) -> f64 {
    1.0 + 0.5_f64.powf(theta)
}

/// Spreads ranks over `0..items`, so that the commonest keys are no neighbours (YCSB's scrambled zipfian). Several
/// ranks may meet in one number.
pub(crate) fn scramble(rank: u64, items: u64) -> u64 {
    let hash = rank
        .to_le_bytes()
        .iter()
        .fold(FNV_BASIS, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME));
    hash % items
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::SmallRng;

    use super::*;

    const DRAWS: u32 = 1_000_000;

    fn shares(items: u64, theta: f64) -> Vec<f64> {
        let (zipf, mut random) = (Zipf::new(items, theta), SmallRng::seed_from_u64(1));
        let mut counts = vec![0_u32; items as usize];
        (0..DRAWS).for_each(|_| counts[zipf.draw(&mut random) as usize] += 1);
        counts.into_iter().map(|count| f64::from(count) / f64::from(DRAWS)).collect()
    }

    /// What rank `r` should have.
    fn due(rank: usize, items: u64, theta: f64) -> f64 {
        1.0 / ((rank + 1) as f64).powf(theta) / zeta(items, theta)
    }

    #[test]
    fn the_first_ranks_have_their_shares() {
        let shares = shares(1000, 0.99);
        for rank in [0, 1] {
            let due = due(rank, 1000, 0.99);
            assert!((shares[rank] / due - 1.0).abs() < 0.02, "rank {rank}: {} of {due}", shares[rank]);
        }
    }

    #[test]
    fn the_shares_of_all_ranks_add_up_as_they_should() {
        for theta in [0.5, 0.99] {
            let shares = shares(1000, theta);
            for upto in [10, 100, 500] {
                let (seen, due): (f64, f64) =
                    (shares[..upto].iter().sum(), (0..upto).map(|rank| due(rank, 1000, theta)).sum());
                assert!((seen / due - 1.0).abs() < 0.05, "theta {theta}, first {upto}: {seen} of {due}");
            }
        }
    }

    #[test]
    fn every_draw_is_an_item() {
        for items in [1, 2, 3, 7] {
            assert_eq!(shares(items, 0.99).len() as u64, items);
        }
        assert!(shares(3, 0.99).iter().all(|share| *share > 0.1));
    }

    #[test]
    fn scrambled_ranks_are_spread() {
        let mut seen: Vec<u64> = (0..100).map(|rank| scramble(rank, 1_000_000)).collect();
        assert!(seen.windows(2).any(|pair| pair[0] > pair[1]));
        seen.sort_unstable();
        seen.dedup();
        assert!(seen.len() >= 99 && seen.iter().all(|n| *n < 1_000_000));
    }
}
