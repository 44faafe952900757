//! `GETBIT`, `BITCOUNT` and `BITPOS`: reading a value as bits, the first being the highest of the first byte.

use std::ops::Range;

use bytes::Bytes;
use raft_store::key::Key;

use super::super::plan::{Context, Plan};
use super::super::value::Value;
use super::args::{Planned, at_least, exactly, integer, is, key, parse_integer, read_value, syntax};
use super::range::Ends;
use super::spec::{DataCommand, KeyPositions, READ, READ_FAST, Spec};

/// The commands of this file.
pub(super) const COMMANDS: &[DataCommand] = &[
    Spec::new("bitmap", "getbit", 3, READ_FAST, KeyPositions::ONE)
        .docs("2.2.0", "O(1)", "One bit of a value.")
        .planned_by(getbit),
    Spec::new("bitmap", "bitcount", -2, READ, KeyPositions::ONE)
        .docs("2.6.0", "O(N) for N bytes", "How many bits of a value are set.")
        .planned_by(bitcount),
    Spec::new("bitmap", "bitpos", -3, READ, KeyPositions::ONE)
        .docs("2.8.7", "O(N) for N bytes", "Where the first bit stands that is set, or is not.")
        .planned_by(bitpos),
];

/// A bit's place: not negative, and in a byte that a value may have.
pub(super) fn bit_offset(context: &Context, arg: &[u8]) -> Result<u64, Value> {
    let offset = parse_integer(arg).and_then(|offset| u64::try_from(offset).ok());
    offset
        .filter(|offset| offset / 8 < context.value_bytes_max as u64)
        .ok_or_else(|| Value::err("bit offset is not an integer or out of range"))
}

fn getbit(context: &Context, args: &[Bytes]) -> Planned {
    let [name, offset] = exactly(args)?;
    let offset = bit_offset(context, offset)?;
    Ok(read_value(key(context, name)?, Value::Int(0), move |value| {
        let byte = usize::try_from(offset / 8).ok().and_then(|at| value.get(at));
        Value::flag(byte.is_some_and(|byte| byte & (0x80 >> (offset % 8)) != 0))
    }))
}

/// Whether the ends of a range count bytes or bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Byte,
    Bit,
}

impl Unit {
    fn read(arg: &[u8]) -> Result<Self, Value> {
        match arg {
            arg if is(arg, "bit") => Ok(Self::Bit),
            arg if is(arg, "byte") => Ok(Self::Byte),
            _ => Err(syntax()),
        }
    }

    /// The bits of a range of units.
    fn bits(self, range: Range<usize>) -> Range<usize> {
        match self {
            Self::Byte => range.start * 8..range.end * 8,
            Self::Bit => range,
        }
    }

    fn units_in(self, bytes: usize) -> usize {
        match self {
            Self::Byte => bytes,
            Self::Bit => bytes * 8,
        }
    }
}

fn bitcount(context: &Context, args: &[Bytes]) -> Planned {
    let ([name], range) = at_least(args)?;
    let (name, range) = (key(context, name)?, range.to_vec());
    // Of an absent key Redis says 0 before it looks at the range.
    Ok(read_value(name, Value::Int(0), move |value| count_in(&value, &range).unwrap_or_else(|error| error)))
}

fn count_in(value: &[u8], range: &[Bytes]) -> Result<Value, Value> {
    let (ends, unit) = match range {
        [] => (Ends { start: 0, end: -1 }, Unit::Byte),
        [start, end] => (Ends { start: integer(start)?, end: integer(end)? }, Unit::Byte),
        [start, end, unit] => (Ends { start: integer(start)?, end: integer(end)? }, Unit::read(unit)?),
        _ => return Err(syntax()),
    };
    let range = ends.within(unit.units_in(value.len()));
    Ok(Value::count(range.map_or(0, |range| ones(value, unit.bits(range)))))
}

/// How many bits of a range that is not empty are set.
fn ones(value: &[u8], bits: Range<usize>) -> usize {
    let (first, last) = (bits.start / 8, (bits.end - 1) / 8);
    let all: usize = value[first..=last].iter().map(|byte| byte.count_ones() as usize).sum();
    let before = value[first] & !(0xff >> (bits.start % 8));
    let behind = value[last] & (0x7f >> ((bits.end - 1) % 8));
    all - (before.count_ones() + behind.count_ones()) as usize
}

fn bitpos(context: &Context, args: &[Bytes]) -> Planned {
    let ([name, bit], range) = at_least(args)?;
    let bit = match integer(bit)? {
        0 => false,
        1 => true,
        _ => return Err(Value::err("The bit argument must be 1 or 0.")),
    };
    let (name, range) = (key(context, name)?, range.to_vec());
    // An absent key is zeros without end.
    let absent = Value::Int(if bit { -1 } else { 0 });
    Ok(bitpos_plan(name, absent, bit, range))
}

fn bitpos_plan(name: Key, absent: Value, bit: bool, range: Vec<Bytes>) -> Plan {
    read_value(name, absent, move |value| position_in(&value, bit, &range).unwrap_or_else(|error| error))
}

fn position_in(value: &[u8], bit: bool, range: &[Bytes]) -> Result<Value, Value> {
    let (start, end, unit) = match range {
        [] => (0, None, Unit::Byte),
        [start] => (integer(start)?, None, Unit::Byte),
        [start, end] => (integer(start)?, Some(integer(end)?), Unit::Byte),
        [start, end, unit] => (integer(start)?, Some(integer(end)?), Unit::read(unit)?),
        _ => return Err(syntax()),
    };
    let ends = Ends { start, end: end.unwrap_or(-1) };
    let Some(range) = ends.clamped(unit.units_in(value.len())) else {
        return Ok(Value::Int(-1));
    };
    Ok(match first(value, unit.bits(range), bit) {
        Some(at) => Value::count(at),
        // Without an end there are zeros behind the value.
        None if !bit && end.is_none() => Value::count(value.len() * 8),
        None => Value::Int(-1),
    })
}

/// The first bit of the range that is `bit`.
fn first(value: &[u8], bits: Range<usize>, bit: bool) -> Option<usize> {
    let mut at = bits.start;
    while at < bits.end {
        let byte = if bit { value[at / 8] } else { !value[at / 8] };
        let left = byte & (0xff >> (at % 8));
        if left != 0 {
            let found = at / 8 * 8 + left.leading_zeros() as usize;
            return (found < bits.end).then_some(found);
        }
        at = at / 8 * 8 + 8;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_bits_agree_with_looking_at_each() {
        let value = [0x00, 0xf0, 0xff, 0x01];
        let set = |at: usize| value[at / 8] & (0x80 >> (at % 8)) != 0;
        for start in 0..32 {
            for end in start + 1..=32 {
                let bits = start..end;
                assert_eq!(
                    ones(&value, bits.clone()),
                    bits.clone().filter(|at| set(*at)).count(),
                    "{bits:?}"
                );
                for bit in [false, true] {
                    let found = bits.clone().find(|at| set(*at) == bit);
                    assert_eq!(first(&value, bits.clone(), bit), found, "{bits:?} {bit}");
                }
            }
        }
    }
}
