//! Commands, packed entries and replies as bytes: fixed, reversible, and never believed blindly.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::limits::{PACKED_BYTES_TARGET, PACKED_COMMANDS_MAX};
use crate::map::{Entry, lookup, put_lookup};

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
fn the_bytes_of_each_command_of_the_redis_protocol_are_fixed() {
    let j = || Key::new(7, b"j").unwrap();
    let value = || Bytes::from_static(b"ab");
    let cases: [(Command, &[u8]); 10] = [
        (
            Command::Txn(Txn {
                watched: vec![(k(), None), (j(), Some(2))],
                commands: vec![Command::Get(Get { key: j() }), delete(Condition::None)],
            }),
            b"\x08\x02\x03\0\0k\0\x03\0\x07j\x01\x02\0\0\0\0\0\0\0\x02\x09\x03\0\x07j\x02\x03\0\0k\0",
        ),
        (Command::Get(Get { key: k() }), b"\x09\x03\0\0k"),
        (expire(0, ExpireOnly::Always), b"\x0a\x03\0\0k\0\0"),
        (expire(300, ExpireOnly::Sooner), b"\x0a\x03\0\0k\xac\x02\x04"),
        (
            Command::SetRange(SetRange { key: k(), offset: 300, value: value(), len_max: 5 }),
            b"\x0b\x03\0\0k\xac\x02\x05\x02ab",
        ),
        (
            Command::SetBit(SetBit { key: k(), offset: 300, bit: true, len_max: 5 }),
            b"\x0c\x03\0\0k\xac\x02\x01\x05",
        ),
        (Command::IncrFloat(IncrFloat { key: k(), by: value() }), b"\x0d\x03\0\0k\x02ab"),
        (Command::Rename(Rename { from: k(), to: j(), if_absent: true }), b"\x0e\x03\0\0k\x03\0\x07j\x01"),
        (Command::Copy(Copy { from: k(), to: j(), replace: false }), b"\x0f\x03\0\0k\x03\0\x07j\0"),
        (Command::Flush(Flush { namespace: 300 }), b"\x10\xac\x02"),
    ];
    for (command, bytes) in cases {
        assert_eq!(&encode_commands(std::slice::from_ref(&command))[..], bytes, "{command:?}");
        assert_eq!(decode_commands(Bytes::from_static(bytes), 1), Ok(vec![command]));
    }
    let rules = [
        ExpireOnly::Always,
        ExpireOnly::WithoutDeadline,
        ExpireOnly::WithDeadline,
        ExpireOnly::Later,
        ExpireOnly::Sooner,
    ];
    for (rule, number) in rules.into_iter().zip(0..) {
        assert_eq!(encode_commands(&[expire(5, rule)])[6], number, "{rule:?}");
    }
}

fn expire(ttl_ms: u64, only: ExpireOnly) -> Command {
    Command::Expire(Expire { key: k(), ttl_ms, only })
}

/// Nodes of two versions talk to each other while a cluster is brought to the next one.
#[test]
fn the_bytes_of_each_reply_are_fixed() {
    let found = Entry {
        value: "v".into(),
        content: Content::Text,
        version: 1,
        deadline: Some(2),
        created_ms: 3,
        modified_ms: 4,
    };
    let cases: [(Reply, &[u8]); 8] = [
        (Reply::Done, b"\x02"),
        (Reply::Rejected(Rejection::NotOwner), b"\x03\x06"),
        (Reply::Rejected(Rejection::Unmet), b"\x03\x07"),
        (Reply::Rejected(Rejection::NotAFloat), b"\x03\x08"),
        (Reply::Many(vec![Reply::Bit(true), Reply::Found(None)]), b"\x04\x02\x06\x01\x05\0"),
        (
            Reply::Found(Some(found)),
            b"\x05\x01\x01\0\0\0\0\0\0\0\x01\x02\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0\x02\x01v",
        ),
        (Reply::Bit(false), b"\x06\0"),
        (Reply::Length(300), b"\x07\xac\x02"),
    ];
    for (expected, bytes) in cases {
        let mut out = Vec::new();
        put_reply(&mut out, &expected);
        assert_eq!(&out[..], bytes, "{expected:?}");
        assert_eq!(reply(&mut Decoder::new(out.into())), Ok(expected));
    }
}

/// So that neither reading nor applying one can go deeper than one step.
#[test]
fn a_transaction_holds_commands_with_keys_only() {
    let holding = |command: Command| {
        let txn = Command::Txn(Txn { watched: vec![], commands: vec![command] });
        decode_commands(encode_commands(&[txn]), 1)
    };
    assert!(holding(delete(Condition::None)).is_ok());
    let slots = [0u16].into_iter().collect();
    for command in [
        Command::Txn(Txn { watched: vec![], commands: vec![] }),
        Command::Flush(Flush { namespace: 0 }),
        Command::AssignSlots(AssignSlots { epoch: 1, slots }),
    ] {
        assert!(matches!(holding(command), Err(DecodeError::Unknown { what: "command", .. })));
    }
    let nested = Bytes::from_static(b"\x04\x01\x04\0");
    assert!(matches!(reply(&mut Decoder::new(nested)), Err(DecodeError::Unknown { what: "reply", .. })));
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
    assert!(packer.push_received(&batch, 2).is_err());
    assert!(packer.push_received(&Bytes::from_static(&[99]), 1).is_err());
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
        packer.push_received(&encoded, second.len() as u32).unwrap();
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
