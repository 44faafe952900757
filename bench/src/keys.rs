//! Keys and values of the wanted sizes.

use bytes::Bytes;

/// Key number `n`, exactly `size` bytes long if its digits fit.
pub(crate) fn key(n: u64, size: usize) -> String {
    format!("{n:0>size$}")
}

/// A value of `size` bytes: text, so that JSON need not escape it.
pub(crate) fn value(size: usize) -> Bytes {
    Bytes::from(vec![b'x'; size])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_their_size_and_differ() {
        assert_eq!(key(42, 16), "0000000000000042");
        assert_ne!(key(1, 16), key(2, 16));
        assert_eq!(value(100).len(), 100);
    }
}
