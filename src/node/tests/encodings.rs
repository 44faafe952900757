//! What nodes send each other reads back as it was, and anything else is an error and no panic.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use raft_store::codec::Decoder;
use raft_store::command::{Content, Rejection, Replies, Reply, Written};
use raft_store::key::Key;
use raft_store::map::{Entry, Lookup, Page, Position, SlotSpan, Walk};
use raft_store::slot::SLOTS;

use super::super::Consistency;
use super::super::peer::{self, Declined, Forwarded, Looked, ReadKeys, Seek, Seen};
use crate::error::{Error, ErrorKind};
use crate::group::{Batch, Lookups, Sight, Sought, Survey, wire};

fn bytes() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..40).prop_map(Bytes::from)
}

fn key() -> impl Strategy<Value = Key> {
    (any::<u16>(), vec(any::<u8>(), 1..40)).prop_map(|(namespace, user)| Key::new(namespace, &user).unwrap())
}

fn consistency() -> impl Strategy<Value = Consistency> {
    prop_oneof![Just(Consistency::Linearizable), Just(Consistency::Lease), Just(Consistency::Local)]
}

fn read_keys() -> impl Strategy<Value = ReadKeys> {
    (any::<u32>(), consistency(), any::<u64>(), vec(key(), 0..5))
        .prop_map(|(group, consistency, timeout_ms, keys)| ReadKeys { group, consistency, timeout_ms, keys })
}

fn lookup() -> impl Strategy<Value = Lookup> {
    prop_oneof![entry().prop_map(Lookup::Hit), Just(Lookup::Miss), Just(Lookup::NotOwner)]
}

fn entry() -> impl Strategy<Value = Entry> {
    (bytes(), any::<u64>(), option::of(0..u64::MAX), any::<u64>(), any::<u64>()).prop_map(
        |(value, version, deadline, created_ms, modified_ms)| Entry {
            value,
            content: Content::Text,
            version,
            deadline,
            created_ms,
            modified_ms,
        },
    )
}

fn looked() -> impl Strategy<Value = Looked> {
    (any::<u64>(), any::<u64>(), vec(lookup(), 0..5), option::of(any::<u64>())).prop_map(
        |(time_ms, version, found, staleness_ms)| Looked {
            lookups: Lookups { time_ms, version, found },
            staleness_ms,
        },
    )
}

fn position() -> impl Strategy<Value = Position> {
    (0..SLOTS, any::<u32>()).prop_map(|(slot, hash)| Position::within(slot, hash))
}

fn slots() -> impl Strategy<Value = Vec<SlotSpan>> {
    vec((0..SLOTS, 0..SLOTS), 0..4)
}

fn seek() -> impl Strategy<Value = Seek> {
    let walk = (any::<u16>(), slots(), position(), vec(any::<u8>(), 0..9), any::<(u32, u32, bool)>())
        .prop_map(|(namespace, slots, from, prefix, (limit, bytes, values))| {
            let (limit, bytes) = (limit as usize, bytes as usize);
            Sought::Page(Walk { namespace, slots, from, prefix, limit, bytes, values })
        });
    let count = (any::<u16>(), slots()).prop_map(|(namespace, slots)| Sought::Count(namespace, slots));
    (any::<u32>(), consistency(), any::<u64>(), prop_oneof![walk, count])
        .prop_map(|(group, consistency, timeout_ms, sought)| Seek { group, consistency, timeout_ms, sought })
}

fn seen() -> impl Strategy<Value = Seen> {
    let entry = lookup().prop_map(|lookup| if let Lookup::Hit(entry) = lookup { Some(entry) } else { None });
    let page = (vec((key(), entry), 0..5), option::of(position()), option::of(any::<u64>()))
        .prop_map(|(found, next, deadline)| Sight::Page(Page { found, next, deadline }));
    let sight = prop_oneof![page, any::<u64>().prop_map(Sight::Count), Just(Sight::NotOwner)];
    (sight, any::<u64>(), option::of(any::<u64>()))
        .prop_map(|(sight, time_ms, staleness_ms)| Seen { survey: Survey { time_ms, sight }, staleness_ms })
}

fn reply() -> impl Strategy<Value = Reply> {
    prop_oneof![4 => single_reply(), 1 => vec(single_reply(), 0..4).prop_map(Reply::Many)]
}

