//! How a written key gets its deadline: always from group time, never from a clock.

use crate::codec::{DecodeError, Decoder, put_varint};

/// The deadline a written key gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Expiry {
    /// None: the key never expires.
    #[default]
    Never,
    /// Group time when the command is applied plus this many milliseconds.
    AfterMs(u64),
    /// The deadline the key has now, if any.
    Keep,
}

/// Latest deadline there is, in group time (ms): some 8,900 years. The expiry index has 48 bits for it.
pub(crate) const DEADLINE_MS_MAX: u64 = (1 << 48) - 1;

impl Expiry {
    /// The deadline of a key written at group time `now_ms` that had the deadline `current` before.
    pub(crate) fn deadline(self, now_ms: u64, current: Option<u64>) -> Option<u64> {
        match self {
            Self::Never => None,
            Self::AfterMs(ms) => Some(now_ms.saturating_add(ms).min(DEADLINE_MS_MAX)),
            Self::Keep => current,
        }
    }

    pub(super) fn put(self, out: &mut Vec<u8>) {
        match self {
            Self::Never => out.push(0),
            Self::AfterMs(ms) => {
                out.push(1);
                put_varint(out, ms);
            }
            Self::Keep => out.push(2),
        }
    }

    pub(super) fn read(input: &mut Decoder) -> Result<Self, DecodeError> {
        match input.u8()? {
            0 => Ok(Self::Never),
            1 => Ok(Self::AfterMs(input.varint()?)),
            2 => Ok(Self::Keep),
            value => Err(DecodeError::Unknown { what: "expiry", value: value.into() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_group_time_plus_the_time_to_live() {
        assert_eq!(Expiry::Never.deadline(10, Some(7)), None);
        assert_eq!(Expiry::AfterMs(5).deadline(10, None), Some(15));
        assert_eq!(Expiry::AfterMs(u64::MAX).deadline(10, None), Some(DEADLINE_MS_MAX));
        assert_eq!(Expiry::Keep.deadline(10, Some(70)), Some(70));
        assert_eq!(Expiry::Keep.deadline(10, None), None);
    }
}
