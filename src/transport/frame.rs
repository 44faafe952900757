//! Frames: what goes over a peer connection, as values and as bytes. Pure.
//!
//! ```text
//! length u32 | kind u8 | service u8 | call u64 | body          (little-endian; length counts what follows it)
//! ```

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::Service;

/// Bytes of a frame before its body.
pub(super) const HEADER_BYTES: usize = LENGTH_BYTES + 1 + 1 + 8;
const LENGTH_BYTES: usize = 4;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// First frame of the dialling end.
    Hello,
    /// The accepting end agrees.
    Welcome,
    /// The accepting end does not; the body says why, as text.
    Refuse,
    /// A question.
    Call,
    /// The answer to the call of the same number.
    Answer,
    /// There will be no answer to that call; the body says why, as text.
    Dropped,
    /// Shows that the sender lives.
    Beat,
    /// The sender became a member of the cluster named in the body.
    Cluster,
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::Hello,
        Self::Welcome,
        Self::Refuse,
        Self::Call,
        Self::Answer,
        Self::Dropped,
        Self::Beat,
        Self::Cluster,
    ];

    fn from_wire(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|&kind| kind as u8 == byte)
    }
}

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    pub(super) service: Service,
    pub(super) call: u64,
    pub(super) body: Bytes,
}

/// Bytes that are no frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum FrameError {
    #[error("a frame of {bytes} bytes, at most {max} are allowed")]
    TooLarge { bytes: usize, max: usize },
    #[error("a frame shorter than its header")]
    TooShort,
    #[error("a frame of unknown kind {0}")]
    UnknownKind(u8),
}

impl Frame {
    /// A frame that belongs to no call.
    pub(super) fn control(kind: Kind, body: Bytes) -> Self {
        Self { kind, service: 0, call: 0, body }
    }

    /// Its size as bytes.
    pub(super) fn wire_bytes(&self) -> usize {
        HEADER_BYTES + self.body.len()
    }

    /// Writes everything before the body.
    pub(super) fn put_header(&self, out: &mut BytesMut) {
        let length = self.wire_bytes() - LENGTH_BYTES;
        out.put_u32_le(
            u32::try_from(length).expect("frames are checked against FRAME_BYTES_MAX when queued"),
        );
        out.put_u8(self.kind as u8);
        out.put_u8(self.service);
        out.put_u64_le(self.call);
    }

    /// The whole frame as bytes; for the few that are not sent through a queue.
    pub(super) fn to_bytes(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(self.wire_bytes());
        self.put_header(&mut out);
        out.put_slice(&self.body);
        out.freeze()
    }
}

/// What [`split`] found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Split {
    /// A whole frame, now gone from the buffer.
    Frame(Frame),
    /// At least so many more bytes are needed.
    More(usize),
}

/// Splits the first frame off `buffer`, without copying its body. The length is judged as soon as it is
/// there, so a too large frame costs nothing.
pub(super) fn split(buffer: &mut BytesMut, frame_bytes_max: usize) -> Result<Split, FrameError> {
    let Some(length) = buffer.first_chunk::<LENGTH_BYTES>() else {
        return Ok(Split::More(HEADER_BYTES - buffer.len()));
    };
    let bytes = LENGTH_BYTES.saturating_add(u32::from_le_bytes(*length) as usize);
    if bytes > frame_bytes_max {
        return Err(FrameError::TooLarge { bytes, max: frame_bytes_max });
    }
    if bytes < HEADER_BYTES {
        return Err(FrameError::TooShort);
    }
    if buffer.len() < bytes {
        return Ok(Split::More(bytes - buffer.len()));
    }
    let mut rest = buffer.split_to(bytes).freeze();
    rest.advance(LENGTH_BYTES);
    let kind = rest.get_u8();
    let kind = Kind::from_wire(kind).ok_or(FrameError::UnknownKind(kind))?;
    Ok(Split::Frame(Frame { kind, service: rest.get_u8(), call: rest.get_u64_le(), body: rest }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(body: &'static [u8]) -> Frame {
        Frame { kind: Kind::Call, service: 7, call: u64::MAX - 1, body: Bytes::from_static(body) }
    }

    #[test]
    fn frames_come_back_whole_from_any_cut() {
        let wire = [frame(b"one").to_bytes(), frame(b"").to_bytes()].concat();
        for cut in 0..wire.len() {
            let mut buffer = BytesMut::from(&wire[..cut]);
            let mut found = Vec::new();
            for part in [&wire[cut..], &[]] {
                while let Split::Frame(frame) = split(&mut buffer, 100).unwrap() {
                    found.push(frame);
                }
                buffer.extend_from_slice(part);
            }
            assert_eq!(found, [frame(b"one"), frame(b"")], "cut at {cut}");
        }
    }

    #[test]
    fn every_kind_survives_the_wire() {
        for kind in Kind::ALL {
            let sent = Frame::control(kind, Bytes::from_static(b"x"));
            let mut buffer = BytesMut::from(&sent.to_bytes()[..]);
            assert_eq!(split(&mut buffer, 100), Ok(Split::Frame(sent)));
        }
    }

    #[test]
    fn the_limit_counts_the_whole_frame_and_judges_by_the_length_alone() {
        let wire = frame(b"body").to_bytes();
        let max = wire.len();
        assert!(matches!(split(&mut BytesMut::from(&wire[..]), max), Ok(Split::Frame(_))));
        let mut start = BytesMut::from(&wire[..4]);
        assert_eq!(split(&mut start, max - 1), Err(FrameError::TooLarge { bytes: max, max: max - 1 }));
    }

    #[test]
    fn nonsense_is_an_error() {
        assert_eq!(split(&mut BytesMut::from(&[0, 0, 0, 0][..]), 100), Err(FrameError::TooShort));
        let mut wire = frame(b"").to_bytes().to_vec();
        wire[4] = 200;
        assert_eq!(split(&mut BytesMut::from(&wire[..]), 100), Err(FrameError::UnknownKind(200)));
    }
}
