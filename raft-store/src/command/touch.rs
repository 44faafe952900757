//! `touch`: a new deadline for an existing key; its value and creation stay, its version grows.

use super::Condition;
use crate::key::Key;

/// Give an existing key a new deadline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    /// The key.
    pub key: Key,
    /// Milliseconds of group time from now until it expires.
    pub ttl_ms: u64,
    /// What must hold.
    pub condition: Condition,
}
