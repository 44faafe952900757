//! The outer format: a segment's header and the frames of its batches.
//!
//! ```text
//! segment  magic 8 | version 4 | crc 4 | segment 8 | zero 8 | batch | batch | … | zeros
//! batch    magic 4 | crc 4 | length 4 | zero 4 | batch 8 | segment 8 | records | zeros to 8
//! ```
//! Integers are little-endian. A batch's checksum covers its length, its own number and its segment's, so
//! that a batch is valid at one place of one file only. Batches are numbered without gaps over segments.

use std::io;

use super::error::WalError;

/// Bytes of a segment's header.
pub(super) const HEADER_BYTES: usize = 32;
/// Bytes of a batch before its records.
pub(super) const FRAME_BYTES: usize = 32;
/// Batches start at multiples of this.
pub(super) const ALIGN: usize = 8;

const SEGMENT_MAGIC: [u8; 8] = *b"QRWAL\r\n\0";
const BATCH_MAGIC: [u8; 4] = *b"QRBa";
const VERSION: u32 = 1;
const SUFFIX: &str = ".wal";

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
pub(super) fn header(segment: u64) -> [u8; HEADER_BYTES] {
    let mut bytes = [0; HEADER_BYTES];
    bytes[..8].copy_from_slice(&SEGMENT_MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[16..24].copy_from_slice(&segment.to_le_bytes());
    let crc = crc32fast::hash(&bytes[16..]);
    bytes[12..16].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// Checks that `bytes` start with the header of `segment`.
pub(super) fn check_header(segment: u64, bytes: &[u8]) -> Result<(), WalError> {
    let file = segment_name(segment);
    let Some(found) = bytes.get(..HEADER_BYTES).filter(|found| found[..8] == SEGMENT_MAGIC) else {
        return Err(WalError::Corrupt { file, offset: 0, what: "this is no log segment" });
    };
    let version = u32_at(found, 8);
    if version != VERSION {
        return Err(WalError::UnknownVersion { file, version });
    }
    if found != header(segment) {
        return Err(WalError::Corrupt { file, offset: 0, what: "the segment's header does not check" });
    }
    Ok(())
}

/// Empties `buffer` and leaves room for a frame; records follow.
pub(super) fn begin(buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.resize(FRAME_BYTES, 0);
}

/// Fills in the frame of a batch whose records are all in `buffer`, and pads it.
pub(super) fn seal(buffer: &mut Vec<u8>, segment: u64, batch: u64) -> io::Result<()> {
    let length = u32::try_from(buffer.len() - FRAME_BYTES)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a batch of more than 4 GiB"))?;
    buffer[..4].copy_from_slice(&BATCH_MAGIC);
    buffer[8..12].copy_from_slice(&length.to_le_bytes());
    buffer[16..24].copy_from_slice(&batch.to_le_bytes());
    buffer[24..32].copy_from_slice(&segment.to_le_bytes());
    let crc = crc32fast::hash(&buffer[8..]);
    buffer[4..8].copy_from_slice(&crc.to_le_bytes());
    buffer.resize(buffer.len().next_multiple_of(ALIGN), 0);
    Ok(())
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

/// The batch at `at`, if one of `segment` is there and its checksum holds.
pub(super) fn parse(segment: u64, bytes: &[u8], at: usize) -> Option<Frame> {
    let rest = bytes.get(at..)?;
    if rest.len() < FRAME_BYTES || rest[..4] != BATCH_MAGIC || u64_at(rest, 24) != segment {
        return None;
    }
    let length = usize::try_from(u32_at(rest, 8)).ok()?;
    let covered = rest.get(8..FRAME_BYTES + length)?;
    if crc32fast::hash(covered) != u32_at(rest, 4) {
        return None;
    }
    let records = at + FRAME_BYTES;
    let records_end = records + length;
    Some(Frame { batch: u64_at(rest, 16), records, records_end, end: records_end.next_multiple_of(ALIGN) })
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

    fn batch(segment: u64, number: u64, records: &[u8]) -> Vec<u8> {
        let mut buffer = Vec::new();
        begin(&mut buffer);
        buffer.extend_from_slice(records);
        seal(&mut buffer, segment, number).unwrap();
        buffer
    }

    #[test]
    fn a_batch_is_valid_in_its_own_segment_only() {
        let bytes = batch(3, 9, b"hello");
        let frame = parse(3, &bytes, 0).unwrap();
        assert_eq!((frame.batch, &bytes[frame.records..frame.records_end]), (9, &b"hello"[..]));
        assert_eq!(frame.end, bytes.len());
        assert_eq!(parse(4, &bytes, 0), None);
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        let bytes = batch(3, 9, b"hello");
        for bit in 0..(FRAME_BYTES + 5) * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(parse(3, &damaged, 0), None, "bit {bit}");
        }
    }

    #[test]
    fn a_newer_version_is_named_with_its_file() {
        let mut bytes = header(7);
        bytes[8] = 2;
        let error = check_header(7, &bytes).unwrap_err().to_string();
        assert_eq!(error, "00000000000000000007.wal: log format 2 is not known to this program");
    }

    #[test]
    fn only_canonical_names_are_segments() {
        assert_eq!(segment_of(&segment_name(12)), Some(12));
        assert_eq!(segment_of("12.wal"), None);
        assert_eq!(segment_of("00000000000000000012.tmp"), None);
    }
}
