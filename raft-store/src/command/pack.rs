//! Packed entries: many commands in one Raft entry, with the leader's time and wall clock in front.

use bytes::Bytes;

use super::Command;
use crate::codec::DecodeError;

/// A Raft entry's payload: an encoded batch of commands. Cheap to clone; decoded when applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedEntry(Bytes);

impl PackedEntry {
    /// Takes bytes that came from a log or a peer and checks their framing, not each command.
    pub fn from_bytes(_bytes: Bytes) -> Result<Self, DecodeError> {
        unimplemented!()
    }

    /// The encoded form.
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// The leader's time when it proposed this, ms.
    pub fn time_ms(&self) -> u64 {
        unimplemented!()
    }

    /// The leader's wall clock when it proposed this, ms since 1970.
    pub fn wall_ms(&self) -> u64 {
        unimplemented!()
    }

    /// Number of commands.
    pub fn len(&self) -> usize {
        unimplemented!()
    }

    /// Whether this is a bare tick.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The commands, decoded one by one.
    pub fn commands(&self) -> impl Iterator<Item = Result<Command, DecodeError>> + '_ {
        std::iter::empty()
    }
}

/// Builds a packed entry.
#[derive(Debug, Default)]
pub struct Packer {
    buffer: Vec<u8>,
    commands: u32,
}

impl Packer {
    /// An empty packer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a command.
    pub fn push(&mut self, _command: &Command) {
        unimplemented!()
    }

    /// Adds commands that are already encoded (a forwarded batch).
    /// Number of commands so far.
    pub fn len(&self) -> usize {
        self.commands as usize
    }

    /// Whether nothing was pushed.
    pub fn is_empty(&self) -> bool {
        self.commands == 0
    }

    /// Whether `PACKED_COMMANDS_MAX` or `PACKED_BYTES_TARGET` is reached.
    pub fn is_full(&self) -> bool {
        unimplemented!()
    }

    /// Stamps the entry with the leader's time and wall clock, and leaves the packer empty.
    pub fn finish(&mut self, _time_ms: u64, _wall_ms: u64) -> PackedEntry {
        let _ = &self.buffer;
        unimplemented!()
    }
}
