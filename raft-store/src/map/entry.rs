//! What a read returns, and how it travels between nodes.

use bytes::Bytes;

use crate::codec::{DecodeError, Decoder, put_bytes, put_option, put_u64};
use crate::command::{Content, content, put_content};

/// One visible entry, as a read returns it. Cloning shares the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The value.
    pub value: Bytes,
    /// What the value is.
    pub content: Content,
    /// The group's version when it last changed.
    pub version: u64,
    /// When it expires, in group time (ms); `None`: never.
    pub deadline: Option<u64>,
    /// Group time when the key was created, ms.
    pub created_ms: u64,
    /// Group time when its value last changed, ms; a new deadline alone does not move it.
    pub modified_ms: u64,
}

/// What a look-up finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// The key is there.
    Hit(Entry),
    /// The key is absent or expired.
    Miss,
    /// The slot is not this group's.
    NotOwner,
}

/// Appends an entry.
pub fn put_entry(out: &mut Vec<u8>, entry: &Entry) {
    put_u64(out, entry.version);
    put_option(out, entry.deadline, put_u64);
    put_u64(out, entry.created_ms);
    put_u64(out, entry.modified_ms);
    put_content(out, &entry.content);
    put_bytes(out, &entry.value);
}

/// Reads an entry; its value shares the input's buffer.
pub fn entry(input: &mut Decoder) -> Result<Entry, DecodeError> {
    let version = input.u64()?;
    let deadline = input.option(Decoder::u64)?;
    let (created_ms, modified_ms) = (input.u64()?, input.u64()?);
    let content = content(input)?;
    Ok(Entry { value: input.bytes()?, content, version, deadline, created_ms, modified_ms })
}

/// Appends what a look-up found.
pub fn put_lookup(out: &mut Vec<u8>, lookup: &Lookup) {
    match lookup {
        Lookup::Hit(entry) => {
            out.push(0);
            put_entry(out, entry);
        }
        Lookup::Miss => out.push(1),
        Lookup::NotOwner => out.push(2),
    }
}

/// Reads what a look-up found.
pub fn lookup(input: &mut Decoder) -> Result<Lookup, DecodeError> {
    Ok(match input.u8()? {
        0 => Lookup::Hit(entry(input)?),
        1 => Lookup::Miss,
        2 => Lookup::NotOwner,
        value => return Err(DecodeError::Unknown { what: "look-up", value: value.into() }),
    })
}
