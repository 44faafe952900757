//! The requests of the Redis protocol: arrays of bulk strings, and inline commands.
//!
//! Relies on nothing but the bytes. Guarantees: however the bytes are cut into pieces the commands are the same, no
//! byte of a half-sent command is searched twice, nothing panics, and no command takes more than its [`Limits`]. The rules and the texts of errors are those of Redis 7 (`networking.c`,
//! `processMultibulkBuffer` and `processInlineBuffer`).

mod inline;

use bytes::{Buf, Bytes, BytesMut};

use crate::limits::{
    RESP_ARGUMENTS_MAX, RESP_BULK_ROOM, RESP_LINE_BYTES_MAX, RESP_STRANGER_ARGUMENTS_MAX,
    RESP_STRANGER_BULK_BYTES_MAX, resp_command_bytes_max,
};

/// Arguments up to this length, in bytes, are copied when they stand in a larger buffer, which they would keep alive.
const COPIED_BYTES_MAX: usize = 512;
/// Most arguments room is made for before they are there.
const ARGUMENTS_AHEAD_MAX: usize = 1024;
/// What `\r\n` takes.
const LINE_END: usize = 2;

/// One command: its name and its arguments.
pub type Frame = Vec<Bytes>;

/// What a client sent that is no request; the connection is of no use afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// The number of arguments is no number, or too large.
    #[error("Protocol error: invalid multibulk length")]
    MultibulkLength,
    /// The length of an argument is no number, negative or too large.
    #[error("Protocol error: invalid bulk length")]
    BulkLength,
    /// An argument does not begin as it must.
    #[error("Protocol error: expected '$', got '{}'", char::from(*.0))]
    NoBulk(u8),
    /// The number of arguments does not end.
    #[error("Protocol error: too big mbulk count string")]
    LongMultibulkLength,
    /// The length of an argument does not end.
    #[error("Protocol error: too big bulk count string")]
    LongBulkLength,
    /// An inline command has a quote that is not closed, or something right behind one.
    #[error("Protocol error: unbalanced quotes in request")]
    Quotes,
    /// An inline command does not end.
    #[error("Protocol error: too big inline request")]
    LongInline,
    /// All arguments together are too long.
    #[error("Protocol error: too big request")]
    LongCommand,
}

/// What a command may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most arguments, the name included.
    pub arguments: usize,
    /// Longest argument, in bytes.
    pub bulk_bytes: usize,
    /// Longest inline command and longest number, in bytes.
    pub line_bytes: usize,
    /// Longest command, in bytes.
    pub command_bytes: usize,
}

impl Limits {
    /// The limits of a server that takes values up to `value_bytes_max`.
    pub const fn for_values(value_bytes_max: usize) -> Self {
        Self {
            arguments: RESP_ARGUMENTS_MAX,
            bulk_bytes: value_bytes_max + RESP_BULK_ROOM,
            line_bytes: RESP_LINE_BYTES_MAX,
            command_bytes: resp_command_bytes_max(value_bytes_max),
        }
    }

    /// The limits for who has still to show a token: enough for that, and as Redis has them.
    pub const fn for_strangers() -> Self {
        Self {
            arguments: RESP_STRANGER_ARGUMENTS_MAX,
            bulk_bytes: RESP_STRANGER_BULK_BYTES_MAX,
            line_bytes: RESP_STRANGER_BULK_BYTES_MAX,
            command_bytes: RESP_STRANGER_ARGUMENTS_MAX * RESP_STRANGER_BULK_BYTES_MAX,
        }
    }
}

/// Where the parser is within a command whose arguments come one by one.
#[derive(Debug)]
struct Multibulk {
    arguments: Frame,
    /// Arguments that are not there yet.
    left: usize,
    /// Length of the next argument, once it was read.
    next: Option<usize>,
    /// Bytes of the arguments that were announced so far.
    bytes: usize,
    /// As [`Parser::searched`].
    searched: usize,
}

/// Takes commands from the front of a buffer that grows at its end.
#[derive(Debug)]
pub struct Parser {
    limits: Limits,
    open: Option<Multibulk>,
    /// Bytes at the front of the buffer that are known to hold no end of a line.
    searched: usize,
}

impl Parser {
    /// At the start of a connection.
    pub fn new(limits: Limits) -> Self {
        Self { limits, open: None, searched: 0 }
    }

