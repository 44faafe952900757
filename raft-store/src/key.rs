//! A key as the store knows it: two bytes of namespace, then the user's bytes.

use bytes::Bytes;

use crate::limits::KEY_BYTES_MAX;
use crate::slot::{Slot, slot_of};

/// Number of a namespace; 0 is `default`.
pub type NamespaceId = u16;

/// The namespace that always exists.
pub const DEFAULT_NAMESPACE: NamespaceId = 0;

const NAMESPACE_BYTES: usize = size_of::<NamespaceId>();

/// Why a key was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The key is empty.
    #[error("a key has at least one byte")]
    Empty,
    /// The key has more than [`KEY_BYTES_MAX`] bytes.
    #[error("a key has at most {KEY_BYTES_MAX} bytes, this one has {0}")]
    TooLong(usize),
    /// Stored or received bytes are too short to hold a namespace.
    #[error("stored key without a namespace")]
    Malformed,
}

/// A namespace and a user key, ordered by namespace first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Bytes);

impl Key {
    /// Checks the user's bytes and copies them into an allocation of exactly their size.
    pub fn new(namespace: NamespaceId, user_key: &[u8]) -> Result<Self, KeyError> {
        match user_key.len() {
            0 => Err(KeyError::Empty),
            len if len > KEY_BYTES_MAX => Err(KeyError::TooLong(len)),
            len => {
                let mut bytes = Vec::with_capacity(NAMESPACE_BYTES + len);
                bytes.extend_from_slice(&namespace.to_be_bytes());
                bytes.extend_from_slice(user_key);
                Ok(Self(bytes.into()))
            }
        }
    }

    /// Reads what [`Key::as_bytes`] gave; the buffer is shared, not copied.
    pub fn from_stored(bytes: Bytes) -> Result<Self, KeyError> {
        Self::user_key_of(&bytes)?;
        Ok(Self(bytes))
    }

    /// The user's bytes in what [`Key::as_bytes`] gave, when that is within its bounds.
    pub(crate) fn user_key_of(stored: &[u8]) -> Result<&[u8], KeyError> {
        match stored.get(NAMESPACE_BYTES..) {
            None | Some([]) => Err(KeyError::Malformed),
            Some(user_key) if user_key.len() > KEY_BYTES_MAX => Err(KeyError::TooLong(user_key.len())),
            Some(user_key) => Ok(user_key),
        }
    }

    /// Namespace and user key together, as stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The namespace.
    pub fn namespace(&self) -> NamespaceId {
        NamespaceId::from_be_bytes([self.0[0], self.0[1]])
    }

    /// The user's bytes.
    pub fn user_key(&self) -> &[u8] {
        &self.0[NAMESPACE_BYTES..]
    }

    /// The slot: that of the user's bytes, so a namespace does not move a key.
    pub fn slot(&self) -> Slot {
        slot_of(self.user_key())
    }

    /// The same key in an allocation of its own, so that it keeps no larger buffer alive.
    pub fn detached(&self) -> Self {
        Self(Bytes::copy_from_slice(&self.0))
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace(), self.user_key().escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_hold_for_new_and_for_stored_keys() {
        assert_eq!(Key::new(0, b""), Err(KeyError::Empty));
        assert_eq!(Key::new(0, &[b'k'; KEY_BYTES_MAX + 1]), Err(KeyError::TooLong(KEY_BYTES_MAX + 1)));
        for short in [&b""[..], b"\0", b"\0\0"] {
            assert_eq!(Key::from_stored(Bytes::copy_from_slice(short)), Err(KeyError::Malformed));
        }
        let longest = Key::new(7, &[b'k'; KEY_BYTES_MAX]).unwrap();
        let stored = Bytes::copy_from_slice(longest.as_bytes());
        assert_eq!(Key::from_stored(stored.clone()), Ok(longest));
        assert!(Key::from_stored([&stored[..], b"k"].concat().into()).is_err());
    }

    #[test]
    fn a_namespace_does_not_move_a_key() {
        let (a, b) = (Key::new(1, b"foo").unwrap(), Key::new(0x0102, b"foo").unwrap());
        assert_eq!((a.slot(), a.user_key()), (b.slot(), b.user_key()));
        assert_eq!(b.namespace(), 0x0102);
        assert!(a < b);
    }
}
