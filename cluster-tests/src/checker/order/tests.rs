//! Each cheap check is shown a history that it must refuse, and one close to it that it must not.

use super::*;
use crate::checker::sample::*;
use crate::history::Expect;

const MS: u64 = 1_000_000;

fn kinds(history: &[Operation], bounds: &Bounds) -> Vec<Kind> {
    check(history, bounds).iter().map(|violation| violation.kind).collect()
}

#[track_caller]
fn red(kind: Kind, history: &[Operation]) {
    assert_eq!(kinds(history, &Bounds::NONE), [kind]);
}

#[track_caller]
fn green(history: &[Operation]) {
    assert_eq!(kinds(history, &Bounds::NONE), []);
}

fn lock(call: u64, end: u64, version: u64, time_ms: u64, ttl_ms: Option<u64>) -> Operation {
    let input = Input::Cas { expect: Expect::Absent, value: format!("holder-{call}"), ttl_ms };
    at_time(op(call, end, input, Some(written(version)), Outcome::Ok), time_ms)
}

fn aged(mut op: Operation, age_ms: u64) -> Operation {
    op.age_ms = Some(age_ms);
    op
}

/// The same operation with times in ms.
fn in_ms(mut op: Operation) -> Operation {
    (op.call_ns, op.return_ns) = (op.call_ns * MS, op.return_ns * MS);
    op
}

fn touch(call: u64, end: u64, version: u64) -> Operation {
    op(call, end, Input::Touch { ttl_ms: 5 }, Some(written(version)), Outcome::Ok)
}

#[test]
fn write_applied_twice_has_two_versions() {
    let history = [set(0, 1, "a", 1), read(2, 3, Some(("a", 2)))];
    red(Kind::AppliedTwice, &history);
    green(&[set(0, 1, "a", 1), touch(2, 3, 2), read(4, 5, Some(("a", 2)))]);
    green(&[set(0, 1, "a", 1), set(2, 3, "a", 2), read(4, 5, Some(("a", 2)))]);
}

#[test]
fn one_version_for_two_increments() {
    red(Kind::VersionReused, &[incr(0, 9, 0, Some((0, 1))), incr(0, 9, 0, Some((0, 1)))]);
}

#[test]
fn counter_bounds() {
    let two = [incr(0, 9, 2, Some((2, 1))), incr(3, 4, 3, None)];
    for (count, verdict) in
        [("1", Some(Kind::LostWrite)), ("2", None), ("5", None), ("6", Some(Kind::AppliedTwice))]
    {
        let found = kinds(&[&two[..], &[read_value(10, 11, count)]].concat(), &Bounds::NONE);
        assert_eq!(found, Vec::from_iter(verdict), "{count}");
    }
    red(Kind::CounterOff, &[incr(0, 1, -1, None), read_value(2, 3, "-2")]);
    red(Kind::LostWrite, &[incr(0, 1, 1, Some((1, 1))), incr(2, 3, 1, Some((1, 2)))]);
    red(Kind::AppliedTwice, &[incr(0, 1, 1, Some((2, 1)))]);
}

#[test]
fn failed_increment_does_not_count() {
    let mut failed = incr(0, 1, 1, None);
    failed.outcome = Outcome::Fail;
    let other = incr(0, 1, 0, Some((0, 1)));
    red(Kind::AppliedTwice, &[failed, other, read_value(2, 3, "1")]);
}

#[test]
fn lists_grow_at_their_end() {
    let [a, b, c] = ["a;", "b;", "c;"].map(|element| append(0, 9, element, Outcome::Ok));
    let all = [a, b, c];
    let with = |reads: &[Operation]| [&all[..], reads].concat();
    green(&with(&[read_value(1, 2, ""), read_value(3, 4, "b;"), read_value(10, 11, "b;a;c;")]));
    red(Kind::ListOrder, &with(&[read_value(1, 2, "a;"), read_value(10, 11, "b;a;c;")]));
    red(Kind::LostWrite, &with(&[read_value(10, 11, "b;a;")]));
    red(Kind::AppliedTwice, &with(&[read_value(10, 11, "b;a;c;b;")]));
    red(Kind::Phantom, &with(&[read_value(10, 11, "b;a;c;d;")]));
    red(Kind::FailedWriteVisible, &[append(0, 1, "f;", Outcome::Fail), read_value(2, 3, "f;")]);
    red(Kind::Phantom, &[read_value(0, 1, "a;"), append(2, 3, "a;", Outcome::Ok)]);
    green(&[append(0, 1, "u;", Outcome::Unknown), read_value(2, 3, ""), read_value(4, 5, "u;")]);
}

#[test]
fn elements_that_could_be_read_two_ways_are_left_to_the_search() {
    let appends = ["1", "11"].map(|element| append(0, 9, element, Outcome::Ok));
    green(&[&appends[..], &[read_value(10, 11, "1")]].concat());
}

