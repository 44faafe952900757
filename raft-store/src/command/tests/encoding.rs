//! Commands, packed entries and replies as bytes: fixed, reversible, and never believed blindly.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::limits::{PACKED_BYTES_TARGET, PACKED_COMMANDS_MAX};
use crate::map::{lookup, put_lookup};

#[test]
fn a_packer_is_full_by_count_or_by_bytes() {
    let mut packer = Packer::new();
    assert!(packer.is_empty() && !packer.is_full());
    (0..PACKED_COMMANDS_MAX).for_each(|_| packer.push(&delete(Condition::None)));
    assert!(packer.is_full());
    assert_eq!(packer.finish(1, 2).len(), PACKED_COMMANDS_MAX);
    assert!(packer.is_empty() && !packer.is_full(), "finish leaves the packer empty");
    packer.push(&set(&"x".repeat(PACKED_BYTES_TARGET)));
    assert!(packer.is_full());
}

#[test]
fn the_bytes_of_a_packed_entry_are_fixed() {
    let entry = arbitrary::packed(2, 3, &[delete(Condition::Version(4))]);
    let expected: &[u8] = &[
        1, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, // header
        2, 3, 0, 0, b'k', 3, 4, 0, 0, 0, 0, 0, 0, 0, // delete, key with its namespace, condition
    ];
    assert_eq!(&entry.as_bytes()[..], expected);
    assert_eq!((entry.time_ms(), entry.wall_ms(), entry.len()), (2, 3, 1));
}

/// Logs outlive the program that wrote them: a change of these bytes needs a new format number.
#[test]
fn the_bytes_of_each_command_are_fixed() {
    let media = Content::Media(Bytes::from_static(b"a/b"));
    let cases: [(Command, &[u8]); 6] = [
        (
            set_full("v", media, Expiry::AfterMs(300), Condition::Absent),
            b"\x01\x03\0\0k\x03\x03a/b\x01\xac\x02\x01\x01v",
        ),
        (set("v"), b"\x01\x03\0\0k\0\0\0\x01v"),
        (touch(5, Condition::Present), b"\x03\x03\0\0k\x05\x02"),
        (persist(Condition::None), b"\x04\x03\0\0k\0"),
        (incr(-1, Some(2)), b"\x05\x03\0\0k\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02\0\0\0\0\0\0\0\0"),
        (append(b"ab", Content::Text), b"\x06\x03\0\0k\x02\0\x80\x80\x80\x80\x80\x20\x02ab"),
    ];
    for (command, bytes) in cases {
        assert_eq!(&encode_commands(std::slice::from_ref(&command))[..], bytes, "{command:?}");
    }
    let slots = [0u16, 9].into_iter().collect();
    let assign = encode_commands(&[Command::AssignSlots(AssignSlots { epoch: 6, slots })]);
    assert_eq!((assign[0], assign[1], assign[9], assign[10], assign.len()), (7, 6, 1, 2, 1 + 8 + 2048));
}

#[test]
fn a_broken_header_or_batch_is_refused() {
    let good = arbitrary::packed(2, 3, &[delete(Condition::None)]);
    let changed = |at: usize, to: u8| {
        let mut bytes = good.as_bytes().to_vec();
        bytes[at] = to;
        PackedEntry::from_bytes(bytes.into())
    };
    assert!(matches!(changed(0, 2), Err(DecodeError::Unknown { .. })));
    assert_eq!(changed(17, 200), Err(DecodeError::Invalid("number of commands")));
    assert!(PackedEntry::from_bytes(good.as_bytes().slice(..20)).is_err());

    let mut packer = Packer::new();
    let batch = encode_commands(&[delete(Condition::None)]);
    assert!(packer.push_encoded(&batch, 2).is_err());
    assert!(packer.push_encoded(&Bytes::from_static(&[99]), 1).is_err());
    assert!(packer.is_empty() && packer.finish(1, 1).is_empty(), "a refused batch leaves no trace");
}

proptest! {
    #![proptest_config(arbitrary::cases(256))]

    #[test]
    fn commands_survive_packing_and_forwarding(first in arbitrary::commands(), second in arbitrary::commands()) {
        let encoded = encode_commands(&second);
        prop_assert_eq!(&decode_commands(encoded.clone(), second.len()).unwrap(), &second);
        let mut packer = Packer::new();
        first.iter().for_each(|command| packer.push(command));
        packer.push_encoded(&encoded, second.len() as u32).unwrap();
        let entry = PackedEntry::from_bytes(packer.finish(5, 6).as_bytes().clone()).unwrap();
        let read: Vec<Command> = entry.commands().collect::<Result<_, _>>().unwrap();
        prop_assert_eq!((entry.len(), entry.is_empty()), (read.len(), read.is_empty()));
        prop_assert_eq!(read, [first, second].concat());
    }

    #[test]
    fn replies_survive_their_encoding(expected in arbitrary::replies()) {
        let mut out = Vec::new();
        put_replies(&mut out, &expected);
        let mut input = Decoder::new(out.into());
        prop_assert_eq!(replies(&mut input).unwrap(), expected);
        prop_assert_eq!(input.finish(), Ok(()));
    }

    #[test]
    fn look_ups_survive_their_encoding(expected in arbitrary::lookup()) {
        let mut out = Vec::new();
        put_lookup(&mut out, &expected);
        let mut input = Decoder::new(out.into());
        prop_assert_eq!(lookup(&mut input).unwrap(), expected);
        prop_assert_eq!(input.finish(), Ok(()));
    }

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..100), count in 0..5usize) {
        let bytes = Bytes::from(bytes);
        let _ = decode_commands(bytes.clone(), count);
        let _ = replies(&mut Decoder::new(bytes.clone()));
        let _ = lookup(&mut Decoder::new(bytes.clone()));
        let mut framed = vec![1; 17];
        framed.extend_from_slice(&(count as u32).to_le_bytes());
        framed.extend_from_slice(&bytes);
        if let Ok(entry) = PackedEntry::from_bytes(framed.into()) {
            let mut map = TtlMap::owning_all();
            let _ = map.apply(&entry);
            prop_assert_eq!(map.validate(), Ok(()));
        }
    }

    /// Every cut of a good batch is an error, never a shorter batch.
    #[test]
    fn a_cut_batch_is_refused(commands in arbitrary::commands(), at in any::<prop::sample::Index>()) {
        let encoded = encode_commands(&commands);
        if !encoded.is_empty() {
            let cut = encoded.slice(..at.index(encoded.len()));
            prop_assert!(decode_commands(cut, commands.len()).is_err());
        }
    }
}
