//! `append`: add bytes to the end of a value, creating it when absent.

use bytes::Bytes;

use super::{Condition, Content};
use crate::key::Key;

/// Append bytes to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// The key.
    pub key: Key,
    /// What to append.
    pub suffix: Bytes,
    /// Content of the value when this creates it (`Text` or `Octets`).
    pub content: Content,
    /// What must hold.
    pub condition: Condition,
}
