//! What the bytes of a value are, kept beside them so that each view of an entry can show them rightly.

use bytes::Bytes;

use super::Rejection;
use crate::codec::{DecodeError, Decoder, put_bytes};
use crate::limits::CONTENT_TYPE_BYTES_MAX;

/// What the bytes of a value are, so that each view of an entry can show them rightly.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Content {
    /// Bytes of no known type (`application/octet-stream`); what the Redis protocol writes.
    #[default]
    Octets,
    /// A JSON text other than a string (`application/json`).
    Json,
    /// A JSON string, stored as its plain UTF-8 text (`text/plain; charset=utf-8`).
    Text,
    /// Any other media type, as the client named it (at most `CONTENT_TYPE_BYTES_MAX` bytes of ASCII).
    Media(Bytes),
}

impl Content {
    /// Refuses a media type outside its bounds. Judged when a command is applied, not when it is decoded:
    /// an adapter that let one through costs its client an error, not the group its log.
    pub(crate) fn check(&self) -> Result<(), Rejection> {
        match self.media() {
            Some(media) if media.is_empty() || !media.is_ascii() || media.len() > CONTENT_TYPE_BYTES_MAX => {
                Err(Rejection::WrongContent)
            }
            _ => Ok(()),
        }
    }

    /// The name of a media type other than the built-in ones.
    pub(crate) fn media(&self) -> Option<&Bytes> {
        match self {
            Self::Octets | Self::Json | Self::Text => None,
            Self::Media(media) => Some(media),
        }
    }

    /// The number that stands for the variant in stored and sent bytes.
    pub(crate) fn tag(&self) -> u8 {
        match self {
            Self::Octets => 0,
            Self::Json => 1,
            Self::Text => 2,
            Self::Media(_) => 3,
        }
    }

    /// The content with this [`Content::tag`]; `media` is asked for only when the tag needs it.
    pub(crate) fn from_tag(
        tag: u8,
        media: impl FnOnce() -> Result<Bytes, DecodeError>,
    ) -> Result<Self, DecodeError> {
        match tag {
            0 => Ok(Self::Octets),
            1 => Ok(Self::Json),
            2 => Ok(Self::Text),
            3 => Ok(Self::Media(media()?)),
            value => Err(DecodeError::Unknown { what: "content", value: value.into() }),
        }
    }
}

/// Appends a content.
pub fn put_content(out: &mut Vec<u8>, content: &Content) {
    out.push(content.tag());
    if let Some(media) = content.media() {
        put_bytes(out, media);
    }
}

/// Reads a content.
pub fn content(input: &mut Decoder) -> Result<Content, DecodeError> {
    let tag = input.u8()?;
    Content::from_tag(tag, || input.bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_has_bounds() {
        let media = |bytes: Vec<u8>| Content::Media(bytes.into()).check();
        assert_eq!(media(vec![b'a'; CONTENT_TYPE_BYTES_MAX]), Ok(()));
        assert_eq!(media(vec![b'a'; CONTENT_TYPE_BYTES_MAX + 1]), Err(Rejection::WrongContent));
        assert_eq!(media(vec![]), Err(Rejection::WrongContent));
        assert_eq!(media(vec![0xe9]), Err(Rejection::WrongContent));
        assert_eq!(Content::Json.check(), Ok(()));
    }
}
