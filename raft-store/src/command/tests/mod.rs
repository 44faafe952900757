//! What each command does to a map, by value.

mod branch;
mod encoding;
mod redis;
mod txn;

use bytes::Bytes;

use super::*;
use crate::limits::VALUE_BYTES_CEILING;
use crate::map::{Entry, Lookup, TtlMap};

/// A map with one entry for each call, time moving on by 10 ms.
struct Bench(TtlMap);

impl Bench {
    fn new() -> Self {
        let mut map = TtlMap::owning_all();
        map.apply(&arbitrary::packed(1_000, 0, &[])).unwrap();
        Self(map)
    }

    fn run(&mut self, command: Command) -> Reply {
        let entry = arbitrary::packed(self.0.time_ms() + 10, 0, &[command]);
        let replies = self.0.apply(&entry).unwrap().replies;
        assert_eq!(self.0.validate(), Ok(()));
        replies.into_iter().next().unwrap()
    }

    /// Runs a command that must be refused and leave no trace.
    fn refused(&mut self, command: Command) -> Rejection {
        self.0.apply(&arbitrary::packed(self.0.time_ms() + 10, 0, &[])).unwrap();
        let digest = self.0.digest();
        let entry = arbitrary::packed(self.0.time_ms(), 0, &[command]);
        let reply = self.0.apply(&entry).unwrap().replies.remove(0);
        assert_eq!(self.0.digest(), digest, "a rejected command changed the map");
        let Reply::Rejected(rejection) = reply else { panic!("not rejected: {reply:?}") };
        rejection
    }

    fn written(&mut self, command: Command) -> Written {
        let reply = self.run(command);
        let Reply::Written(written) = reply else { panic!("not written: {reply:?}") };
        written
    }

    fn entry(&self) -> Entry {
        let Lookup::Hit(entry) = self.0.get(&k()) else { panic!("no entry") };
        entry
    }
}

fn k() -> Key {
    Key::new(0, b"k").unwrap()
}

fn set_full(value: &str, content: Content, expiry: Expiry, condition: Condition) -> Command {
    Command::Set(Set { key: k(), value: value.to_owned().into(), content, expiry, condition })
}

fn set(value: &str) -> Command {
    set_full(value, Content::Octets, Expiry::Never, Condition::None)
}

fn delete(condition: Condition) -> Command {
    Command::Delete(Delete { key: k(), condition })
}

fn touch(ttl_ms: u64, condition: Condition) -> Command {
    Command::Touch(Touch { key: k(), ttl_ms, condition })
}

fn persist(condition: Condition) -> Command {
    Command::Persist(Persist { key: k(), condition })
}

fn incr(by: i64, init: Option<i64>) -> Command {
    Command::Incr(Incr { key: k(), by, init, condition: Condition::None })
}

fn append(suffix: &[u8], content: Content) -> Command {
    let suffix = Bytes::copy_from_slice(suffix);
    Command::Append(Append { key: k(), suffix, content, len_max: 1 << 40, condition: Condition::None })
}

fn mismatch(current: Option<u64>) -> Rejection {
    Rejection::VersionMismatch { current }
}

#[test]
fn set_keeps_creation_and_replaces_the_rest() {
    let mut bench = Bench::new();
    let first = bench.written(set_full("one", Content::Text, Expiry::AfterMs(500), Condition::Absent));
    assert_eq!(first, Written { version: 1, created: true, deadline: Some(1_510), value: None, len: 3 });
    let second = bench.written(set_full("2", Content::Json, Expiry::Keep, Condition::Version(1)));
    assert_eq!(second, Written { version: 2, created: false, deadline: Some(1_510), value: None, len: 1 });
    let entry = bench.entry();
    assert_eq!((entry.created_ms, entry.modified_ms, entry.content), (1_010, 1_020, Content::Json));
    assert_eq!(bench.written(set("3")).deadline, None);
}

#[test]
fn set_with_a_failed_condition_says_the_version() {
    let mut bench = Bench::new();
    let on = |condition| set_full("x", Content::Octets, Expiry::Never, condition);
    assert_eq!(bench.refused(on(Condition::Present)), mismatch(None));
    assert_eq!(bench.refused(on(Condition::Version(1))), mismatch(None));
    bench.run(set("v"));
    assert_eq!(bench.refused(on(Condition::Absent)), mismatch(Some(1)));
    assert_eq!(bench.refused(on(Condition::Version(2))), mismatch(Some(1)));
}

#[test]
fn an_expired_key_is_absent_to_every_command() {
    let mut bench = Bench::new();
    let brief = || set_full("5", Content::Json, Expiry::AfterMs(10), Condition::None);
    bench.run(brief());
    assert_eq!(bench.refused(touch(50, Condition::None)), Rejection::Missing);
    bench.run(brief());
    assert!(bench.written(set_full("6", Content::Json, Expiry::AfterMs(10), Condition::Absent)).created);
    let anew = bench.written(incr(1, Some(100)));
    assert_eq!((anew.created, anew.value.as_deref(), anew.deadline), (true, Some(&b"101"[..]), None));
    bench.run(brief());
    assert_eq!(bench.run(delete(Condition::None)), Reply::Deleted { deleted: false, version: 5 });
}

