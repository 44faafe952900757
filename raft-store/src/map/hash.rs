//! The fixed hash that orders the entries of a slot: the upper half of SipHash-1-3 with an all-zero key
//! (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012, with one and three rounds as Rust's and
//! Ruby's hash tables use it).
//!
//! It is part of the snapshot format, because entries stand in its order there. A checksum would do for
//! chance, but not against a client who picks keys: whole families of keys with one CRC are written down in a
//! moment, while each further key with one of these 32-bit hashes costs some 2³² tries.

/// Place of a key among those of its slot; equal ones are in order of their keys.
pub(crate) type KeyHash = u32;

/// The hash of a key, namespace included.
pub(crate) fn hash_of(key: &[u8]) -> KeyHash {
    let hash = (siphash13(key) >> 32) as u32;
    // Tests have few keys, and must meet equal hashes and equal tags all the same.
    if cfg!(test) { hash & 0xc000_0003 } else { hash }
}

fn siphash13(bytes: &[u8]) -> u64 {
    let mut state =
        [0x736f_6d65_7073_6575, 0x646f_7261_6e64_6f6d, 0x6c79_6765_6e65_7261, 0x7465_6462_7974_6573];
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
            assert_eq!(siphash13(&bytes), std.finish(), "{len} bytes");
        }
    }

    /// Snapshots are in this order: another hash needs a new format number.
    #[test]
    fn never_changes() {
        let hashes = [&b"\0\0k"[..], b"\0\0user:1000", b"\0\x07a key longer than eight bytes"].map(siphash13);
        assert_eq!(hashes, [0xd627_122d_2736_8b13, 0x42fc_f48f_2d5a_e47b, 0x836c_7c4e_4004_e054]);
    }
}
