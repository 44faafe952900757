//! One number from which every choice of a simulation comes, split into streams by purpose.
//!
//! A stream depends on the seed and its name alone: to draw more from one of them changes nothing in the others, so a
//! simulation keeps its faults when its clients learn a new operation.

use rand::SeedableRng;
use rand::rngs::StdRng;

/// Spreads names over the streams: FNV-1a's prime.
const FNV_PRIME: u64 = 0x0000_0100_0000_01B3;
/// FNV-1a's first value.
const FNV_BASIS: u64 = 0xCBF2_9CE4_8422_2325;

/// A seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// A seed of its own for `purpose` and `number`.
    pub fn split(self, purpose: &str, number: u64) -> Self {
        let name =
            purpose.bytes().fold(FNV_BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME));
        Self(mix(mix(self.0 ^ name).wrapping_add(number)))
    }

    /// The random numbers for `purpose`.
    pub fn stream(self, purpose: &str) -> StdRng {
        StdRng::seed_from_u64(self.split(purpose, 0).0)
    }
}

/// The last steps of SplitMix64 (Steele, Lea and Flood, 2014): every bit of the result depends on every bit given.
pub(super) fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;

    #[test]
    fn streams_differ_by_seed_purpose_and_number_and_repeat() {
        let first = |seed: Seed, purpose| seed.stream(purpose).random::<u64>();
        assert_eq!(first(Seed(1), "net"), first(Seed(1), "net"));
        assert_ne!(first(Seed(1), "net"), first(Seed(2), "net"));
        assert_ne!(first(Seed(1), "net"), first(Seed(1), "disk"));
        assert_ne!(Seed(1).split("node", 1), Seed(1).split("node", 2));
    }
}
