//! The commands of the Redis protocol, but for transactions.

use super::*;

impl Bench {
    /// The map as an entry for `command` finds it: 10 ms later.
    fn deadline_in(&self, ms: u64) -> Option<u64> {
        Some(self.0.time_ms() + 10 + ms)
    }

    fn at(&self, key: &Key) -> Option<Entry> {
        let Lookup::Hit(entry) = self.0.get(key) else { return None };
        Some(entry)
    }
}

fn other() -> Key {
    Key::new(7, b"other").unwrap()
}

fn expire(ttl_ms: u64, only: ExpireOnly) -> Command {
    Command::Expire(Expire { key: k(), ttl_ms, only })
}

fn set_range(offset: u64, value: &'static [u8]) -> Command {
    let value = Bytes::from_static(value);
    Command::SetRange(SetRange { key: k(), offset, value, len_max: 1 << 40 })
}

fn set_bit(offset: u64, bit: bool) -> Command {
    Command::SetBit(SetBit { key: k(), offset, bit, len_max: 1 << 40 })
}

fn incr_float(by: &'static str) -> Command {
    Command::IncrFloat(IncrFloat { key: k(), by: by.into() })
}

fn rename(from: Key, to: Key, if_absent: bool) -> Command {
    Command::Rename(Rename { from, to, if_absent })
}

fn copy(from: Key, to: Key, replace: bool) -> Command {
    Command::Copy(Copy { from, to, replace })
}

#[test]
fn get_answers_what_is_visible() {
    let mut bench = Bench::new();
    let get = || Command::Get(Get { key: k() });
    assert_eq!(bench.run(get()), Reply::Found(None));
    bench.run(set_full("v", Content::Text, Expiry::AfterMs(25), Condition::None));
    let entry = bench.entry();
    assert_eq!(bench.run(get()), Reply::Found(Some(entry)));
    bench.run(get());
    assert_eq!((bench.run(get()), bench.0.version()), (Reply::Found(None), 1));
}

#[test]
fn expire_compares_deadlines_and_none_is_the_latest() {
    use ExpireOnly::*;
    let mut bench = Bench::new();
    assert_eq!(bench.refused(expire(5, Always)), Rejection::Missing);
    bench.run(set("v"));
    let before = bench.entry();
    assert_eq!(bench.refused(expire(500, WithDeadline)), Rejection::Unmet);
    assert_eq!(bench.refused(expire(500, Later)), Rejection::Unmet, "nothing is later than never");
    assert_eq!(bench.refused(expire(u64::MAX, Later)), Rejection::Unmet);
    let deadline = bench.deadline_in(500);
    assert_eq!(bench.written(expire(500, Sooner)).deadline, deadline);
    assert_eq!(bench.entry(), Entry { version: 2, deadline, ..before });
    assert_eq!(bench.refused(expire(600, WithoutDeadline)), Rejection::Unmet);
    assert_eq!(bench.refused(expire(400, Later)), Rejection::Unmet);
    assert_eq!(bench.refused(expire(600, Sooner)), Rejection::Unmet);
    for (ttl_ms, only) in [(600, Later), (300, Sooner), (200, WithDeadline), (900, Always)] {
        let deadline = bench.deadline_in(ttl_ms);
        assert_eq!(bench.written(expire(ttl_ms, only)).deadline, deadline, "{only:?}");
    }
    bench.run(persist(Condition::None));
    let deadline = bench.deadline_in(100);
    assert_eq!(bench.written(expire(100, WithoutDeadline)).deadline, deadline);
    assert_eq!(bench.refused(expire(90, Later)), Rejection::Unmet, "an equal deadline is not later");
    assert_eq!(bench.refused(expire(80, Sooner)), Rejection::Unmet, "nor sooner");
    assert_eq!(bench.entry().deadline, deadline);
}

#[test]
fn expire_of_nothing_deletes() {
    let mut bench = Bench::new();
    bench.run(set("v"));
    assert_eq!(bench.refused(expire(0, ExpireOnly::Later)), Rejection::Unmet);
    let reply = bench.run(expire(0, ExpireOnly::Always));
    assert_eq!(reply, Reply::Deleted { deleted: true, version: 2 });
    assert_eq!((bench.0.get(&k()), bench.0.stats().items), (Lookup::Miss, 0));
    assert_eq!(bench.0.stats().expired_total, 0, "it was deleted, not expired");
}

