//! A stored entry: header, key, media type and value in one immutable allocation.
//!
//! One allocation of exactly its size costs less memory than a struct of pointers, lets a short value keep no
//! larger buffer alive, and is the entry's form in a snapshot. The price: a new deadline copies the value.
//!
//! ```text
//!  0 version  8 deadline  16 created  24 modified   u64 each; deadline u64::MAX: never
//! 32 slot    34 key length                          u16 each; the length counts the namespace
//! 36 content 37 media type length                   u8 each
//! 38 key, media type, value
//! ```
//!
//! Records come from [`Record::build`], which takes checked parts, or from [`Record::from_stored`], which
//! checks; so reading one cannot fail.

use std::sync::Arc;

use bytes::{Buf, Bytes};

use super::Entry;
use crate::codec::DecodeError;
use crate::command::{Content, DEADLINE_MS_MAX};
use crate::key::Key;
use crate::limits::{CONTENT_TYPE_BYTES_MAX, KEY_BYTES_MAX, VALUE_BYTES_CEILING};
use crate::slot::{Slot, slot_of};

const DEADLINE_AT: usize = 8;
const CREATED_AT: usize = 16;
const MODIFIED_AT: usize = 24;
const SLOT_AT: usize = 32;
const KEY_LEN_AT: usize = 34;
const CONTENT_AT: usize = 36;
const MEDIA_LEN_AT: usize = 37;
const KEY_AT: usize = 38;

const NEVER: u64 = u64::MAX;
const _: () = assert!(DEADLINE_MS_MAX < NEVER);
const _: () = assert!(KEY_BYTES_MAX + 2 <= u16::MAX as usize);
const _: () = assert!(CONTENT_TYPE_BYTES_MAX <= u8::MAX as usize);

/// Memory an entry takes beyond its key, media type and value, in bytes: the header above, reference
/// counts (16), its place in a slot's table (about 26) and rounding by the allocator (about 8).
pub(crate) const ENTRY_OVERHEAD_BYTES: u64 = 88;
/// Memory a deadline takes on top, in bytes: 24 in the expiry index, whose nodes are about 70 % full.
pub(crate) const DEADLINE_OVERHEAD_BYTES: u64 = 34;

/// A stored entry. Cloning shares it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Record(Arc<[u8]>);

/// The numbers of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) version: u64,
    pub(crate) deadline: Option<u64>,
    pub(crate) created_ms: u64,
    pub(crate) modified_ms: u64,
}

