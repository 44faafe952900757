//! A stored entry as bytes: the same in a page of the map and in a chunk of a snapshot.
//!
//! ```text
//! flags           u8      bits 0-1 content, 2 there is a deadline, 3 modified after it was created,
//!                         4 a namespace other than 0
//! namespace       u16     when bit 4 says so
//! key length      varint
//! key                     the user's bytes
//! version         varint
//! created         varint  ms of group time
//! modified        varint  ms since created, when bit 3 says so; never 0
//! deadline        varint  ms since modified (modulo 2⁶⁴), when bit 2 says so
//! media type      length u8 and bytes, only for content 3
//! value length    varint
//! value           as many bytes; in a page only when they are at most INLINE_VALUE_BYTES_MAX
//! ```
//!
//! The bytes are a function of the entry alone and the other way round: varints are of the shortest form, and
//! nothing is written that a flag can say. [`Record::read`] refuses everything else, so what stands in a page
//! was checked when it came in.

use bytes::Bytes;

use super::{Entry, KeyRef};
use crate::codec::{DecodeError, put_varint};
use crate::command::{Content, DEADLINE_MS_MAX};
use crate::key::NamespaceId;
use crate::limits::{CONTENT_TYPE_BYTES_MAX, KEY_BYTES_MAX, VALUE_BYTES_CEILING};

/// Longest value that stands in a page; a longer one has an allocation of its own, which reads share.
pub(super) const INLINE_VALUE_BYTES_MAX: usize = if cfg!(test) { 8 } else { 1024 };
/// Most bytes of a record in a page: flags, lengths, key, four numbers, media type, value.
pub(super) const PAGED_RECORD_BYTES_MAX: usize =
    1 + 2 + 2 + KEY_BYTES_MAX + 4 * 10 + 1 + CONTENT_TYPE_BYTES_MAX + 4 + INLINE_VALUE_BYTES_MAX;

const CONTENT_BITS: u8 = 0b0011;
const HAS_DEADLINE: u8 = 0b0100;
const WAS_MODIFIED: u8 = 0b1000;
const HAS_NAMESPACE: u8 = 0b1_0000;
const KNOWN_BITS: u8 = 0b1_1111;
const MEDIA: u8 = 3;

/// The numbers of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) version: u64,
    pub(crate) deadline: Option<u64>,
    pub(crate) created_ms: u64,
    pub(crate) modified_ms: u64,
}

impl Stamp {
    /// Whether the entry is expired at group time `now_ms`.
    pub(crate) fn is_due(&self, now_ms: u64) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now_ms)
    }
}

/// A record that was read; its parts stand where it was read from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record<'a> {
    pub(crate) key: KeyRef<'a>,
    pub(crate) stamp: Stamp,
    pub(crate) value_len: usize,
    content: u8,
    media: &'a [u8],
    /// Everything before the value.
    pub(crate) head: &'a [u8],
    /// What stands behind the head: the value first, when it is here at all.
    pub(crate) behind: &'a [u8],
}

/// Writes a record up to its value, which has `value_len` bytes. `content` was checked.
pub(crate) fn put_head(
    out: &mut Vec<u8>,
    stamp: &Stamp,
    key: KeyRef<'_>,
    content: &Content,
    value_len: usize,
) {
    let modified = stamp.modified_ms.wrapping_sub(stamp.created_ms);
    let flags = [
        (stamp.deadline.is_some(), HAS_DEADLINE),
        (modified > 0, WAS_MODIFIED),
        (key.namespace != 0, HAS_NAMESPACE),
    ];
    let flags = flags.iter().map(|(is_set, flag)| u8::from(*is_set) * flag);
    out.push(flags.fold(content.tag(), |all, flag| all | flag));
    if key.namespace != 0 {
        out.extend_from_slice(&key.namespace.to_le_bytes());
    }
    put_varint(out, key.user_key.len() as u64);
    out.extend_from_slice(key.user_key);
    put_varint(out, stamp.version);
    put_varint(out, stamp.created_ms);
    if modified > 0 {
        put_varint(out, modified);
    }
    if let Some(deadline) = stamp.deadline {
        put_varint(out, deadline.wrapping_sub(stamp.modified_ms));
    }
    if let Some(media) = content.media() {
        out.push(media.len() as u8);
        out.extend_from_slice(media);
    }
    put_varint(out, value_len as u64);
}