#[test]
fn set_range_pads_with_zeros_and_keeps_the_deadline() {
    let mut bench = Bench::new();
    assert_eq!(bench.run(set_range(9, b"")), Reply::Length(0));
    assert_eq!(bench.0.get(&k()), Lookup::Miss);
    assert_eq!(bench.written(set_range(3, b"ab")).len, 5);
    assert_eq!((&bench.entry().value[..], bench.entry().content), (&b"\0\0\0ab"[..], Content::Octets));
    bench.run(touch(500, Condition::None));
    let before = bench.entry();
    assert_eq!(bench.written(set_range(1, b"xyz")).len, 5, "what is behind stays");
    let entry = bench.entry();
    assert_eq!(
        (&entry.value[..], entry.deadline, entry.created_ms),
        (&b"\0xyzb"[..], before.deadline, before.created_ms)
    );
    assert!(entry.modified_ms > before.modified_ms && entry.version > before.version);
    assert_eq!(bench.run(set_range(1 << 50, b"")), Reply::Length(5));
    assert_eq!(bench.entry(), entry, "no bytes change nothing");
}

#[test]
fn an_edited_value_is_called_what_it_still_is() {
    let mut bench = Bench::new();
    let mut after = |content, command| {
        bench.run(set_full("text", content, Expiry::Never, Condition::None));
        bench.run(command);
        bench.entry().content
    };
    let media = Content::Media(Bytes::from_static(b"a/b"));
    assert_eq!(after(Content::Text, set_range(0, b"T")), Content::Text);
    assert_eq!(after(Content::Text, set_range(0, b"\xff")), Content::Octets);
    assert_eq!(after(Content::Text, set_bit(0, true)), Content::Octets);
    assert_eq!(after(Content::Json, set_range(0, b"1")), Content::Octets);
    assert_eq!(after(Content::Json, set_bit(0, false)), Content::Json, "nothing was edited");
    assert_eq!(after(media.clone(), set_range(0, b"1")), media);
}

#[test]
fn no_edit_leaves_too_much() {
    let mut bench = Bench::new();
    let ceiling = VALUE_BYTES_CEILING as u64;
    for offset in [ceiling, 512 << 20, u64::MAX] {
        assert_eq!(bench.refused(set_range(offset, b"v")), Rejection::TooLarge);
        assert_eq!(bench.refused(set_bit(offset.max(8 * ceiling), true)), Rejection::TooLarge);
    }
    assert_eq!(bench.written(set_range(ceiling - 1, b"v")).len, ceiling);
    bench.run(delete(Condition::None));
    let short = |len_max| Command::SetBit(SetBit { key: k(), offset: 16, bit: true, len_max });
    assert_eq!(bench.refused(short(2)), Rejection::TooLarge);
    assert_eq!(bench.run(short(3)), Reply::Bit(false));
    let value = Bytes::from_static(b"ab");
    let short = |len_max| Command::SetRange(SetRange { key: k(), offset: 2, value: value.clone(), len_max });
    assert_eq!(bench.refused(short(3)), Rejection::TooLarge);
    assert_eq!(bench.written(short(4)).len, 4);
}

#[test]
fn set_bit_counts_from_the_highest_bit() {
    let mut bench = Bench::new();
    assert_eq!(bench.run(set_bit(7, true)), Reply::Bit(false));
    assert_eq!(bench.run(set_bit(8, true)), Reply::Bit(false));
    assert_eq!(&bench.entry().value[..], b"\x01\x80");
    assert_eq!(bench.run(set_bit(7, false)), Reply::Bit(true));
    let entry = bench.entry();
    assert_eq!(&entry.value[..], b"\0\x80");
    assert_eq!(bench.run(set_bit(8, true)), Reply::Bit(true));
    assert_eq!(bench.entry(), entry, "a bit that stays as it is changes nothing");
    bench.run(set_bit(23, false));
    assert_eq!(&bench.entry().value[..], b"\0\x80\0", "a bit behind the end is written even if it is 0");
}

