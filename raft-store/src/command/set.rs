//! `set`: write a value, under a condition if asked.

use bytes::Bytes;

use super::{Condition, Content, Expiry};
use crate::key::Key;

/// Write a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    /// The key.
    pub key: Key,
    /// Its new value.
    pub value: Bytes,
    /// What the value is.
    pub content: Content,
    /// When it expires.
    pub expiry: Expiry,
    /// What must hold.
    pub condition: Condition,
}
