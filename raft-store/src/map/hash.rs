//! The fixed hash that orders the entries of a slot: the upper half of SipHash-1-3 with the namespace as its
//! key (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012, with one and three rounds as Rust's
//! and Ruby's hash tables use it).
//!
//! It is part of the snapshot format, because entries stand in its order there. A checksum would do for
//! chance, but not against a client who picks keys: whole families of keys with one CRC are written down in a
//! moment, while each further key with one of these 32-bit hashes costs some 2³² tries.

use crate::key::{Key, NamespaceId};
use crate::slot::Slot;

/// Place of a key among those of its slot; equal ones are in order of their keys.
pub(crate) type KeyHash = u32;

/// A key where it stands, ordered as [`Key`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeyRef<'a> {
    pub(crate) namespace: NamespaceId,
    pub(crate) user_key: &'a [u8],
}

impl KeyRef<'_> {
    /// Before every key of any hash.
    pub(crate) const FIRST: Self = Self { namespace: 0, user_key: &[] };

    /// The key in an allocation of its own.
    pub(crate) fn to_key(self) -> Key {
        Key::new(self.namespace, self.user_key).expect("a stored key is within its bounds")
    }
}

/// Where a key stands in a map.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At<'a> {
    pub(crate) slot: Slot,
    pub(crate) hash: KeyHash,
    pub(crate) key: KeyRef<'a>,
}

impl<'a> At<'a> {
    /// The place of `key`.
    pub(crate) fn of(key: &'a Key) -> Self {
        Self { slot: key.slot(), hash: hash_of(key.into()), key: key.into() }
    }
}

impl<'a> From<&'a Key> for KeyRef<'a> {
    fn from(key: &'a Key) -> Self {
        Self { namespace: key.namespace(), user_key: key.user_key() }
    }
}

/// The hash of a key.
pub(crate) fn hash_of(key: KeyRef<'_>) -> KeyHash {
    let hash = (siphash13(key.namespace.into(), key.user_key) >> 32) as u32;
    // Tests have few keys, and must meet equal hashes and equal tags all the same.
    if cfg!(test) { hash & 0xc000_0003 } else { hash }
}

fn siphash13(key: u64, bytes: &[u8]) -> u64 {
    let mut state =
        [0x736f_6d65_7073_6575, 0x646f_7261_6e64_6f6d, 0x6c79_6765_6e65_7261, 0x7465_6462_7974_6573];
    state[0] ^= key;
    state[2] ^= key;
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        absorb(&mut state, u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    last[7] = bytes.len() as u8;
    absorb(&mut state, u64::from_le_bytes(last));
    state[2] ^= 0xff;
    (0..3).for_each(|_| round(&mut state));
    state[0] ^ state[1] ^ state[2] ^ state[3]
}

fn absorb(state: &mut [u64; 4], word: u64) {
    state[3] ^= word;
    round(state);
    state[0] ^= word;
}

fn round([a, b, c, d]: &mut [u64; 4]) {
    *a = a.wrapping_add(*b);
    *c = c.wrapping_add(*d);
    *b = b.rotate_left(13) ^ *a;
    *d = d.rotate_left(16) ^ *c;
    *a = a.rotate_left(32);
    *c = c.wrapping_add(*b);
    *a = a.wrapping_add(*d);
    *b = b.rotate_left(17) ^ *c;
    *d = d.rotate_left(21) ^ *a;
    *c = c.rotate_left(32);
}

#[cfg(test)]
mod tests {
    use std::hash::Hasher as _;

    use super::*;

    /// Rust's own hasher is the same function today, though it does not promise to stay so.
    #[test]
    fn is_siphash_1_3() {
        for len in 0..40u8 {
            let bytes: Vec<u8> = (0..len).collect();
            let mut std = std::hash::DefaultHasher::new();
            std.write(&bytes);
            assert_eq!(siphash13(0, &bytes), std.finish(), "{len} bytes");
        }
    }

    /// Snapshots are in this order: another hash needs a new format number.
    #[test]
    fn never_changes() {
        let hashes = [(0, &b"k"[..]), (0, b"user:1000"), (7, b"a key longer than eight bytes")];
        let hashes = hashes.map(|(namespace, key)| siphash13(namespace, key));
        assert_eq!(hashes, [0x3420_63e1_1d6c_3cad, 0x887d_7c14_b4f1_2be0, 0x724d_2ce1_0d16_5eb8]);
    }
}
