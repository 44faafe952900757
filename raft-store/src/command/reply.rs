//! What commands answer, and how answers travel between nodes.

use bytes::Bytes;

use crate::codec::{DecodeError, Decoder, put_bytes, put_option, put_u64, put_varint};
use crate::map::{Entry, entry, put_entry};

/// What a command did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The key was written.
    Written(Written),
    /// The key was absent already, or is now.
    Deleted {
        /// Whether there was anything to delete.
        deleted: bool,
        /// The group's version when this was applied.
        version: u64,
    },
    /// The group's own state was changed.
    Done,
    /// Nothing changed, and why.
    Rejected(Rejection),
    /// What each command of a transaction did, in order; none of these is `Many` itself.
    Many(Vec<Self>),
    /// What each command of the branch taken did, in order; none of these is a list itself.
    Branched {
        /// Whether what was compared held.
        succeeded: bool,
        /// The replies.
        replies: Vec<Self>,
    },
    /// What stands for the key; `None`: it is absent or expired. Nothing changed.
    Found(Option<Entry>),
    /// What the bit was before.
    Bit(bool),
    /// Bytes of the value as it stands, 0 when the key is absent. Nothing changed.
    Length(u64),
}

/// A key as it stands after a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its new version.
    pub version: u64,
    /// Whether it was absent before.
    pub created: bool,
    /// When it expires, in group time (ms); `None`: never.
    pub deadline: Option<u64>,
    /// The new value, for commands that compute one (`Incr`); the new length for `Append` is in `len`.
    pub value: Option<Bytes>,
    /// Bytes of the value now.
    pub len: u64,
}

/// Why a command changed nothing. Certain: it never will.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The key is absent and the command needs it.
    #[error("no such key")]
    Missing,
    /// The condition did not hold; the version the key has now, if it is present.
    #[error("the key's version is not the expected one")]
    VersionMismatch {
        /// Version of the key as it stands.
        current: Option<u64>,
    },
    /// The value is not a 64-bit signed integer.
    #[error("the value is not an integer")]
    NotANumber,
    /// The sum does not fit into a 64-bit signed integer, or is past the largest decimal number.
    #[error("the result is out of range")]
    Overflow,
    /// The value's content does not take this command (appending to a JSON number, say).
    #[error("the value's type does not allow this")]
    WrongContent,
    /// The value would be longer than `VALUE_BYTES_CEILING`.
    #[error("the value would be too large")]
    TooLarge,
    /// The slot is not this group's: the router's table is outdated.
    #[error("the group does not own this slot")]
    NotOwner,
    /// What the command asks of the key as it stands does not hold: of its deadline, or that it is absent.
    #[error("the key is not as the command asks")]
    Unmet,
    /// The value, or what is to be added to it, is not a decimal number.
    #[error("the value is not a decimal number")]
    NotAFloat,
}

/// The byte in front of a transaction's replies.
const MANY: u8 = 4;
/// The byte in front of a branch's replies.
const BRANCHED: u8 = 8;

/// The replies to one packed entry, with the group time at which it was applied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Replies {
    /// Group time after applying, ms.
    pub time_ms: u64,
    /// One for each command, in order.
    pub replies: Vec<Reply>,
}

/// Appends the replies to a packed entry.
pub fn put_replies(out: &mut Vec<u8>, replies: &Replies) {
    put_u64(out, replies.time_ms);
    put_varint(out, replies.replies.len() as u64);
    replies.replies.iter().for_each(|reply| put_reply(out, reply));
}

/// Reads the replies to a packed entry.
pub fn replies(input: &mut Decoder) -> Result<Replies, DecodeError> {
    let time_ms = input.u64()?;
    let replies = (0..input.count()?).map(|_| reply(input)).collect::<Result<_, _>>()?;
    Ok(Replies { time_ms, replies })
}

