//! Byte encodings of Raft's own messages and records.