impl Record {
    /// Copies everything into one allocation; the value's parts are joined. `content` was checked.
    pub(crate) fn build(stamp: Stamp, key: &Key, content: &Content, value: &[&[u8]]) -> Self {
        let media: &[u8] = content.media().map_or(&[], |media| media);
        let value_len: usize = value.iter().map(|part| part.len()).sum();
        let mut bytes = Vec::with_capacity(KEY_AT + key.as_bytes().len() + media.len() + value_len);
        for number in [stamp.version, stamp.deadline.unwrap_or(NEVER), stamp.created_ms, stamp.modified_ms] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&key.slot().to_le_bytes());
        bytes.extend_from_slice(&(key.as_bytes().len() as u16).to_le_bytes());
        bytes.extend_from_slice(&[content.tag(), media.len() as u8]);
        bytes.extend_from_slice(key.as_bytes());
        bytes.extend_from_slice(media);
        value.iter().for_each(|part| bytes.extend_from_slice(part));
        Self(bytes.into())
    }

    /// Checks and copies what [`Record::as_bytes`] gave.
    pub(crate) fn from_stored(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() < KEY_AT {
            return Err(DecodeError::Short { need: KEY_AT, have: bytes.len() });
        }
        let record = Self(bytes.into());
        if record.value_at() > bytes.len() {
            return Err(DecodeError::Short { need: record.value_at(), have: bytes.len() });
        }
        record.check()?;
        Ok(record)
    }

    fn check(&self) -> Result<(), DecodeError> {
        let user_key = Key::user_key_of(self.key()).map_err(|_| DecodeError::Invalid("key"))?;
        let content = Content::from_tag(self.0[CONTENT_AT], || Ok(Bytes::copy_from_slice(self.media())))?;
        let rules = [
            (slot_of(user_key) == self.slot(), "slot of a key"),
            (content.check().is_ok(), "content type"),
            (content.media().is_some() || self.media().is_empty(), "content type"),
            (self.value().len() <= VALUE_BYTES_CEILING, "value length"),
            (self.created_ms() <= self.modified_ms(), "modification time"),
        ];
        rules.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, what)| Err(DecodeError::Invalid(what)))
    }

    /// The stored form.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn version(&self) -> u64 {
        self.u64_at(0)
    }

    /// When it expires, in group time (ms); `None`: never.
    pub(crate) fn deadline(&self) -> Option<u64> {
        Some(self.u64_at(DEADLINE_AT)).filter(|&deadline| deadline != NEVER)
    }

    pub(crate) fn created_ms(&self) -> u64 {
        self.u64_at(CREATED_AT)
    }

    pub(crate) fn modified_ms(&self) -> u64 {
        self.u64_at(MODIFIED_AT)
    }

    pub(crate) fn slot(&self) -> Slot {
        self.u16_at(SLOT_AT)
    }

    /// Namespace and user key, as [`Key::as_bytes`] gives them.
    pub(crate) fn key(&self) -> &[u8] {
        &self.0[KEY_AT..self.media_at()]
    }

    pub(crate) fn value(&self) -> &[u8] {
        &self.0[self.value_at()..]
    }

    pub(crate) fn content(&self) -> Content {
        match self.0[CONTENT_AT] {
            0 => Content::Octets,
            1 => Content::Json,
            2 => Content::Text,
            _ => Content::Media(self.shared(self.media_at(), self.value_at())),
        }
    }

    /// Whether it is expired at group time `now_ms`.
    pub(crate) fn is_due(&self, now_ms: u64) -> bool {
        self.deadline().is_some_and(|deadline| deadline <= now_ms)
    }

    /// Bytes it takes by the map's accounting.
    pub(crate) fn accounted_bytes(&self) -> u64 {
        let index = if self.deadline().is_some() { DEADLINE_OVERHEAD_BYTES } else { 0 };
        (self.0.len() - KEY_AT) as u64 + ENTRY_OVERHEAD_BYTES + index
    }

    /// What a read returns; the value shares this record's allocation.
    pub(crate) fn to_entry(&self) -> Entry {
        Entry {
            value: self.shared(self.value_at(), self.0.len()),
            content: self.content(),
            version: self.version(),
            deadline: self.deadline(),
            created_ms: self.created_ms(),
            modified_ms: self.modified_ms(),
        }
    }

    fn media(&self) -> &[u8] {
        &self.0[self.media_at()..self.value_at()]
    }

    fn media_at(&self) -> usize {
        KEY_AT + usize::from(self.u16_at(KEY_LEN_AT))
    }

    fn value_at(&self) -> usize {
        self.media_at() + usize::from(self.0[MEDIA_LEN_AT])
    }

    fn u64_at(&self, at: usize) -> u64 {
        (&self.0[at..]).get_u64_le()
    }

    fn u16_at(&self, at: usize) -> u16 {
        (&self.0[at..]).get_u16_le()
    }

    fn shared(&self, from: usize, to: usize) -> Bytes {
        Bytes::from_owner(self.clone()).slice(from..to)
    }
}

impl AsRef<[u8]> for Record {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.key().escape_ascii(), self.version())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key::new(3, b"k{tag}").unwrap()
    }

    #[test]
    fn keeps_every_part() {
        let stamp = Stamp { version: 9, deadline: Some(70), created_ms: 5, modified_ms: 6 };
        let media = Content::Media(Bytes::from_static(b"image/png"));
        for content in [Content::Octets, Content::Json, Content::Text, media] {
            let built = Record::build(stamp, &key(), &content, &[b"va", b"lue"]);
            let record = Record::from_stored(built.as_bytes()).unwrap();
            assert_eq!(record, built);
            assert_eq!((record.key(), record.slot()), (key().as_bytes(), key().slot()));
            let entry = record.to_entry();
            assert_eq!((&entry.value[..], &entry.content), (&b"value"[..], &content));
            assert_eq!((entry.version, entry.deadline), (9, Some(70)));
            assert_eq!((entry.created_ms, entry.modified_ms), (5, 6));
        }
    }

    #[test]
    fn a_changed_byte_in_slot_or_lengths_is_found() {
        let stamp = Stamp { version: 9, deadline: None, created_ms: 5, modified_ms: 6 };
        let built = Record::build(stamp, &key(), &Content::Octets, &[b"v"]);
        for at in (SLOT_AT..KEY_AT).chain([KEY_AT + 4]) {
            let mut bytes = built.as_bytes().to_vec();
            bytes[at] ^= 0x7f;
            assert!(Record::from_stored(&bytes).is_err(), "byte {at}");
        }
        assert!(Record::from_stored(&built.as_bytes()[..KEY_AT + 3]).is_err());
    }
}