impl<'a> Record<'a> {
    /// Reads the record at the start of `bytes` and checks it, up to its value.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut input = Input(bytes);
        let flags = input.byte()?;
        if flags & !KNOWN_BITS != 0 {
            return Err(DecodeError::Unknown { what: "record flags", value: flags.into() });
        }
        let key = input.key(flags)?;
        let stamp = input.stamp(flags)?;
        let content = flags & CONTENT_BITS;
        let media = if content == MEDIA { input.media()? } else { &[] };
        let value_len = usize::try_from(input.varint()?).unwrap_or(usize::MAX);
        if value_len > VALUE_BYTES_CEILING {
            return Err(DecodeError::Invalid("value length"));
        }
        let (head, behind) = bytes.split_at(bytes.len() - input.0.len());
        Ok(Self { key, stamp, value_len, content, media, head, behind })
    }

    /// Reads a record of a page.
    pub(crate) fn checked(bytes: &'a [u8]) -> Self {
        Self::read(bytes).expect("a record is checked before it comes into a page")
    }

    /// Whether the value stands outside the page.
    pub(crate) fn is_large(&self) -> bool {
        self.value_len > INLINE_VALUE_BYTES_MAX
    }

    pub(crate) fn content(&self) -> Content {
        match self.content {
            0 => Content::Octets,
            1 => Content::Json,
            2 => Content::Text,
            _ => Content::Media(Bytes::copy_from_slice(self.media)),
        }
    }

    /// The entry, with its value.
    pub(crate) fn to_entry(self, value: Bytes) -> Entry {
        let Stamp { version, deadline, created_ms, modified_ms } = self.stamp;
        Entry { value, content: self.content(), version, deadline, created_ms, modified_ms }
    }
}

/// The key of a record of a page, without reading the rest.
pub(super) fn key_of(bytes: &[u8]) -> KeyRef<'_> {
    Input(&bytes[1..]).key(bytes[0]).expect("a record is checked before it comes into a page")
}

/// The bytes of a value on its way into the map.
#[derive(Debug)]
pub(crate) enum Value<'a> {
    /// Someone else's: they are copied, so that no larger buffer is kept alive.
    Foreign(&'a [u8]),
    /// In an allocation of just their size, which is shared when the value is large.
    Own(Bytes),
}

impl Value<'_> {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Foreign(bytes) => bytes,
            Self::Own(bytes) => bytes,
        }
    }

    /// The value for itself, when it is too long for a page.
    pub(super) fn into_large(self) -> Option<Bytes> {
        match self {
            _ if self.as_bytes().len() <= INLINE_VALUE_BYTES_MAX => None,
            Self::Foreign(bytes) => Some(Bytes::copy_from_slice(bytes)),
            Self::Own(bytes) => Some(bytes),
        }
    }
}

/// What is left to read.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let short = DecodeError::Short { need: len, have: self.0.len() };
        let (taken, rest) = self.0.split_at_checked(len).ok_or(short)?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, DecodeError> {
        Ok(self.take(1)?[0])
    }

    /// A varint of the shortest form.
    fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0;
        for (at, &byte) in self.0.iter().enumerate().take(10) {
            let bits = u64::from(byte & 0x7f);
            value |= bits << (7 * at);
            if byte & 0x80 == 0 {
                let too_long = byte == 0 && at > 0;
                let too_large = at == 9 && bits > 1;
                self.0 = &self.0[at + 1..];
                return if too_long || too_large { Err(DecodeError::Invalid("varint")) } else { Ok(value) };
            }
        }
        Err(if self.0.len() < 10 {
            DecodeError::Short { need: 1, have: 0 }
        } else {
            DecodeError::Invalid("varint")
        })
    }

    fn key(&mut self, flags: u8) -> Result<KeyRef<'a>, DecodeError> {
        let (mut namespace, said) = (0, flags & HAS_NAMESPACE != 0);
        if said {
            let bytes = self.take(size_of::<NamespaceId>())?;
            namespace = NamespaceId::from_le_bytes([bytes[0], bytes[1]]);
        }
        let len = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
        if said != (namespace != 0) || len == 0 || len > KEY_BYTES_MAX {
            return Err(DecodeError::Invalid("key"));
        }
        Ok(KeyRef { namespace, user_key: self.take(len)? })
    }

    fn stamp(&mut self, flags: u8) -> Result<Stamp, DecodeError> {
        let (version, created_ms) = (self.varint()?, self.varint()?);
        let later = if flags & WAS_MODIFIED == 0 { 0 } else { self.varint()? };
        let modified_ms = created_ms.checked_add(later).ok_or(DecodeError::Invalid("modification time"))?;
        if later == 0 && flags & WAS_MODIFIED != 0 {
            return Err(DecodeError::Invalid("modification time"));
        }
        let mut deadline = None;
        if flags & HAS_DEADLINE != 0 {
            deadline = Some(modified_ms.wrapping_add(self.varint()?));
        }
        if deadline > Some(DEADLINE_MS_MAX) {
            return Err(DecodeError::Invalid("deadline"));
        }
        Ok(Stamp { version, deadline, created_ms, modified_ms })
    }

    fn media(&mut self) -> Result<&'a [u8], DecodeError> {
        let len = usize::from(self.byte()?);
        let media = self.take(len)?;
        let fits = !media.is_empty() && media.len() <= CONTENT_TYPE_BYTES_MAX && media.is_ascii();
        if fits { Ok(media) } else { Err(DecodeError::Invalid("content type")) }
    }
}

#[cfg(test)]
mod tests;
