//! Keys, values and packed entries, each a function of its number: what one run wrote another can write again.

use bytes::Bytes;
use raft_store::command::{Command, Condition, Content, Delete, Expiry, PackedEntry, Packer, Set};
use raft_store::key::{DEFAULT_NAMESPACE, Key};
use raft_store::map::TtlMap;

/// Bytes of every key, without its namespace.
pub(crate) const KEY_BYTES: usize = 16;
/// Commands in each entry of a filling.
pub(crate) const FILL_BATCH: u64 = 64;
/// Half of every value differs from all others, in blocks of so many bytes.
const BLOCK: usize = 16;

/// Mixes a number's bits, one to one (the finalizer of SplitMix64, Steele et al. 2014).
pub(crate) fn mix(number: u64) -> u64 {
    let z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Key `n`: [`KEY_BYTES`] hexadecimal digits, without order, so that neighbours by number are none in the map.
pub(crate) fn key(n: u64) -> Key {
    let text = format!("{:016x}", mix(n));
    Key::new(DEFAULT_NAMESPACE, text.as_bytes()).expect("a key of 16 bytes is within its bounds")
}

/// A value of `len` bytes: blocks of hexadecimal digits that differ, and between them blocks that do not, so that it
/// compresses as text does and not away.
pub(crate) fn value(n: u64, len: usize) -> Bytes {
    let mut out = Vec::with_capacity(len + 2 * BLOCK);
    let mut word = n ^ 0x5555_5555;
    while out.len() < len {
        word = mix(word);
        out.extend_from_slice(format!("{word:016x}").as_bytes());
        out.extend_from_slice(b",\"name\":\"value\",");
    }
    out.truncate(len);
    out.into()
}

/// Writes key `n`.
pub(crate) fn set(n: u64, value_len: usize, expiry: Expiry) -> Command {
    let value = value(n, value_len);
    Command::Set(Set { key: key(n), value, content: Content::Octets, expiry, condition: Condition::None })
}

/// Deletes key `n`.
pub(crate) fn delete(n: u64) -> Command {
    Command::Delete(Delete { key: key(n), condition: Condition::None })
}

/// Packs commands into entries of `batch`, stamped with leader time `time_ms`.
pub(crate) fn packed(
    commands: impl Iterator<Item = Command>,
    batch: u64,
    time_ms: u64,
) -> impl Iterator<Item = PackedEntry> {
    let mut commands = commands.peekable();
    std::iter::from_fn(move || {
        commands.peek()?;
        let mut packer = Packer::new();
        commands.by_ref().take(batch as usize).for_each(|command| packer.push(&command));
        Some(packer.finish(time_ms, time_ms))
    })
}

/// Applies entries.
pub(crate) fn apply(map: &mut TtlMap, mut entries: impl Iterator<Item = PackedEntry>) -> anyhow::Result<()> {
    entries.try_for_each(|entry| Ok(map.apply(&entry).map(drop)?))
}

/// `0..count` in an order that jumps: each number once.
pub(crate) fn shuffled(count: u64, round: u64) -> impl Iterator<Item = u64> {
    // A Feistel network over the next even power of two, walked until it falls below `count` (Black and Rogaway,
    // "Ciphers with Arbitrary Finite Domains", 2002).
    let half_bits = u64::BITS.saturating_sub(count.leading_zeros()).div_ceil(2).max(1);
    let mask = (1_u64 << half_bits) - 1;
    let permute = move |number: u64| {
        (0..4).fold(number, |number, key| {
            let (left, right) = (number >> half_bits, number & mask);
            right << half_bits | (left ^ (mix(right ^ mix(key + 4 * round)) & mask))
        })
    };
    (0..count).map(move |number| {
        let mut number = permute(number);
        while number >= count {
            number = permute(number);
        }
        number
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn keys_and_values_have_their_size_and_differ() {
        assert_eq!(key(7).user_key().len(), KEY_BYTES);
        assert_eq!((0..10_000).map(|n| key(n).as_bytes().to_vec()).collect::<BTreeSet<_>>().len(), 10_000);
        for len in [0, 1, 100, 1000] {
            assert_eq!(value(3, len).len(), len);
        }
        assert_ne!(value(1, 100), value(2, 100));
        assert_eq!(value(1, 100), value(1, 100));
    }

    #[test]
    fn every_number_comes_once_and_out_of_order() {
        for count in [1, 2, 3, 1000, 1024, 1025] {
            let order: Vec<u64> = shuffled(count, 1).collect();
            assert!(order.iter().copied().collect::<BTreeSet<u64>>().into_iter().eq(0..count), "{count}");
        }
        let near = |order: Vec<u64>| order.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) < 10).count();
        assert!(near(shuffled(1000, 1).collect()) < 100);
        assert!(!shuffled(1000, 1).eq(shuffled(1000, 2)));
    }

    #[test]
    fn entries_hold_every_command() {
        let commands = (0..130).map(|n| set(n, 10, Expiry::Never));
        let entries: Vec<PackedEntry> = packed(commands, 64, 5).collect();
        assert_eq!(entries.iter().map(PackedEntry::len).collect::<Vec<_>>(), [64, 64, 2]);
        let mut map = TtlMap::owning_all();
        apply(&mut map, entries.into_iter()).unwrap();
        assert_eq!((map.stats().items, map.time_ms()), (130, 5));
        apply(&mut map, packed((0..130).map(delete), 64, 5)).unwrap();
        assert_eq!(map.stats().items, 0);
    }
}
