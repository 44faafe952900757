//! Hash slots: CRC16 (XMODEM) of a key or of its `{hash tag}`, modulo 16384, exactly as Redis Cluster
//! does (Redis Cluster specification, "Key distribution model" and "Hash tags").

/// Number of slots of a cluster.
pub const SLOTS: u16 = 16_384;

/// One hash slot, below [`SLOTS`].
pub type Slot = u16;

/// The slot of a user key (without its namespace).
pub fn slot_of(key: &[u8]) -> Slot {
    crc16(hash_tag(key).unwrap_or(key)) % SLOTS
}

/// The one slot all keys with this prefix are in: those whose hash tag is in the prefix. `None`: it may be any.
pub fn slot_of_prefix(prefix: &[u8]) -> Option<Slot> {
    hash_tag(prefix).map(|tag| crc16(tag) % SLOTS)
}

/// What stands between the first `{` and the first `}` after it, when that is not empty.
fn hash_tag(key: &[u8]) -> Option<&[u8]> {
    let open = key.iter().position(|&b| b == b'{')? + 1;
    let len = key[open..].iter().position(|&b| b == b'}')?;
    (len > 0).then(|| &key[open..open + len])
}

/// Bytes taken in one step: each has its own table, so their look-ups need not wait for each other (Kounavis and Berry,
/// "A systematic approach to building high performance, software-based, CRC generators", 2005).
const STEP: usize = 8;

/// The CRC of a byte that so many zeros follow, for each number of zeros and each byte.
static TABLES: [[u16; 256]; STEP] = tables();

const fn tables() -> [[u16; 256]; STEP] {
    let mut tables = [table(); STEP];
    let mut zeros = 1;
    while zeros < STEP {
        let mut byte = 0;
        while byte < 256 {
            let crc = tables[zeros - 1][byte];
            tables[zeros][byte] = (crc << 8) ^ tables[0][(crc >> 8) as usize];
            byte += 1;
        }
        zeros += 1;
    }
    tables
}

const fn table() -> [u16; 256] {
    let mut table = [0u16; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
}

fn crc16(bytes: &[u8]) -> u16 {
    let (steps, rest) = bytes.as_chunks::<STEP>();
    let crc = steps.iter().fold(0, |crc: u16, step| {
        let [upper, lower] = crc.to_be_bytes();
        let mut step = *step;
        step[0] ^= upper;
        step[1] ^= lower;
        step.iter().zip(TABLES.iter().rev()).fold(0, |crc, (&byte, table)| crc ^ table[usize::from(byte)])
    });
    rest.iter().fold(crc, |crc, &byte| (crc << 8) ^ TABLES[0][usize::from((crc >> 8) as u8 ^ byte)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(slot_of(b"foo"), 12182);
        assert_eq!(slot_of(b""), 0);
    }

    /// Bit by bit, as the polynomial says.
    fn crc16_by_bit(bytes: &[u8]) -> u16 {
        let bits = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
        bits.fold(0, |crc, bit| (crc << 1) ^ (0x1021 * ((crc >> 15) ^ u16::from(bit))))
    }

    #[test]
    fn many_bytes_at_once_come_to_the_same() {
        let bytes: Vec<u8> = (0..200u32).map(|n| (n * n * 37 + 11 * n) as u8).collect();
        for len in 0..=bytes.len() {
            assert_eq!(crc16(&bytes[..len]), crc16_by_bit(&bytes[..len]), "{len} bytes");
        }
    }

    #[test]
    fn a_prefix_with_a_whole_tag_names_a_slot() {
        assert_eq!(slot_of_prefix(b"a{bar}"), Some(slot_of(b"a{bar}b{zap}")));
        for open in [&b""[..], b"bar", b"{bar", b"{}", b"{}{bar}", b"}bar{"] {
            assert_eq!(slot_of_prefix(open), None);
        }
    }

    #[test]
    fn only_the_first_non_empty_tag_counts() {
        assert_eq!(slot_of(b"{user1000}.following"), slot_of(b"{user1000}.followers"));
        assert_eq!(slot_of(b"foo{{bar}}zap"), crc16(b"{bar") % SLOTS);
        assert_eq!(slot_of(b"foo{bar}{zap}"), crc16(b"bar") % SLOTS);
        assert_eq!(slot_of(b"foo{}{bar}"), crc16(b"foo{}{bar}") % SLOTS);
    }
}