#[test]
fn a_time_to_live_of_zero_is_over_at_once() {
    let mut bench = Bench::new();
    let written = bench.written(set_full("v", Content::Octets, Expiry::AfterMs(0), Condition::None));
    assert_eq!(written.deadline, Some(1_010));
    assert_eq!(bench.0.get(&k()), Lookup::Miss);
    assert_eq!(bench.0.stats().items, 0);
}

#[test]
fn versions_grow_over_delete() {
    let mut bench = Bench::new();
    bench.run(set("v"));
    assert_eq!(bench.refused(delete(Condition::Version(7))), mismatch(Some(1)));
    assert_eq!(bench.run(delete(Condition::Version(1))), Reply::Deleted { deleted: true, version: 2 });
    assert_eq!(bench.run(delete(Condition::None)), Reply::Deleted { deleted: false, version: 2 });
    assert_eq!(bench.refused(delete(Condition::Version(1))), mismatch(None));
    assert_eq!(bench.refused(delete(Condition::Present)), mismatch(None));
    assert_eq!(bench.written(set("v")).version, 3);
}

#[test]
fn touch_and_persist_change_deadline_and_version_only() {
    let mut bench = Bench::new();
    assert_eq!(bench.refused(touch(5, Condition::None)), Rejection::Missing);
    assert_eq!(bench.refused(touch(5, Condition::Version(1))), mismatch(None));
    assert_eq!(bench.refused(persist(Condition::None)), Rejection::Missing);
    assert_eq!(bench.refused(persist(Condition::Version(1))), mismatch(None));
    bench.run(set_full("value", Content::Text, Expiry::Never, Condition::None));
    let before = bench.entry();
    let now = bench.0.time_ms() + 10;
    assert_eq!(bench.written(touch(70, Condition::Version(1))).deadline, Some(now + 70));
    assert_eq!(bench.entry(), Entry { version: 2, deadline: Some(now + 70), ..before.clone() });
    assert_eq!(bench.written(persist(Condition::None)).version, 3);
    assert_eq!(bench.entry(), Entry { version: 3, ..before });
}

#[test]
fn incr_adds_and_keeps_content_and_deadline() {
    let mut bench = Bench::new();
    assert_eq!(bench.refused(incr(1, None)), Rejection::Missing);
    assert_eq!(bench.written(incr(5, Some(-7))).value.as_deref(), Some(&b"-2"[..]));
    assert_eq!(bench.entry().content, Content::Json);
    bench.run(set_full("9", Content::Text, Expiry::AfterMs(500), Condition::None));
    let written = bench.written(incr(1, Some(0)));
    assert_eq!((written.value.as_deref(), written.len, written.created), (Some(&b"10"[..]), 2, false));
    let entry = bench.entry();
    assert_eq!((entry.content, entry.deadline), (Content::Text, written.deadline));
    assert!(entry.deadline.is_some() && entry.modified_ms == bench.0.time_ms());
}

#[test]
fn incr_refuses_what_is_no_number_and_what_overflows() {
    let mut bench = Bench::new();
    assert_eq!(bench.refused(incr(1, Some(i64::MAX))), Rejection::Overflow);
    bench.run(set("01"));
    assert_eq!(bench.refused(incr(1, Some(0))), Rejection::NotANumber);
    bench.run(set(&i64::MIN.to_string()));
    assert_eq!(bench.refused(incr(-1, None)), Rejection::Overflow);
    assert_eq!(bench.written(incr(i64::MAX, None)).value.as_deref(), Some(&b"-1"[..]));
}

#[test]
fn append_joins_and_keeps_content_and_deadline() {
    let mut bench = Bench::new();
    assert_eq!(bench.written(append(b"ab", Content::Text)).len, 2);
    bench.run(touch(500, Condition::None));
    let written = bench.written(append(b"cd", Content::Octets));
    assert_eq!((written.len, written.created), (4, false));
    let entry = bench.entry();
    assert_eq!((&entry.value[..], &entry.content), (&b"abcd"[..], &Content::Text));
    assert!(entry.deadline.is_some());
    bench.run(append(b"\xff", Content::Text));
    assert_eq!(bench.entry().content, Content::Octets, "text that is no UTF-8 is not called text");
}

#[test]
fn append_refuses_json_and_too_much() {
    let mut bench = Bench::new();
    assert_eq!(bench.refused(append(b"1", Content::Json)), Rejection::WrongContent);
    bench.run(set_full("1", Content::Json, Expiry::Never, Condition::None));
    assert_eq!(bench.refused(append(b"1", Content::Octets)), Rejection::WrongContent);
    bench.run(set(&"x".repeat(VALUE_BYTES_CEILING)));
    assert_eq!(bench.refused(append(b"1", Content::Octets)), Rejection::TooLarge);
    let short = |len_max| {
        let (suffix, content) = (Bytes::from_static(b"abc"), Content::Octets);
        let key = Key::new(0, b"other").unwrap();
        Command::Append(Append { key, suffix, content, len_max, condition: Condition::None })
    };
    assert_eq!(bench.refused(short(2)), Rejection::TooLarge);
    assert_eq!(bench.written(short(3)).len, 3);
    assert_eq!(bench.refused(short(5)), Rejection::TooLarge);
    assert_eq!(bench.refused(set(&"x".repeat(VALUE_BYTES_CEILING + 1))), Rejection::TooLarge);
}
