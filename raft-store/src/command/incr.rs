//! `incr`: add to a 64-bit signed integer stored as decimal text, as Redis's INCRBY does.

use super::Condition;
use crate::key::Key;

/// Add to a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incr {
    /// The key.
    pub key: Key,
    /// What to add; negative to subtract.
    pub by: i64,
    /// What an absent key counts as; without it an absent key is `Missing`.
    pub init: Option<i64>,
    /// What must hold.
    pub condition: Condition,
}
