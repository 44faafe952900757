//! Packed entries: many commands in one Raft entry, with the leader's time and wall clock in front.
//!
//! Layout: format version (1 byte), leader time, wall clock (8 bytes each), number of commands (4 bytes),
//! then the commands one after the other, without padding or checksum: the log and the peer frames that
//! carry an entry have their own.

use bytes::{Buf, Bytes};

use super::Command;
use crate::codec::{DecodeError, Decoder};
use crate::limits::{DETACHED_BYTES_MAX, PACKED_BYTES_TARGET, PACKED_COMMANDS_MAX};

/// Version of the layout above. A reader refuses every other.
const FORMAT: u8 = 1;
const TIME_AT: usize = 1;
const WALL_AT: usize = 9;
const COUNT_AT: usize = 17;
const HEADER_BYTES: usize = 21;

/// A Raft entry's payload: an encoded batch of commands. Cheap to clone; decoded when applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedEntry(Bytes);

impl PackedEntry {
    /// Takes bytes that came from a log or a peer and checks their framing, not each command.
    pub fn from_bytes(bytes: Bytes) -> Result<Self, DecodeError> {
        let Some(&format) = bytes.first().filter(|_| bytes.len() >= HEADER_BYTES) else {
            return Err(DecodeError::Short { need: HEADER_BYTES, have: bytes.len() });
        };
        if format != FORMAT {
            return Err(DecodeError::Unknown { what: "packed entry format", value: format.into() });
        }
        let entry = Self(bytes);
        // Every command takes at least its tag.
        if entry.len() > entry.0.len() - HEADER_BYTES {
            return Err(DecodeError::Invalid("number of commands"));
        }
        Ok(entry)
    }

    /// The same in an allocation of its own, if it is small: received bytes are part of a larger read buffer, which
    /// a small entry that is kept would keep alive.
    pub fn detached(self) -> Self {
        if self.0.len() < DETACHED_BYTES_MAX { Self(Bytes::copy_from_slice(&self.0)) } else { self }
    }

    /// The encoded form.
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// The leader's time when it proposed this, ms.
    pub fn time_ms(&self) -> u64 {
        (&self.0[TIME_AT..]).get_u64_le()
    }

    /// The leader's wall clock when it proposed this, ms since 1970.
    pub fn wall_ms(&self) -> u64 {
        (&self.0[WALL_AT..]).get_u64_le()
    }

    /// Number of commands.
    pub fn len(&self) -> usize {
        (&self.0[COUNT_AT..]).get_u32_le() as usize
    }

    /// Whether this is a bare tick.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The commands, decoded one by one; keys and values share the entry's buffer. Ends after an error, and
    /// bytes left over behind the last command are one.
    pub fn commands(&self) -> impl Iterator<Item = Result<Command, DecodeError>> + '_ {
        Commands { input: Decoder::new(self.0.slice(HEADER_BYTES..)), left: self.len() }
    }
}

/// Reads exactly `left` commands and then the end.
struct Commands {
    input: Decoder,
    left: usize,
}

impl Iterator for Commands {
    type Item = Result<Command, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            let trailing = std::mem::replace(&mut self.input, Decoder::new(Bytes::new()));
            return trailing.finish().err().map(Err);
        }
        let command = Command::read(&mut self.input);
        if command.is_ok() {
            self.left -= 1;
        } else {
            *self = Self { input: Decoder::new(Bytes::new()), left: 0 };
        }
        Some(command)
    }
}

/// Encodes commands to be forwarded to the node that leads their group.
pub fn encode_commands<'a>(commands: impl IntoIterator<Item = &'a Command, IntoIter: Clone>) -> Bytes {
    let commands = commands.into_iter();
    let mut out = Vec::with_capacity(commands.clone().map(about_bytes).sum());
    commands.for_each(|command| command.put(&mut out));
    out.into()
}

/// Room to make for an encoded command: enough for the usual ones.
fn about_bytes(command: &Command) -> usize {
    const FIELDS_BYTES: usize = 40;
    let value = if let Command::Set(set) = command { set.value.len() } else { 0 };
    FIELDS_BYTES + value + command.keys().map(|key| key.as_bytes().len()).sum::<usize>()
}

/// Decodes exactly `count` commands that [`encode_commands`] wrote; they share the buffer.
pub fn decode_commands(commands: Bytes, count: usize) -> Result<Vec<Command>, DecodeError> {
    Commands { input: Decoder::new(commands), left: count }.collect()
}

/// Builds a packed entry.
#[derive(Debug, Default)]
pub struct Packer {
    /// Empty, or room for the header and the commands so far.
    buffer: Vec<u8>,
    commands: u32,
}

impl Packer {
    /// An empty packer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a command.
    pub fn push(&mut self, command: &Command) {
        self.reserve_header();
        command.put(&mut self.buffer);
        self.commands += 1;
    }

    /// Adds commands that [`encode_commands`] encoded on another node: copied as they are, but checked first,
    /// because an entry that no replica can decode must never reach the log.
    pub fn push_received(&mut self, commands: &Bytes, count: u32) -> Result<(), DecodeError> {
        Commands { input: Decoder::new(commands.clone()), left: count as usize }
            .try_for_each(|c| c.map(drop))?;
        self.push_encoded(commands, count);
        Ok(())
    }

    /// Adds commands that [`encode_commands`] encoded in this program: copied as they are.
    pub fn push_encoded(&mut self, commands: &[u8], count: u32) {
        self.reserve_header();
        self.buffer.extend_from_slice(commands);
        self.commands += count;
    }

    /// Number of commands so far.
    pub fn len(&self) -> usize {
        self.commands as usize
    }

    /// Whether nothing was pushed.
    pub fn is_empty(&self) -> bool {
        self.commands == 0
    }

    /// Whether `PACKED_COMMANDS_MAX` or `PACKED_BYTES_TARGET` is reached. What is pushed all the same still
    /// makes a valid entry: the first command, or forwarded batch, that crosses the line travels with it.
    pub fn is_full(&self) -> bool {
        self.len() >= PACKED_COMMANDS_MAX || self.buffer.len() >= PACKED_BYTES_TARGET
    }

    /// Stamps the entry with the leader's time and wall clock, and leaves the packer empty.
    pub fn finish(&mut self, time_ms: u64, wall_ms: u64) -> PackedEntry {
        self.reserve_header();
        let Self { mut buffer, commands } = std::mem::take(self);
        buffer[0] = FORMAT;
        buffer[TIME_AT..WALL_AT].copy_from_slice(&time_ms.to_le_bytes());
        buffer[WALL_AT..COUNT_AT].copy_from_slice(&wall_ms.to_le_bytes());
        buffer[COUNT_AT..HEADER_BYTES].copy_from_slice(&commands.to_le_bytes());
        PackedEntry(buffer.into())
    }

    fn reserve_header(&mut self) {
        if self.buffer.is_empty() {
            self.buffer.resize(HEADER_BYTES, 0);
        }
    }
}
