//! The byte encoding everything stored or sent shares: little-endian integers, varint lengths.
//!
//! Integers are fixed-width little-endian, lengths and small counts are LEB128 varints, options are one
//! byte. Decoding never panics and never allocates more than the input holds.

/// Why bytes could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The input ended too early.
    #[error("input ends {0} bytes too early")]
    Short(usize),
    /// A tag, flag or version this program does not know.
    #[error("unknown {what}: {value}")]
    Unknown {
        /// What was read.
        what: &'static str,
        /// Its value.
        value: u64,
    },
    /// A value outside its bounds.
    #[error("invalid {0}")]
    Invalid(&'static str),
    /// Bytes left over at the end.
    #[error("{0} bytes left over")]
    Trailing(usize),
}
