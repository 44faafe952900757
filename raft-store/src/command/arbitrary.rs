//! Random commands and replies for property tests. Keys come from a small pool, so that commands meet.

use bytes::Bytes;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::map::{Entry, Lookup, SlotSet};

/// How many cases a property is tried with: `short` many, or as many as `PROPTEST_CASES` says.
pub(crate) fn cases(short: u32) -> ProptestConfig {
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    if asked { ProptestConfig::default() } else { ProptestConfig::with_cases(short) }
}

/// Every key the commands use; many share a slot, one stands in two namespaces.
pub(crate) fn keys() -> Vec<Key> {
    let names: [(u16, &[u8]); 7] =
        [(0, b"{t}a"), (0, b"{t}b"), (0, b"{t}c"), (7, b"{t}a"), (0, b"x"), (0, b"\xff\0"), (0, b"y")];
    let few = names.iter().map(|(namespace, name)| Key::new(*namespace, name).unwrap());
    few.chain((0..30).map(|n| Key::new(0, format!("{{t}}{n}").as_bytes()).unwrap())).collect()
}

/// Half of the time one of a few keys, so that commands meet.
pub(crate) fn key() -> impl Strategy<Value = Key> {
    prop_oneof![prop::sample::select(keys()[..7].to_vec()), prop::sample::select(keys())]
}

fn value() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        any::<i64>().prop_map(|number| Bytes::from(number.to_string())),
        (-3..3i64).prop_map(|number| Bytes::from(number.to_string())),
        prop::collection::vec(any::<u8>(), 0..12).prop_map(Bytes::from),
    ]
}

/// Media types past their bounds included: they travel, and are refused when applied.
pub(crate) fn content() -> impl Strategy<Value = Content> {
    prop_oneof![
        Just(Content::Octets),
        Just(Content::Json),
        Just(Content::Text),
        "[a-z]{0,3}/[a-z]{1,3}".prop_map(|media| Content::Media(media.into())),
        Just(Content::Media(Bytes::from_static(b"\xe9"))),
        Just(Content::Media(vec![b'a'; 300].into())),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    prop_oneof![
        4 => Just(Condition::None),
        1 => Just(Condition::Absent),
        1 => Just(Condition::Present),
        2 => (0..40u64).prop_map(Condition::Version),
    ]
}

/// Mostly near, so that keys expire while a test runs.
fn ttl_ms() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 0..120u64, 1 => Just(u64::MAX)]
}

fn expiry() -> impl Strategy<Value = Expiry> {
    prop_oneof![Just(Expiry::Never), ttl_ms().prop_map(Expiry::AfterMs), Just(Expiry::Keep)]
}

fn slots() -> impl Strategy<Value = SlotSet> {
    let few = prop::collection::vec(prop::sample::select(keys()), 0..5);
    prop_oneof![Just(SlotSet::all()), few.prop_map(|keys| keys.iter().map(Key::slot).collect())]
}

fn len_max() -> impl Strategy<Value = u64> {
    prop_oneof![4 => Just(u64::MAX), 1 => 0..8u64]
}

pub(crate) fn command() -> impl Strategy<Value = Command> {
    let watched = prop::collection::vec((key(), option::of(0..40u64)), 0..2);
    let commands = prop::collection::vec(keyed(), 0..5);
    let compared = prop::collection::vec((key(), condition()), 0..2);
    prop_oneof![
        20 => keyed(),
        3 => (watched, commands).prop_map(|(watched, commands)| Command::Txn(Txn { watched, commands })),
        2 => (compared, prop::collection::vec(keyed(), 0..4), prop::collection::vec(keyed(), 0..4)).prop_map(
            |(compared, then, otherwise)| Command::Branch(Branch { compared, then, otherwise })
        ),
        1 => (0..6u64, slots()).prop_map(|(epoch, slots)| Command::AssignSlots(AssignSlots { epoch, slots })),
        1 => prop::sample::select(vec![0, 0, 7, 9]).prop_map(|namespace| Command::Flush(Flush { namespace })),
    ]
}

/// A command with keys, and no transaction.
fn keyed() -> impl Strategy<Value = Command> {
    prop_oneof![20 => classic(), 13 => redis()]
}

fn redis() -> impl Strategy<Value = Command> {
    prop_oneof![
        2 => key().prop_map(|key| Command::Get(Get { key })),
        3 => (key(), ttl_ms(), expire_only())
            .prop_map(|(key, ttl_ms, only)| Command::Expire(Expire { key, ttl_ms, only })),
        2 => (key(), prop_oneof![4 => 0..12u64, 1 => Just(SetRange::AT_END)], value(), len_max()).prop_map(
            |(key, offset, value, len_max)| Command::SetRange(SetRange { key, offset, value, len_max })
        ),
        2 => (key(), 0..100u64, any::<bool>(), len_max())
            .prop_map(|(key, offset, bit, len_max)| Command::SetBit(SetBit { key, offset, bit, len_max })),
        2 => (key(), decimal()).prop_map(|(key, by)| Command::IncrFloat(IncrFloat { key, by: by.into() })),
        2 => (key(), key(), any::<bool>())
            .prop_map(|(from, to, if_absent)| Command::Rename(Rename { from, to, if_absent })),
        2 => (key(), key(), any::<bool>())
            .prop_map(|(from, to, replace)| Command::Copy(Copy { from, to, replace })),
    ]
}

