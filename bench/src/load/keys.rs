//! Keys and values of the wanted sizes.

use bytes::Bytes;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

/// Digits of the largest number.
const DIGITS_MAX: usize = 20;
/// What values are made of: text, so that JSON need not escape it.
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What every request shares: how keys are written, and the value.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    /// Bytes of a key, if its digits fit.
    pub(crate) key_bytes: usize,
    /// The value of every write.
    pub(crate) value: Bytes,
}

impl Shape {
    /// Keys of `key_bytes`; one value of `value_bytes` that does not compress well, drawn from `seed`.
    pub(crate) fn new(key_bytes: usize, value_bytes: usize, seed: u64) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let value = (0..value_bytes).map(|_| LETTERS[random.random_range(0..LETTERS.len())]).collect();
        Self { key_bytes, value }
    }

    /// Appends key number `n`: decimal digits after as many zeros as fill its length.
    pub(crate) fn push_key(&self, n: u64, out: &mut Vec<u8>) {
        let mut digits = [b'0'; DIGITS_MAX];
        let (mut rest, mut first) = (n, DIGITS_MAX);
        while rest > 0 || first == DIGITS_MAX {
            first -= 1;
            digits[first] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        let zeros = self.key_bytes.saturating_sub(DIGITS_MAX - first);
        out.resize(out.len() + zeros, b'0');
        out.extend_from_slice(&digits[first..]);
    }

    /// Bytes of key number `n`.
    pub(crate) fn key_len(&self, n: u64) -> usize {
        let digits = n.checked_ilog10().unwrap_or(0) as usize + 1;
        digits.max(self.key_bytes)
    }

    /// Key number `n`.
    pub(crate) fn key(&self, n: u64) -> Vec<u8> {
        let mut key = Vec::with_capacity(self.key_len(n));
        self.push_key(n, &mut key);
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_their_size_and_differ() {
        let shape = Shape::new(16, 100, 1);
        assert_eq!(shape.key(42), b"0000000000000042");
        assert_eq!(shape.key(0), b"0000000000000000");
        assert_ne!(shape.key(1), shape.key(10));
        assert_eq!(shape.value.len(), 100);
    }

    #[test]
    fn digits_are_never_cut() {
        let shape = Shape::new(2, 0, 1);
        for n in [0, 9, 10, 99, 100, 12_345, u64::MAX] {
            assert_eq!(shape.key(n), format!("{n:0>2}").into_bytes());
            assert_eq!(shape.key_len(n), shape.key(n).len());
        }
    }

    #[test]
    fn values_are_text_that_json_takes_as_it_is() {
        let value = Shape::new(16, 1000, 7).value;
        let json = serde_json::to_vec(std::str::from_utf8(&value).unwrap()).unwrap();
        assert_eq!(json[1..1001], value[..]);
        assert_ne!(value[..500], value[500..]);
    }
}
