//! What must hold for a command to be carried out; judged when it is applied, never before.

use super::Rejection;
use crate::codec::{DecodeError, Decoder, put_u64};

/// What must hold for a command to be carried out; judged when it is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Condition {
    /// Nothing.
    #[default]
    None,
    /// The key is absent (or expired).
    Absent,
    /// The key is present.
    Present,
    /// The key is present with just this version: compare-and-set.
    Version(u64),
}

impl Condition {
    /// Judges the condition for a key with version `current`, `None` when it is absent or expired.
    pub(crate) fn check(self, current: Option<u64>) -> Result<(), Rejection> {
        let holds = match self {
            Self::None => true,
            Self::Absent => current.is_none(),
            Self::Present => current.is_some(),
            Self::Version(version) => current == Some(version),
        };
        if holds { Ok(()) } else { Err(Rejection::VersionMismatch { current }) }
    }

    pub(super) fn put(self, out: &mut Vec<u8>) {
        match self {
            Self::None => out.push(0),
            Self::Absent => out.push(1),
            Self::Present => out.push(2),
            Self::Version(version) => {
                out.push(3);
                put_u64(out, version);
            }
        }
    }

    pub(super) fn read(input: &mut Decoder) -> Result<Self, DecodeError> {
        match input.u8()? {
            0 => Ok(Self::None),
            1 => Ok(Self::Absent),
            2 => Ok(Self::Present),
            3 => Ok(Self::Version(input.u64()?)),
            value => Err(DecodeError::Unknown { what: "condition", value: value.into() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_condition_says_which_version_it_met() {
        let mismatch = |current| Err(Rejection::VersionMismatch { current });
        for current in [None, Some(3)] {
            assert_eq!(Condition::None.check(current), Ok(()));
        }
        assert_eq!(Condition::Absent.check(None), Ok(()));
        assert_eq!(Condition::Absent.check(Some(3)), mismatch(Some(3)));
        assert_eq!(Condition::Present.check(Some(3)), Ok(()));
        assert_eq!(Condition::Present.check(None), mismatch(None));
        assert_eq!(Condition::Version(3).check(Some(3)), Ok(()));
        assert_eq!(Condition::Version(3).check(Some(4)), mismatch(Some(4)));
        assert_eq!(Condition::Version(3).check(None), mismatch(None));
    }
}
