//! What nodes send each other reads back as it was, and anything else is an error and no panic.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use raft_store::codec::Decoder;
use raft_store::command::{Content, Rejection, Replies, Reply, Written};
use raft_store::key::Key;
use raft_store::map::{Entry, Lookup};

use super::super::Consistency;
use super::super::peer::{self, Declined, Forwarded, Looked, ReadKeys};
use crate::error::{Error, ErrorKind};
use crate::group::{Batch, Lookups, wire};

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
    let entry = (bytes(), any::<u64>(), option::of(0..u64::MAX), any::<u64>(), any::<u64>()).prop_map(
        |(value, version, deadline, created_ms, modified_ms)| {
            Lookup::Hit(Entry { value, content: Content::Text, version, deadline, created_ms, modified_ms })
        },
    );
    prop_oneof![entry, Just(Lookup::Miss), Just(Lookup::NotOwner)]
}

fn looked() -> impl Strategy<Value = Looked> {
    (any::<u64>(), any::<u64>(), vec(lookup(), 0..5), option::of(any::<u64>())).prop_map(
        |(time_ms, version, found, staleness_ms)| Looked {
            lookups: Lookups { time_ms, version, found },
            staleness_ms,
        },
    )
}

fn reply() -> impl Strategy<Value = Reply> {
    let written = (any::<u64>(), any::<bool>(), option::of(any::<u64>()), option::of(bytes()), any::<u64>());
    prop_oneof![
        written.prop_map(|(version, created, deadline, value, len)| {
            Reply::Written(Written { version, created, deadline, value, len })
        }),
        (any::<bool>(), any::<u64>()).prop_map(|(deleted, version)| Reply::Deleted { deleted, version }),
        Just(Reply::Done),
        option::of(any::<u64>()).prop_map(|current| Reply::Rejected(Rejection::VersionMismatch { current })),
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
        let batch = Batch { commands, count };
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
    fn a_message_cut_short_or_made_up_is_an_error(looked in looked(), noise in bytes(), cut: prop::sample::Index) {
        let whole = peer::put_forwarded(&Ok(looked), peer::put_found);
        let short = whole.slice(..cut.index(whole.len()));
        prop_assert!(peer::forwarded(short, peer::found).is_err());
        // Noise may happen to say something; it only must not take the node down.
        let _ = wire::decode(noise.clone(), peer::write);
        let _ = wire::decode(noise.clone(), peer::read);
        let _: Result<Forwarded<u64>, _> = peer::forwarded(noise.clone(), Decoder::u64);
        let _ = peer::forwarded(noise, peer::written);
    }
}