#[test]
fn lock_granted_twice() {
    red(Kind::HeldTwice, &[lock(0, 1, 1, 100, None), lock(2, 3, 2, 200, None)]);
    red(Kind::HeldTwice, &[lock(0, 9, 1, 100, Some(50)), lock(2, 8, 2, 149, Some(50))]);
    green(&[lock(0, 1, 1, 100, Some(50)), lock(2, 3, 2, 150, Some(50))]);
    green(&[lock(0, 1, 1, 100, None), delete(2, 3, true, 2), lock(4, 5, 3, 200, None)]);
    let lost = op(2, 3, Input::Delete, None, Outcome::Unknown);
    green(&[lock(0, 1, 1, 100, None), lost, lock(4, 5, 3, 200, None)]);
}

#[test]
fn group_time_never_goes_back() {
    let write = at_time(set(0, 1, "a", 1), 100);
    red(Kind::TimeBackwards, &[write.clone(), at_time(set(2, 3, "b", 2), 99)]);
    red(Kind::TimeBackwards, &[write.clone(), at_time(read(2, 3, Some(("a", 1))), 99)]);
    green(&[write.clone(), at_time(set(1, 3, "b", 2), 99)]);
    // A read carries its leader's clock; the next leader's may be a little behind.
    green(&[write, at_time(read(2, 3, Some(("a", 1))), 120), at_time(read(4, 5, Some(("a", 1))), 119)]);
}

#[test]
fn key_is_not_back_after_it_was_gone() {
    let mortal = at_time(with_ttl(set(0, 1, "a", 1), 5), 100);
    let history = [mortal.clone(), read(2, 3, None), read(4, 5, Some(("a", 1)))];
    red(Kind::Resurrected, &history);
    green(&[mortal, read(2, 5, None), read(4, 5, Some(("a", 1)))]);
}

#[test]
fn deadlines_against_real_time() {
    let stated = Bounds { early_ms: Some(100), late_ms: Some(3000), drift_part: 5 };
    let mortal = in_ms(with_ttl(set(0, 1, "a", 1), 1000));
    let gone = |at| in_ms(read(at, at + 1, None));
    let there = |at| in_ms(read(at, at + 1, Some(("a", 1))));
    assert_eq!(kinds(&[mortal.clone(), gone(690)], &stated), [Kind::ExpiredEarly]);
    assert_eq!(kinds(&[mortal.clone(), gone(700)], &stated), []);
    assert_eq!(kinds(&[mortal.clone(), gone(690)], &Bounds::NONE), []);
    assert_eq!(kinds(&[mortal.clone(), there(4202)], &stated), [Kind::ExpiredLate]);
    assert_eq!(kinds(&[mortal.clone(), there(4200)], &stated), []);
    let taken = in_ms(op(2, 3, Input::Delete, None, Outcome::Unknown));
    assert_eq!(kinds(&[mortal, taken, gone(690)], &stated), []);
}

#[test]
fn local_read_is_no_older_than_it_says() {
    let writes = [in_ms(set(0, 1, "a", 1)), in_ms(set(10, 11, "b", 2))];
    let with = |read: Operation| [&writes[..], &[read]].concat();
    red(Kind::LocalStale, &with(aged(in_ms(local(50, 51, Some(("a", 1)))), 37)));
    green(&with(aged(in_ms(local(50, 51, Some(("a", 1)))), 38)));
    green(&with(in_ms(local(50, 51, Some(("a", 1))))));
    red(Kind::LocalStale, &with(aged(in_ms(local(50, 51, None)), 10)));
    green(&with(aged(in_ms(local(50, 51, None)), 60)));
}

#[test]
fn local_reads_of_a_new_connection_begin_anew() {
    let writes = [set(0, 1, "a", 1), set(2, 3, "b", 2)];
    let mut back = [local(4, 5, Some(("b", 2))), local(6, 7, Some(("a", 1)))];
    (back[0].client, back[1].client) = (7, 7);
    red(Kind::LocalBackwards, &[&writes[..], &back].concat());
    back[1].connection = 1;
    green(&[&writes[..], &back].concat());
}

#[test]
fn local_reads_do_not_go_back_in_time() {
    let history = [at_time(local(0, 1, None), 10), at_time(local(2, 3, None), 9)];
    red(Kind::LocalBackwards, &history);
}

/// Each of a batch is judged alone: one that was reported and not carried out is a lost write.
#[test]
fn partial_batch_reported_as_whole() {
    let mut other = set(0, 1, "b", 2);
    other.key = "other".into();
    let mut missed = read(2, 3, None);
    missed.key = "other".into();
    red(Kind::LostWrite, &[set(0, 1, "a", 1), other, read(2, 3, Some(("a", 1))), missed]);
}
