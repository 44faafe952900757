//! The outer format: a segment's header and the frames of its batches.
//!
//! ```text
//! segment  magic 8 | version 4 | crc 4 | number 8 | salt 8 | batch | batch | … | anything
//! batch    magic 4 | crc of the head 4 | salt 8 | segment 8 | number 8 | length 4 | crc of the records 4
//!          | records | padding to 8
//! ```
//! Integers are little-endian. A head's checksum covers all of the head behind it, so a head is intact at one
//! place of one log only: what an earlier use of the file left behind has another segment's number, and what a
//! client stores cannot have the salt, which no client ever sees. Batches are numbered without gaps over segments.

use std::io;

use super::error::WalError;

/// Bytes of a segment's header.
pub(super) const HEADER_BYTES: usize = 32;
/// Bytes of a batch before its records.
pub(super) const FRAME_BYTES: usize = 40;
/// Batches start at multiples of this.
pub(super) const ALIGN: usize = 8;

const SEGMENT_MAGIC: [u8; 8] = *b"QRWAL\r\n\0";
const BATCH_MAGIC: [u8; 4] = *b"QRBa";
const VERSION: u32 = 2;
const SUFFIX: &str = ".wal";

/// A segment of one log: what each of its batches is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Home {
    /// The log's salt.
    pub(super) salt: u64,
    /// Number of the segment.
    pub(super) segment: u64,
}

/// File name of a segment.
pub(super) fn segment_name(segment: u64) -> String {
    format!("{segment:020}{SUFFIX}")
}

/// The segment a file name stands for.
pub(super) fn segment_of(name: &str) -> Option<u64> {
    let number = name.strip_suffix(SUFFIX)?.parse().ok()?;
    (segment_name(number) == name).then_some(number)
}

/// The header of a segment.
pub(super) fn header(home: Home) -> [u8; HEADER_BYTES] {
    let mut bytes = [0; HEADER_BYTES];
    bytes[..8].copy_from_slice(&SEGMENT_MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[16..24].copy_from_slice(&home.segment.to_le_bytes());
    bytes[24..32].copy_from_slice(&home.salt.to_le_bytes());
    let crc = crc32fast::hash(&bytes[16..]);
    bytes[12..16].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// Checks that `bytes` start with the header of `segment`, and says which log it is of.
pub(super) fn check_header(segment: u64, bytes: &[u8]) -> Result<Home, WalError> {
    let file = segment_name(segment);
    let Some(found) = bytes.get(..HEADER_BYTES).filter(|found| found[..8] == SEGMENT_MAGIC) else {
        return Err(WalError::Corrupt { file, offset: 0, what: "this is no log segment".into() });
    };
    let version = u32_at(found, 8);
    if version != VERSION {
        return Err(WalError::UnknownVersion { file, version, known: VERSION });
    }
    let home = Home { salt: u64_at(found, 24), segment };
    if found != header(home) {
        return Err(WalError::Corrupt {
            file,
            offset: 0,
            what: "the segment's header does not check".into(),
        });
    }
    Ok(home)
}

/// Empties `buffer` and leaves room for a frame; records follow.
pub(super) fn begin(buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.resize(FRAME_BYTES, 0);
}

/// Fills in the frame of a batch whose records are all in `buffer`, and pads it.
pub(super) fn seal(buffer: &mut Vec<u8>, home: Home, batch: u64) -> io::Result<()> {
    let length = u32::try_from(buffer.len() - FRAME_BYTES)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a batch of more than 4 GiB"))?;
    let records = crc32fast::hash(&buffer[FRAME_BYTES..]);
    buffer[..4].copy_from_slice(&BATCH_MAGIC);
    buffer[8..16].copy_from_slice(&home.salt.to_le_bytes());
    buffer[16..24].copy_from_slice(&home.segment.to_le_bytes());
    buffer[24..32].copy_from_slice(&batch.to_le_bytes());
    buffer[32..36].copy_from_slice(&length.to_le_bytes());
    buffer[36..40].copy_from_slice(&records.to_le_bytes());
    let head = crc32fast::hash(&buffer[8..FRAME_BYTES]);
    buffer[4..8].copy_from_slice(&head.to_le_bytes());
    buffer.resize(buffer.len().next_multiple_of(ALIGN), 0);
    Ok(())
}

/// An intact head of a batch. It proves that every batch before it was whole on disk when it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// Number of the batch.
    pub(super) batch: u64,
    length: u32,
    records: u32,
}

/// A valid batch within a segment's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    /// Number of the batch.
    pub(super) batch: u64,
    /// Where its records start.
    pub(super) records: usize,
    /// Where its records end.
    pub(super) records_end: usize,
    /// Where the next batch starts.
    pub(super) end: usize,
}

