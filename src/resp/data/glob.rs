//! Patterns of `KEYS` and `SCAN`, as Redis matches them (`stringmatchlen` in its `util.c`), without its backtracking:
//! see [`Glob::matches`].

use bytes::Bytes;

/// A pattern: `*` any bytes, `?` one byte, `[a-z]`, `[^a]`, and `\` before a byte that is meant as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(Bytes);