fn expire_only() -> impl Strategy<Value = ExpireOnly> {
    use ExpireOnly::*;
    prop::sample::select(vec![Always, WithoutDeadline, WithDeadline, Later, Sooner, SoonerThanOne])
}

fn decimal() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[-+]?[0-9]{1,3}(\\.[0-9]{0,17})?", 1 => "[-+]?[0-9. x]{0,3}"]
}

fn classic() -> impl Strategy<Value = Command> {
    prop_oneof![
        6 => (key(), value(), content(), expiry(), condition()).prop_map(
            |(key, value, content, expiry, condition)| Command::Set(Set { key, value, content, expiry, condition })
        ),
        3 => (key(), condition()).prop_map(|(key, condition)| Command::Delete(Delete { key, condition })),
        2 => (key(), ttl_ms(), condition())
            .prop_map(|(key, ttl_ms, condition)| Command::Touch(Touch { key, ttl_ms, condition })),
        1 => (key(), condition()).prop_map(|(key, condition)| Command::Persist(Persist { key, condition })),
        3 => (key(), any::<i64>(), option::of(-3..3i64), condition())
            .prop_map(|(key, by, init, condition)| Command::Incr(Incr { key, by, init, condition })),
        3 => (key(), value(), content(), len_max(), condition()).prop_map(
            |(key, suffix, content, len_max, condition)| Command::Append(Append { key, suffix, content, len_max, condition })
        ),
    ]
}

pub(crate) fn commands() -> impl Strategy<Value = Vec<Command>> {
    prop::collection::vec(command(), 0..10)
}

fn rejection() -> impl Strategy<Value = Rejection> {
    prop_oneof![
        Just(Rejection::Missing),
        any::<Option<u64>>().prop_map(|current| Rejection::VersionMismatch { current }),
        Just(Rejection::NotANumber),
        Just(Rejection::Overflow),
        Just(Rejection::WrongContent),
        Just(Rejection::TooLarge),
        Just(Rejection::NotOwner),
        Just(Rejection::Unmet),
        Just(Rejection::NotAFloat),
    ]
}

fn written() -> impl Strategy<Value = Written> {
    (any::<u64>(), any::<bool>(), any::<Option<u64>>(), option::of(value()), any::<u64>()).prop_map(
        |(version, created, deadline, value, len)| Written { version, created, deadline, value, len },
    )
}

pub(crate) fn replies() -> impl Strategy<Value = Replies> {
    let reply = prop_oneof![
        6 => single_reply(),
        1 => prop::collection::vec(single_reply(), 0..4).prop_map(Reply::Many),
        1 => (any::<bool>(), prop::collection::vec(single_reply(), 0..4))
            .prop_map(|(succeeded, replies)| Reply::Branched { succeeded, replies }),
    ];
    (any::<u64>(), prop::collection::vec(reply, 0..8))
        .prop_map(|(time_ms, replies)| Replies { time_ms, replies })
}

fn single_reply() -> impl Strategy<Value = Reply> {
    prop_oneof![
        written().prop_map(Reply::Written),
        any::<(bool, u64)>().prop_map(|(deleted, version)| Reply::Deleted { deleted, version }),
        Just(Reply::Done),
        rejection().prop_map(Reply::Rejected),
        option::of(entry()).prop_map(Reply::Found),
        any::<bool>().prop_map(Reply::Bit),
        any::<u64>().prop_map(Reply::Length),
    ]
}

fn entry() -> impl Strategy<Value = Entry> {
    (value(), content(), any::<[u64; 3]>(), any::<Option<u64>>()).prop_map(
        |(value, content, [version, created_ms, modified_ms], deadline)| Entry {
            value,
            content,
            version,
            deadline,
            created_ms,
            modified_ms,
        },
    )
}

pub(crate) fn lookup() -> impl Strategy<Value = Lookup> {
    prop_oneof![4 => entry().prop_map(Lookup::Hit), 1 => Just(Lookup::Miss), 1 => Just(Lookup::NotOwner)]
}

/// A packed entry of these commands.
pub(crate) fn packed(time_ms: u64, wall_ms: u64, commands: &[Command]) -> PackedEntry {
    let mut packer = Packer::new();
    commands.iter().for_each(|command| packer.push(command));
    packer.finish(time_ms, wall_ms)
}