/// The head at `at`, if an intact one of `home` is there.
pub(super) fn head(home: Home, bytes: &[u8], at: usize) -> Option<Head> {
    let head = bytes.get(at..at + FRAME_BYTES)?;
    if head[..4] != BATCH_MAGIC || u64_at(head, 8) != home.salt || u64_at(head, 16) != home.segment {
        return None;
    }
    let intact = crc32fast::hash(&head[8..]) == u32_at(head, 4);
    intact.then(|| Head { batch: u64_at(head, 24), length: u32_at(head, 32), records: u32_at(head, 36) })
}

/// The batch at `at`, if one of `home` is there and its checksums hold.
pub(super) fn parse(home: Home, bytes: &[u8], at: usize) -> Option<Frame> {
    let head = head(home, bytes, at)?;
    let records = at + FRAME_BYTES;
    let records_end = records.checked_add(usize::try_from(head.length).ok()?)?;
    if crc32fast::hash(bytes.get(records..records_end)?) != head.records {
        return None;
    }
    Some(Frame { batch: head.batch, records, records_end, end: records_end.next_multiple_of(ALIGN) })
}

/// The first intact head of `home` at `from` or behind it, and where. One pass, whatever the bytes are.
pub(super) fn next_head(home: Home, bytes: &[u8], from: usize) -> Option<(usize, Head)> {
    (from..bytes.len()).step_by(ALIGN).find_map(|at| head(home, bytes, at).map(|head| (at, head)))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: Home = Home { salt: 77, segment: 3 };

    fn batch(home: Home, number: u64, records: &[u8]) -> Vec<u8> {
        let mut buffer = Vec::new();
        begin(&mut buffer);
        buffer.extend_from_slice(records);
        seal(&mut buffer, home, number).unwrap();
        buffer
    }

    #[test]
    fn a_batch_is_valid_in_its_own_segment_of_its_own_log_only() {
        let bytes = batch(HOME, 9, b"hello");
        let frame = parse(HOME, &bytes, 0).unwrap();
        assert_eq!((frame.batch, &bytes[frame.records..frame.records_end]), (9, &b"hello"[..]));
        assert_eq!(frame.end, bytes.len());
        assert_eq!(parse(Home { segment: 4, ..HOME }, &bytes, 0), None);
        assert_eq!(parse(Home { salt: 78, ..HOME }, &bytes, 0), None);
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        let bytes = batch(HOME, 9, b"hello");
        for bit in 0..(FRAME_BYTES + 5) * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(parse(HOME, &damaged, 0), None, "bit {bit}");
            assert_eq!(head(HOME, &damaged, 0).is_some(), bit >= FRAME_BYTES * 8, "bit {bit}");
        }
    }

    #[test]
    fn a_head_is_found_behind_anything_but_a_copy_of_it_is_none() {
        let mut bytes = vec![0xa5; 16];
        bytes.extend(batch(Home { salt: 0, ..HOME }, 9, b"made by a client"));
        let at = bytes.len();
        bytes.extend(batch(HOME, 9, b"hello"));
        assert_eq!(next_head(HOME, &bytes, 0).map(|(at, head)| (at, head.batch)), Some((at, 9)));
        assert_eq!(next_head(HOME, &bytes, at + ALIGN), None);
    }

    #[test]
    fn another_version_is_named_with_its_file() {
        for version in [1, 3] {
            let mut bytes = header(Home { segment: 7, salt: 1 });
            bytes[8] = version;
            let error = check_header(7, &bytes).unwrap_err().to_string();
            let wanted =
                format!("00000000000000000007.wal: log format {version} is not known to this program");
            assert!(error.starts_with(&wanted), "{error}");
        }
    }

    #[test]
    fn only_canonical_names_are_segments() {
        assert_eq!(segment_of(&segment_name(12)), Some(12));
        assert_eq!(segment_of("12.wal"), None);
        assert_eq!(segment_of("00000000000000000012.tmp"), None);
    }
}