    /// Has other limits from now on.
    pub fn limit(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Takes the next whole command from `buffer`; `None`: it is not all there. A command without arguments, which
    /// clients may send, is passed over.
    ///
    /// # Errors
    /// What was sent is no request. What is in the buffer afterwards means nothing.
    pub fn next(&mut self, buffer: &mut BytesMut) -> Result<Option<Frame>, ProtocolError> {
        loop {
            let frame = match (&mut self.open, buffer.first()) {
                (Some(open), _) => match open.proceed(buffer, &self.limits)? {
                    true => self.open.take().map(|done| done.arguments),
                    false => None,
                },
                (None, None) => None,
                (None, Some(b'*')) => {
                    let Some(count) = self.count(buffer)? else { return Ok(None) };
                    if count > 0 {
                        self.open = Some(Multibulk::of(count));
                    }
                    continue;
                }
                (None, Some(_)) => match self.inline(buffer)? {
                    Some(arguments) if arguments.is_empty() => continue,
                    inline => inline,
                },
            };
            return Ok(frame);
        }
    }

    /// Bytes that are still to come of the argument being read: room worth making for it.
    pub fn missing_bytes(&self, buffer: &BytesMut) -> usize {
        let next = self.open.as_ref().and_then(|open| open.next);
        next.map_or(0, |len| (len + LINE_END).saturating_sub(buffer.len()))
    }

    /// Whether a command has begun and is not all there.
    pub fn is_within_command(&self) -> bool {
        self.open.is_some()
    }

    /// Reads `*3`.
    fn count(&mut self, buffer: &mut BytesMut) -> Result<Option<usize>, ProtocolError> {
        let Some(end) = find(buffer, &mut self.searched, b'\r', self.limits.line_bytes) else {
            return not_yet(buffer, self.limits.line_bytes, ProtocolError::LongMultibulkLength);
        };
        let Some(count) = take_number(buffer, end, &mut self.searched) else { return Ok(None) };
        match count.map(|count| usize::try_from(count.max(0))) {
            // Redis takes a negative count for none at all.
            Some(Ok(count)) if count <= self.limits.arguments => Ok(Some(count)),
            _ => Err(ProtocolError::MultibulkLength),
        }
    }

    fn inline(&mut self, buffer: &mut BytesMut) -> Result<Option<Frame>, ProtocolError> {
        let Some(end) = find(buffer, &mut self.searched, b'\n', self.limits.line_bytes) else {
            return not_yet(buffer, self.limits.line_bytes, ProtocolError::LongInline);
        };
        let line = &buffer[..end];
        let words = inline::split(line.strip_suffix(b"\r").unwrap_or(line)).ok_or(ProtocolError::Quotes)?;
        buffer.advance(end + 1);
        Ok(Some(words))
    }
}

impl Multibulk {
    fn of(count: usize) -> Self {
        Self {
            arguments: Vec::with_capacity(count.min(ARGUMENTS_AHEAD_MAX)),
            left: count,
            next: None,
            bytes: 0,
            searched: 0,
        }
    }

    /// Takes what arguments are there; whether these were all.
    fn proceed(&mut self, buffer: &mut BytesMut, limits: &Limits) -> Result<bool, ProtocolError> {
        while self.left > 0 {
            let len = match self.next {
                Some(len) => len,
                None => match self.length(buffer, limits)? {
                    Some(len) => *self.next.insert(len),
                    None => return Ok(false),
                },
            };
            // As Redis does, this takes two bytes after an argument for the end of its line, whatever they are.
            if buffer.len() < len + LINE_END {
                return Ok(false);
            }
            self.arguments.push(take_argument(buffer, len));
            self.next = None;
            self.left -= 1;
        }
        Ok(true)
    }

    /// Reads `$5`.
    fn length(&mut self, buffer: &mut BytesMut, limits: &Limits) -> Result<Option<usize>, ProtocolError> {
        if let Some(&first) = buffer.first()
            && first != b'$'
        {
            return Err(ProtocolError::NoBulk(first));
        }
        let Some(end) = find(buffer, &mut self.searched, b'\r', limits.line_bytes) else {
            return not_yet(buffer, limits.line_bytes, ProtocolError::LongBulkLength);
        };
        let Some(len) = take_number(buffer, end, &mut self.searched) else { return Ok(None) };
        let len = len.and_then(|len| usize::try_from(len).ok());
        let len = len.filter(|len| *len <= limits.bulk_bytes).ok_or(ProtocolError::BulkLength)?;
        self.bytes += len;
        if self.bytes > limits.command_bytes {
            return Err(ProtocolError::LongCommand);
        }
        Ok(Some(len))
    }
}

/// Takes an argument and the end of its line. A large one shares the buffer, a small one is copied out of it.
fn take_argument(buffer: &mut BytesMut, len: usize) -> Bytes {
    if len <= COPIED_BYTES_MAX {
        let argument = Bytes::copy_from_slice(&buffer[..len]);
        buffer.advance(len + LINE_END);
        return argument;
    }
    let argument = buffer.split_to(len).freeze();
    buffer.advance(LINE_END);
    argument
}

/// Where `wanted` is first among the first `bytes_max` bytes and one more; what was `searched` before is passed over.
fn find(buffer: &BytesMut, searched: &mut usize, wanted: u8, bytes_max: usize) -> Option<usize> {
    let line = &buffer[..buffer.len().min(bytes_max + 1)];
    let found = line[*searched..].iter().position(|byte| *byte == wanted).map(|at| *searched + at);
    *searched = if found.is_some() { 0 } else { line.len() };
    found
}

/// What it means that a line has no end: more is to come, or it is too long.
fn not_yet<T>(
    buffer: &BytesMut,
    bytes_max: usize,
    too_long: ProtocolError,
) -> Result<Option<T>, ProtocolError> {
    if buffer.len() > bytes_max { Err(too_long) } else { Ok(None) }
}

/// Takes a line that is a kind, a number and, at `end`, `\r` and one more byte. The number is `None` when it is none;
/// the whole is when the last byte is not there.
fn take_number(buffer: &mut BytesMut, end: usize, searched: &mut usize) -> Option<Option<i64>> {
    if buffer.len() < end + LINE_END {
        *searched = end;
        return None;
    }
    let number = number(&buffer[1..end]);
    buffer.advance(end + LINE_END);
    Some(number)
}

/// A whole number as Redis reads one (`string2ll`): no plus sign, no leading zeros, no spaces.
fn number(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let plain = match digits {
        [b'0'] => text.len() == 1,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    std::str::from_utf8(text).ok().filter(|_| plain)?.parse().ok()
}

#[cfg(test)]
mod tests;
