//! Random numbers. Everything here that is random comes from this file, so that a simulator can provide it.

/// Random bits.
#[cfg(not(feature = "simulation"))]
pub fn bits64() -> u64 {
    rand::random()
}

/// Random bits: the simulated world's, if there is one.
#[cfg(feature = "simulation")]
pub fn bits64() -> u64 {
    raft_store::simulation::world().map_or_else(rand::random, |world| world.random_u64())
}

/// Twice as many.
pub fn bits128() -> u128 {
    (u128::from(bits64()) << 64) | u128::from(bits64())
}

/// A number below `bound`, or 0 if that is 0; of large bounds the lower numbers come a little more often.
pub fn below(bound: usize) -> usize {
    (bits64() % (bound as u64).max(1)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_differ_and_keep_their_bound() {
        assert_ne!(bits128(), bits128());
        assert_eq!((below(0), below(1)), (0, 0));
        let drawn: std::collections::BTreeSet<usize> = (0..1000).map(|_| below(3)).collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [0, 1, 2]);
    }
}