fn single_reply() -> impl Strategy<Value = Reply> {
    let written = (any::<u64>(), any::<bool>(), option::of(any::<u64>()), option::of(bytes()), any::<u64>());
    prop_oneof![
        written.prop_map(|(version, created, deadline, value, len)| {
            Reply::Written(Written { version, created, deadline, value, len })
        }),
        (any::<bool>(), any::<u64>()).prop_map(|(deleted, version)| Reply::Deleted { deleted, version }),
        Just(Reply::Done),
        option::of(any::<u64>()).prop_map(|current| Reply::Rejected(Rejection::VersionMismatch { current })),
        option::of(entry()).prop_map(Reply::Found),
        any::<bool>().prop_map(Reply::Bit),
        any::<u64>().prop_map(Reply::Length),
    ]
}

fn replies() -> impl Strategy<Value = Replies> {
    (any::<u64>(), vec(reply(), 0..5)).prop_map(|(time_ms, replies)| Replies { time_ms, replies })
}

fn declined() -> impl Strategy<Value = Declined> {
    let error = ("[ -~]{0,20}", any::<bool>(), option::of(any::<u32>()), option::of(any::<u64>())).prop_map(
        |(detail, certain, group, retry_after_ms)| {
            let new = if certain { Error::not_applied } else { Error::unknown };
            Error { group, retry_after_ms, ..new(ErrorKind::QueueFull, detail) }
        },
    );
    prop_oneof![option::of(any::<u64>()).prop_map(Declined::NotLeader), error.prop_map(Declined::Error)]
}

proptest! {
    #[test]
    fn a_forwarded_write_arrives_as_it_left(group: u32, timeout_ms: u64, count: u32, commands in bytes()) {
        let batch = Batch::received(commands, count);
        let body = peer::put_write(group, timeout_ms, &batch);
        prop_assert_eq!(wire::decode(body, peer::write), Ok((group, timeout_ms, batch)));
    }

    #[test]
    fn a_forwarded_read_arrives_as_it_left(read in read_keys()) {
        prop_assert_eq!(wire::decode(peer::put_read(&read), peer::read), Ok(read));
    }

    #[test]
    fn what_was_written_is_told_as_it_was(replies in replies(), declined in declined()) {
        for answer in [Ok(replies), Err(declined)] {
            let body = peer::put_forwarded(&answer, peer::put_written);
            prop_assert_eq!(peer::forwarded(body, peer::written), Ok(answer));
        }
    }

    #[test]
    fn what_was_found_is_told_as_it_was(looked in looked(), declined in declined()) {
        for answer in [Ok(looked), Err(declined)] {
            let body = peer::put_forwarded(&answer, peer::put_found);
            prop_assert_eq!(peer::forwarded(body, peer::found), Ok(answer));
        }
    }

    #[test]
    fn a_forwarded_look_at_keys_arrives_as_it_left(seek in seek()) {
        prop_assert_eq!(wire::decode(peer::put_seek(&seek), peer::seek), Ok(seek));
    }

    #[test]
    fn what_was_seen_is_told_as_it_was(seen in seen(), declined in declined(), cut: prop::sample::Index) {
        let whole = peer::put_forwarded(&Ok(seen.clone()), peer::put_seen);
        let short = whole.slice(..cut.index(whole.len()));
        prop_assert!(peer::forwarded(short, peer::seen).is_err());
        for answer in [Ok(seen), Err(declined)] {
            let body = peer::put_forwarded(&answer, peer::put_seen);
            prop_assert_eq!(peer::forwarded(body, peer::seen), Ok(answer));
        }
    }

    #[test]
    fn a_message_cut_short_or_made_up_is_an_error(looked in looked(), noise in bytes(), cut: prop::sample::Index) {
        let whole = peer::put_forwarded(&Ok(looked), peer::put_found);
        let short = whole.slice(..cut.index(whole.len()));
        prop_assert!(peer::forwarded(short, peer::found).is_err());
        // Noise may happen to say something; it only must not take the node down.
        let _ = wire::decode(noise.clone(), peer::write);
        let _ = wire::decode(noise.clone(), peer::read);
        let _: Result<Forwarded<u64>, _> = peer::forwarded(noise.clone(), Decoder::u64);
        let _ = wire::decode(noise.clone(), peer::seek);
        let _ = peer::forwarded(noise.clone(), peer::seen);
        let _ = peer::forwarded(noise, peer::written);
    }
}
