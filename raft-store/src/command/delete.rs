//! `delete`: remove a key; an absent one is no error.

use super::Condition;
use crate::key::Key;

/// Remove a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delete {
    /// The key.
    pub key: Key,
    /// What must hold.
    pub condition: Condition,
}
