//! The first chunk of a snapshot: everything beside the entries, and how many entries follow.

use crate::codec::{DecodeError, Decoder, put_u64};
use crate::map::{Head, put_slot_set, slot_set};

const MAGIC: &[u8; 4] = b"QMAP";
/// Version of the chunks and of the records in them. A reader refuses every other.
const FORMAT: u8 = 2;

/// The header chunk of a map with `items` entries.
pub(super) fn encode(head: &Head, items: u64) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.push(FORMAT);
    for number in [head.time_ms, head.wall_ms, head.version, head.expired_total, head.epoch, items] {
        put_u64(&mut out, number);
    }
    put_slot_set(&mut out, &head.owned);
    out
}

/// Reads a header chunk: the head and the number of entries.
pub(super) fn decode(mut input: Decoder) -> Result<(Head, u64), DecodeError> {
    if &input.take(MAGIC.len())?[..] != MAGIC {
        return Err(DecodeError::Invalid("snapshot magic"));
    }
    match input.u8()? {
        FORMAT => {}
        value => return Err(DecodeError::Unknown { what: "snapshot format", value: value.into() }),
    }
    let [time_ms, wall_ms, version, expired_total, epoch, items] = numbers(&mut input)?;
    let owned = slot_set(&mut input)?;
    input.finish()?;
    Ok((Head { time_ms, wall_ms, version, expired_total, epoch, owned }, items))
}

fn numbers<const N: usize>(input: &mut Decoder) -> Result<[u64; N], DecodeError> {
    let mut numbers = [0; N];
    for number in &mut numbers {
        *number = input.u64()?;
    }
    Ok(numbers)
}
