//! `persist`: an existing key never expires any more.

use super::Condition;
use crate::key::Key;

/// Take the deadline from an existing key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Persist {
    /// The key.
    pub key: Key,
    /// What must hold.
    pub condition: Condition,
}