#[test]
fn incr_float_adds_and_keeps_content_and_deadline() {
    let mut bench = Bench::new();
    let first = bench.written(incr_float("1.50"));
    assert_eq!((first.value.as_deref(), first.len, first.created), (Some(&b"1.5"[..]), 3, true));
    assert_eq!(bench.entry().content, Content::Json);
    bench.run(set_full("3.0e3", Content::Text, Expiry::AfterMs(500), Condition::None));
    let before = bench.entry();
    assert_eq!(bench.written(incr_float("200")).value.as_deref(), Some(&b"3200"[..]));
    let entry = bench.entry();
    assert_eq!((entry.content, entry.deadline), (Content::Text, before.deadline));
    assert_eq!((&entry.value[..], entry.version), (&b"3200"[..], before.version + 1));
    assert_eq!(bench.refused(incr_float(" 1")), Rejection::NotAFloat);
    assert_eq!(bench.refused(incr_float("+inf")), Rejection::Overflow);
    bench.run(set(" 11"));
    assert_eq!(bench.refused(incr_float("1")), Rejection::NotAFloat);
    bench.run(set("1\0"));
    assert_eq!(bench.refused(incr_float("1")), Rejection::NotAFloat);
}

#[test]
fn rename_moves_all_but_the_version() {
    let mut bench = Bench::new();
    assert_eq!(bench.refused(rename(k(), other(), false)), Rejection::Missing);
    assert_eq!(bench.refused(rename(k(), k(), false)), Rejection::Missing);
    bench.run(set_full("v", Content::Text, Expiry::AfterMs(500), Condition::None));
    let before = bench.entry();
    let there = bench.written(rename(k(), other(), true));
    let expected = Written { version: 2, created: true, deadline: before.deadline, value: None, len: 1 };
    assert_eq!((there, bench.0.get(&k())), (expected, Lookup::Miss));
    let moved = Entry { version: 2, modified_ms: bench.0.time_ms(), ..before.clone() };
    assert_eq!(bench.at(&other()), Some(moved));
    let back = bench.written(rename(other(), k(), true));
    assert!(back.version > before.version, "a key that was away is not what it was");
    let stats = bench.0.stats();
    assert_eq!((stats.items, stats.expired_total, bench.0.next_deadline()), (1, 0, before.deadline));
}

#[test]
fn rename_replaces_if_it_may() {
    let mut bench = Bench::new();
    bench.run(set("old"));
    bench.run(copy(k(), other(), false));
    bench.run(set_full("new", Content::Octets, Expiry::AfterMs(500), Condition::None));
    assert_eq!(bench.refused(rename(k(), other(), true)), Rejection::Unmet);
    let entry = bench.entry();
    assert_eq!(bench.refused(rename(k(), k(), true)), Rejection::Unmet);
    assert_eq!(bench.written(rename(k(), k(), false)).version, entry.version);
    assert_eq!(bench.entry(), entry);
    assert!(!bench.written(rename(k(), other(), false)).created);
    assert_eq!(bench.at(&other()).map(|entry| entry.value), Some("new".into()));
    assert_eq!(bench.0.stats().items, 1);
}

#[test]
fn an_expired_target_is_absent() {
    let mut bench = Bench::new();
    let brief = || {
        Command::Set(Set {
            key: other(),
            value: "x".into(),
            content: Content::Octets,
            expiry: Expiry::AfterMs(5),
            condition: Condition::None,
        })
    };
    for (command, gone) in [(rename(k(), other(), true), 1), (copy(k(), other(), false), 2)] {
        bench.run(set("v"));
        let entry = arbitrary::packed(bench.0.time_ms() + 10, 0, &[brief()]);
        bench.0.apply(&entry).unwrap();
        assert!(bench.written(command).created);
        bench.run(Command::Delete(Delete { key: other(), condition: Condition::None }));
        assert_eq!(bench.0.stats().expired_total, gone);
    }
}

#[test]
fn copy_writes_value_content_and_deadline() {
    let mut bench = Bench::new();
    assert_eq!(bench.refused(copy(k(), other(), true)), Rejection::Missing);
    bench.run(set_full("v", Content::Text, Expiry::AfterMs(500), Condition::None));
    let from = bench.entry();
    assert!(bench.written(copy(k(), other(), false)).created);
    let now = bench.0.time_ms();
    let copied = Entry { version: 2, created_ms: now, modified_ms: now, ..from.clone() };
    assert_eq!((bench.at(&other()), bench.entry()), (Some(copied), from));
    assert_eq!(bench.refused(copy(k(), other(), false)), Rejection::Unmet);
    assert_eq!(bench.refused(copy(k(), k(), true)), Rejection::Unmet);
    bench.run(set("w"));
    assert!(!bench.written(copy(k(), other(), true)).created);
    let replaced = bench.at(&other()).unwrap();
    assert_eq!((&replaced.value[..], replaced.deadline, replaced.created_ms), (&b"w"[..], None, now));
}
