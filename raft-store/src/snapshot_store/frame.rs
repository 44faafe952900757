//! The bytes of snapshots at rest and on the wire.
//!
//! Everything is sealed: magic, format version and a CRC32 over all of it stand in front. A chunk's frame
//! names its group, snapshot and place within the sealed part, so that a chunk found at the wrong key, or
//! sent in the wrong order, is seen as surely as a flipped bit.

use bytes::Bytes;

use super::covers::Covers;
use super::error::CorruptReason;
use super::{Record, SnapshotId};
use crate::codec::{Decoder, put_u32, put_u64};
use crate::limits::SNAPSHOT_CHUNK_BYTES_MAX;

type Read<T> = Result<T, CorruptReason>;

const VERSION: u8 = 1;
const CHUNK: [u8; 4] = *b"QSch";
const RECORD: [u8; 4] = *b"QSre";
const BEGUN: [u8; 4] = *b"QSbe";

/// Magic, version, checksum.
const SEAL_BYTES: usize = 4 + 1 + 4;

fn checksum(magic: [u8; 4], version: u8, body: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&magic);
    crc.update(&[version]);
    crc.update(body);
    crc.finalize()
}

fn seal(magic: [u8; 4], body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(SEAL_BYTES + body.len());
    out.extend_from_slice(&magic);
    out.push(VERSION);
    put_u32(&mut out, checksum(magic, VERSION, body));
    out.extend_from_slice(body);
    out
}

fn unseal(magic: [u8; 4], sealed: &Bytes) -> Read<Decoder> {
    let mut input = Decoder::new(sealed.clone());
    if input.take(magic.len())? != magic[..] {
        return Err(CorruptReason::Magic);
    }
    let version = input.u8()?;
    if version != VERSION {
        return Err(CorruptReason::Version(version));
    }
    if input.u32()? != checksum(magic, version, &sealed[SEAL_BYTES..]) {
        return Err(CorruptReason::Checksum);
    }
    Ok(input)
}

fn put_id(out: &mut Vec<u8>, id: SnapshotId) {
    put_u32(out, id.group);
    put_u64(out, id.sequence);
}

fn read_id(input: &mut Decoder) -> Read<SnapshotId> {
    Ok(SnapshotId { group: input.u32()?, sequence: input.u64()? })
}

/// A chunk as it is stored and sent: verified, still compressed.
#[derive(Debug)]
pub(super) struct Frame {
    /// The snapshot the frame was written for.
    pub(super) id: SnapshotId,
    /// The chunk's place in it.
    pub(super) index: u32,
    bytes_before: u32,
    compressed: Bytes,
}

impl Frame {
    /// Compresses `chunk`, which is at most `SNAPSHOT_CHUNK_BYTES_MAX` bytes.
    pub(super) fn compress(id: SnapshotId, index: u32, chunk: &[u8]) -> Self {
        const { assert!(SNAPSHOT_CHUNK_BYTES_MAX <= u32::MAX as usize) };
        let compressed = lz4_flex::block::compress(chunk).into();
        Self { id, index, bytes_before: chunk.len() as u32, compressed }
    }

    /// The same chunk as part of another snapshot.
    pub(super) fn readdress(self, id: SnapshotId, index: u32) -> Self {
        Self { id, index, ..self }
    }

    /// The sealed bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(20 + self.compressed.len());
        put_id(&mut body, self.id);
        put_u32(&mut body, self.index);
        put_u32(&mut body, self.bytes_before);
        body.extend_from_slice(&self.compressed);
        seal(CHUNK, &body)
    }

    /// Checks the seal; the caller compares `id` and `index` with what it expects.
    pub(super) fn decode(sealed: &Bytes) -> Read<Self> {
        let mut input = unseal(CHUNK, sealed)?;
        let id = read_id(&mut input)?;
        let (index, bytes_before) = (input.u32()?, input.u32()?);
        let compressed = input.take(input.remaining())?;
        Ok(Self { id, index, bytes_before, compressed })
    }

    /// The chunk as it was written.
    pub(super) fn decompress(&self) -> Read<Vec<u8>> {
        let len = self.bytes_before as usize;
        if len > SNAPSHOT_CHUNK_BYTES_MAX {
            return Err(CorruptReason::Compression);
        }
        let chunk =
            lz4_flex::block::decompress(&self.compressed, len).map_err(|_| CorruptReason::Compression)?;
        if chunk.len() == len { Ok(chunk) } else { Err(CorruptReason::Compression) }
    }
}

/// Encodes a group's record of its current snapshot.
pub(super) fn encode_record(record: &Record) -> Vec<u8> {
    let mut body = Vec::new();
    put_id(&mut body, record.id);
    put_u32(&mut body, record.chunks);
    put_u64(&mut body, record.bytes);
    record.covers.put(&mut body);
    seal(RECORD, &body)
}

/// Reads what [`encode_record`] wrote.
pub(super) fn decode_record(sealed: &Bytes) -> Read<Record> {
    let mut input = unseal(RECORD, sealed)?;
    let id = read_id(&mut input)?;
    let (chunks, bytes) = (input.u32()?, input.u64()?);
    Ok(Record { id, chunks, bytes, covers: Covers::read(&mut input)? })
}

/// Encodes the note that chunks of snapshot `id` may exist.
pub(super) fn encode_begun(id: SnapshotId) -> Vec<u8> {
    let mut body = Vec::new();
    put_id(&mut body, id);
    seal(BEGUN, &body)
}

/// Reads what [`encode_begun`] wrote.
pub(super) fn decode_begun(sealed: &Bytes) -> Read<SnapshotId> {
    let mut input = unseal(BEGUN, sealed)?;
    let id = read_id(&mut input)?;
    input.finish()?;
    Ok(id)
}