/// Appends one reply.
pub fn put_reply(out: &mut Vec<u8>, reply: &Reply) {
    match reply {
        Reply::Written(written) => {
            out.push(0);
            put_written(out, written);
        }
        Reply::Deleted { deleted, version } => {
            out.push(1);
            out.push(u8::from(*deleted));
            put_u64(out, *version);
        }
        Reply::Done => out.push(2),
        Reply::Rejected(rejection) => {
            out.push(3);
            put_rejection(out, rejection);
        }
        Reply::Many(replies) => {
            out.push(MANY);
            put_all(out, replies);
        }
        Reply::Branched { succeeded, replies } => {
            out.extend_from_slice(&[BRANCHED, u8::from(*succeeded)]);
            put_all(out, replies);
        }
        Reply::Found(found) => {
            out.push(5);
            put_option(out, found.as_ref(), put_entry);
        }
        Reply::Bit(bit) => out.extend_from_slice(&[6, u8::from(*bit)]),
        Reply::Length(len) => {
            out.push(7);
            put_varint(out, *len);
        }
    }
}

/// Reads one reply; a value in it shares the input's buffer.
pub fn reply(input: &mut Decoder) -> Result<Reply, DecodeError> {
    match input.u8()? {
        MANY => all(input).map(Reply::Many),
        BRANCHED => Ok(Reply::Branched { succeeded: input.bool()?, replies: all(input)? }),
        tag => single(tag, input),
    }
}

fn put_all(out: &mut Vec<u8>, replies: &[Reply]) {
    put_varint(out, replies.len() as u64);
    replies.iter().for_each(|reply| put_reply(out, reply));
}

fn all(input: &mut Decoder) -> Result<Vec<Reply>, DecodeError> {
    let one = |input: &mut Decoder| input.u8().and_then(|tag| single(tag, input));
    (0..input.count()?).map(|_| one(input)).collect()
}

/// Reads a reply that holds no others.
fn single(tag: u8, input: &mut Decoder) -> Result<Reply, DecodeError> {
    Ok(match tag {
        0 => Reply::Written(written(input)?),
        1 => Reply::Deleted { deleted: input.bool()?, version: input.u64()? },
        2 => Reply::Done,
        3 => Reply::Rejected(rejection(input)?),
        5 => Reply::Found(input.option(entry)?),
        6 => Reply::Bit(input.bool()?),
        7 => Reply::Length(input.varint()?),
        value => return Err(DecodeError::Unknown { what: "reply", value: value.into() }),
    })
}

fn put_written(out: &mut Vec<u8>, written: &Written) {
    put_u64(out, written.version);
    out.push(u8::from(written.created));
    put_option(out, written.deadline, put_u64);
    put_option(out, written.value.as_deref(), put_bytes);
    put_varint(out, written.len);
}

fn written(input: &mut Decoder) -> Result<Written, DecodeError> {
    Ok(Written {
        version: input.u64()?,
        created: input.bool()?,
        deadline: input.option(Decoder::u64)?,
        value: input.option(Decoder::bytes)?,
        len: input.varint()?,
    })
}

/// Appends a rejection.
pub fn put_rejection(out: &mut Vec<u8>, rejection: &Rejection) {
    match rejection {
        Rejection::Missing => out.push(0),
        Rejection::VersionMismatch { current } => {
            out.push(1);
            put_option(out, *current, put_u64);
        }
        Rejection::NotANumber => out.push(2),
        Rejection::Overflow => out.push(3),
        Rejection::WrongContent => out.push(4),
        Rejection::TooLarge => out.push(5),
        Rejection::NotOwner => out.push(6),
        Rejection::Unmet => out.push(7),
        Rejection::NotAFloat => out.push(8),
    }
}

/// Reads a rejection.
pub fn rejection(input: &mut Decoder) -> Result<Rejection, DecodeError> {
    Ok(match input.u8()? {
        0 => Rejection::Missing,
        1 => Rejection::VersionMismatch { current: input.option(Decoder::u64)? },
        2 => Rejection::NotANumber,
        3 => Rejection::Overflow,
        4 => Rejection::WrongContent,
        5 => Rejection::TooLarge,
        6 => Rejection::NotOwner,
        7 => Rejection::Unmet,
        8 => Rejection::NotAFloat,
        value => return Err(DecodeError::Unknown { what: "rejection", value: value.into() }),
    })
}
