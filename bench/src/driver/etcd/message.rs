//! The messages of etcd's `rpc.proto` that are needed, in Protocol Buffers' wire format, each in a gRPC frame.

use anyhow::{Context, bail, ensure};
use bytes::Bytes;

/// Bytes before a message: whether it is compressed, and its length.
const FRAME_BYTES: usize = 5;

/// Kinds of fields, as the wire format numbers them.
const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const LENGTH: u64 = 2;
const FIXED_32: u64 = 5;

/// `PutRequest { key = 1, value = 2 }`.
pub(super) fn put(key: &[u8], value: &[u8]) -> Bytes {
    framed(|out| {
        bytes(1, key, out);
        bytes(2, value, out);
    })
}

/// `RangeRequest { key = 1, serializable = 7 }`: one key.
pub(super) fn get(key: &[u8], serializable: bool) -> Bytes {
    framed(|out| {
        bytes(1, key, out);
        number(7, serializable.into(), out);
    })
}

/// `RangeRequest { key = 1, range_end = 2, limit = 3, serializable = 7 }`: up to `keys` keys from this one on.
pub(super) fn scan(from: &[u8], keys: u32, serializable: bool) -> Bytes {
    framed(|out| {
        bytes(1, from, out);
        // A single zero means: without an end.
        bytes(2, &[0], out);
        number(3, keys.into(), out);
        number(7, serializable.into(), out);
    })
}

/// The count of a `RangeResponse { count = 4 }`.
pub(super) fn range_count(message: &[u8]) -> anyhow::Result<u64> {
    let (mut rest, mut count) = (message, 0);
    while !rest.is_empty() {
        let tag = take_varint(&mut rest)?;
        match tag & 7 {
            VARINT => {
                let value = take_varint(&mut rest)?;
                if tag >> 3 == 4 {
                    count = value;
                }
            }
            FIXED_64 => skip(&mut rest, 8)?,
            FIXED_32 => skip(&mut rest, 4)?,
            LENGTH => {
                let length = take_varint(&mut rest)?;
                skip(&mut rest, usize::try_from(length)?)?;
            }
            kind => bail!("a field of kind {kind}"),
        }
    }
    Ok(count)
}

/// The one message in a gRPC body.
pub(super) fn unframe(body: &[u8]) -> anyhow::Result<&[u8]> {
    let (head, message) = body.split_at_checked(FRAME_BYTES).context("an answer without a message")?;
    ensure!(head[0] == 0, "a compressed message");
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
    ensure!(length == message.len(), "a message of {} bytes that says {length}", message.len());
    Ok(message)
}

fn framed(write: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut out = vec![0; FRAME_BYTES];
    write(&mut out);
    // Values are bounded far below 4 GiB.
    let length = (out.len() - FRAME_BYTES) as u32;
    out[1..FRAME_BYTES].copy_from_slice(&length.to_be_bytes());
    out.into()
}

fn bytes(field: u64, bytes: &[u8], out: &mut Vec<u8>) {
    push_varint(field << 3 | LENGTH, out);
    push_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// Zero is what a field that is left out means.
fn number(field: u64, value: u64, out: &mut Vec<u8>) {
    if value != 0 {
        push_varint(field << 3 | VARINT, out);
        push_varint(value, out);
    }
}

fn push_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn take_varint(input: &mut &[u8]) -> anyhow::Result<u64> {
    let mut value = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let (byte, rest) = input.split_first().context("a message that ends in a number")?;
        *input = rest;
        value |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    bail!("a number of more than ten bytes")
}

fn skip(input: &mut &[u8], count: usize) -> anyhow::Result<()> {
    *input = input.get(count..).context("a message that ends in a field")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back() {
        for value in [0, 1, 127, 128, 300, 1 << 32, u64::MAX] {
            let mut out = Vec::new();
            push_varint(value, &mut out);
            let mut input = &out[..];
            assert_eq!(take_varint(&mut input).unwrap(), value);
            assert!(input.is_empty());
        }
        // The specification's own example.
        let mut out = Vec::new();
        push_varint(150, &mut out);
        assert_eq!(out, [0x96, 0x01]);
        assert!(take_varint(&mut &[0x80; 11][..]).is_err() && take_varint(&mut &[0x80][..]).is_err());
    }

    #[test]
    fn requests_are_as_protoc_writes_them() {
        assert_eq!(&put(b"k", b"vw")[..], b"\0\0\0\0\x07\x0a\x01k\x12\x02vw");
        assert_eq!(&get(b"k", false)[..], b"\0\0\0\0\x03\x0a\x01k");
        assert_eq!(&get(b"k", true)[..], b"\0\0\0\0\x05\x0a\x01k\x38\x01");
        assert_eq!(&scan(b"k", 300, false)[..], b"\0\0\0\0\x09\x0a\x01k\x12\x01\0\x18\xac\x02");
    }

    #[test]
    fn a_count_is_found_among_other_fields() {
        // header = {…}, kvs = {…}, more = true, count = 300; a fixed64 and a fixed32 that are not known.
        let message = b"\x0a\x03abc\x12\x02\x20\x07\x18\x01\x20\xac\x02\x29xxxxxxxx\x35xxxx";
        assert_eq!(range_count(message).unwrap(), 300);
        assert_eq!(range_count(b"").unwrap(), 0);
        for cut in [1, 3, 6] {
            assert!(range_count(&message[..cut]).is_err(), "cut at {cut}");
        }
        assert!(range_count(b"\x0b").is_err());
    }

    #[test]
    fn frames_must_be_whole_and_plain() {
        assert_eq!(unframe(b"\0\0\0\0\x02ab").unwrap(), b"ab");
        for body in [&b""[..], b"\0\0\0\0\x03ab", b"\0\0\0\0\x01ab", b"\x01\0\0\0\x02ab"] {
            assert!(unframe(body).is_err());
        }
    }
}
