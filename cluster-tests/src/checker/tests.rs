//! The checker accepts what is right and refuses what is wrong, each fault by its kind.

mod deadlines;

use super::sample::*;
use super::*;
use crate::history::{Expect, Output};

#[track_caller]
fn accepted(history: &[Operation]) {
    let verdict = check(history);
    assert!(verdict.is_ok(), "{verdict}");
}

/// Refused by the cheap check named, and by the search as well.
#[track_caller]
fn refused(kind: Kind, history: &[Operation]) {
    let kinds: Vec<Kind> = check(history).violations.iter().map(|v| v.kind).collect();
    assert!(kinds.contains(&kind), "{kinds:?}");
    assert!(kinds.contains(&Kind::NotLinearizable), "{kinds:?}");
}

/// Refused by the search, though no cheap check sees anything.
#[track_caller]
fn refused_by_search_alone(history: &[Operation]) {
    let kinds: Vec<Kind> = check(history).violations.iter().map(|v| v.kind).collect();
    assert_eq!(kinds, [Kind::NotLinearizable]);
}

#[test]
fn nothing_is_right() {
    accepted(&[]);
}

#[test]
fn one_after_the_other() {
    accepted(&[read(0, 1, None), set(2, 3, "a", 1), read(4, 5, Some(("a", 1))), delete(6, 7, true, 2)]);
}

#[test]
fn concurrent_reads_may_see_old_and_new() {
    let history = [
        set(0, 1, "a", 1),
        set(2, 20, "b", 5),
        read(3, 4, Some(("a", 1))),
        read(5, 6, Some(("b", 5))),
        read(7, 8, Some(("b", 5))),
    ];
    accepted(&history);
}

#[test]
fn new_then_old_is_stale_even_while_the_write_runs() {
    let history =
        [set(0, 1, "a", 1), set(2, 20, "b", 5), read(3, 4, Some(("b", 5))), read(5, 6, Some(("a", 1)))];
    refused(Kind::StaleRead, &history);
}

#[test]
fn stale_read() {
    refused(Kind::StaleRead, &[set(0, 1, "a", 1), set(2, 3, "b", 2), read(4, 5, Some(("a", 1)))]);
}

#[test]
fn stale_read_of_nothing_is_a_lost_write() {
    refused(Kind::LostWrite, &[set(0, 1, "a", 1), read(2, 3, None)]);
}

#[test]
fn lost_write_under_a_later_one() {
    // "b" was acknowledged between, yet the compare-and-set against "a" succeeds.
    let history = [set(0, 1, "a", 1), set(2, 3, "b", 2), cas(4, 5, 1, "c", written(3))];
    refused_by_search_alone(&history);
}

#[test]
fn failed_write_that_appears() {
    let history = [set(0, 1, "a", 1), set_failed(2, 3, "b"), read(4, 5, Some(("b", 2)))];
    refused(Kind::FailedWriteVisible, &history);
}

#[test]
fn failed_write_that_does_not_appear() {
    accepted(&[set(0, 1, "a", 1), set_failed(2, 3, "b"), read(4, 5, Some(("a", 1)))]);
}

#[test]
fn refused_condition_that_appears() {
    let mismatch = Output::Mismatch { current: Some(1) };
    let history = [set(0, 1, "a", 1), cas(2, 3, 9, "b", mismatch), read(4, 5, Some(("b", 2)))];
    refused(Kind::FailedWriteVisible, &history);
}

#[test]
fn phantom_value() {
    refused(Kind::Phantom, &[set(0, 1, "a", 1), read(2, 3, Some(("z", 2)))]);
}

#[test]
fn read_from_the_future() {
    refused(Kind::Phantom, &[read(0, 1, Some(("a", 1))), set(2, 3, "a", 1)]);
}

#[test]
fn resurrected_delete() {
    let history = [set(0, 1, "a", 1), delete(2, 3, true, 2), read(4, 5, Some(("a", 1)))];
    refused(Kind::Resurrected, &history);
}

#[test]
fn delete_of_nothing_that_says_it_deleted() {
    refused_by_search_alone(&[delete(0, 1, true, 1)]);
}

#[test]
fn version_must_grow_over_a_delete() {
    let history = [set(0, 1, "a", 5), delete(2, 3, true, 6), set(4, 5, "b", 2)];
    refused(Kind::VersionOrder, &history);
}

#[test]
fn version_stands_for_one_value() {
    let history = [set(0, 9, "a", 5), set(1, 8, "b", 5)];
    refused(Kind::VersionReused, &history);
}

#[test]
fn unknown_write_may_appear_late() {
    accepted(&[
        set(0, 1, "a", 1),
        set_unknown(2, "b"),
        read(10, 11, Some(("a", 1))),
        read(12, 13, Some(("b", 2))),
    ]);
}

#[test]
fn unknown_write_may_never_happen() {
    accepted(&[set(0, 1, "a", 1), set_unknown(2, "b"), read(10, 11, Some(("a", 1)))]);
}

#[test]
fn unknown_write_happens_once() {
    let history = [
        set(0, 1, "a", 1),
        set_unknown(2, "b"),
        read(10, 11, Some(("b", 2))),
        set(12, 13, "c", 3),
        read(14, 15, Some(("b", 4))),
    ];
    refused(Kind::AppliedTwice, &history);
}

#[test]
fn unknown_delete_explains_a_miss() {
    let gone = op(2, 3, Input::Delete, None, Outcome::Unknown);
    accepted(&[set(0, 1, "a", 1), gone, read(4, 5, None), read(6, 7, None)]);
}

#[test]
fn unknown_write_cannot_precede_its_call() {
    refused(Kind::Phantom, &[read(0, 1, Some(("b", 1))), set_unknown(2, "b")]);
}

#[test]
fn cas_succeeds_on_its_version_and_fails_on_others() {
    let mismatch = Output::Mismatch { current: Some(2) };
    let history = [set(0, 1, "a", 1), cas(2, 3, 1, "b", written(2)), cas(4, 5, 1, "c", mismatch)];
    accepted(&history);
}

#[test]
fn two_cas_on_one_version_cannot_both_succeed() {
    let history = [set(0, 1, "a", 1), cas(2, 9, 1, "b", written(2)), cas(2, 9, 1, "c", written(3))];
    refused_by_search_alone(&history);
}

#[test]
fn cas_refused_though_it_held() {
    let mismatch = Output::Mismatch { current: None };
    refused_by_search_alone(&[set(0, 1, "a", 1), cas(2, 3, 1, "b", mismatch)]);
}

#[test]
fn cas_on_an_unknown_write_learns_its_version() {
    let history = [set_unknown(0, "a"), cas(2, 3, 7, "b", written(9)), read(4, 5, Some(("b", 9)))];
    accepted(&history);
}

#[test]
fn incr_counts_every_time() {
    accepted(&[incr(0, 9, 1, Some((2, 2))), incr(0, 9, 1, Some((1, 1))), incr(10, 11, 5, Some((7, 3)))]);
}

#[test]
fn incr_applied_twice() {
    refused(Kind::AppliedTwice, &[incr(0, 1, 1, Some((1, 1))), incr(2, 3, 1, Some((3, 3)))]);
}

#[test]
fn unknown_incr_counts_once_or_never() {
    accepted(&[incr(0, 1, 1, None), incr(2, 3, 1, Some((1, 1))), incr(4, 5, 1, Some((3, 3)))]);
    refused(Kind::AppliedTwice, &[incr(0, 1, 1, None), incr(2, 3, 1, Some((3, 3)))]);
}

#[test]
fn numbers_are_added_to_and_nothing_else_is() {
    let refused_add = op(2, 3, Input::Incr { by: 1 }, Some(Output::NotANumber), Outcome::Ok);
    accepted(&[set(0, 1, "x", 1), refused_add.clone()]);
    refused_by_search_alone(&[set(0, 1, "7", 1), refused_add]);
    refused_by_search_alone(&[set(0, 1, "x", 1), incr(2, 3, 1, Some((1, 2)))]);
}

#[test]
fn local_reads_may_be_stale_but_not_go_back() {
    let writes = [set(0, 1, "a", 1), set(2, 3, "b", 2)];
    let fine = [local(4, 5, Some(("a", 1))), local(6, 7, Some(("b", 2)))];
    accepted(&[&writes[..], &fine].concat());
    let back = [local(4, 5, Some(("b", 2))), local(6, 7, Some(("a", 1)))];
    let kinds: Vec<Kind> = check(&[&writes[..], &back].concat()).violations.iter().map(|v| v.kind).collect();
    assert_eq!(kinds, [Kind::LocalBackwards]);
}

#[test]
fn each_key_is_judged_alone() {
    let mut other = read(4, 5, None);
    other.key = "other".into();
    accepted(&[set(0, 1, "a", 1), other]);
    let mut stale = set(0, 1, "x", 9);
    stale.key = "other".into();
    let mut missed = read(4, 5, None);
    missed.key = "other".into();
    let verdict = check(&[set(0, 1, "a", 1), stale, missed]);
    assert!(verdict.violations.iter().all(|v| v.key == "other") && !verdict.is_ok());
}

#[test]
fn bound_on_steps_is_kept() {
    let history: Vec<Operation> = (0..4).map(|i| set(0, 9, &i.to_string(), i + 1)).collect();
    let intervals: Vec<_> = history.iter().filter_map(interval).collect();
    assert_eq!(search::search(&Register::default(), &intervals, 3), Answer::Undecided);
}

/// Many clients at once on one key, with a lost answer now and then: the search stays near linear.
#[test]
fn long_right_history_is_decided() {
    let mut history = Vec::new();
    for round in 0..1000u64 {
        let (start, last) = (round * 100, round * 10 + 4);
        history
            .extend((1..=4).map(|i| set(start + i, start + 50 - i, &format!("{round}-{i}"), round * 10 + i)));
        history.push(read(start + 60, start + 70, Some((&format!("{round}-4"), last))));
        if round % 50 == 0 {
            history.push(set_unknown(start + 3, &format!("{round}-lost")));
        }
    }
    accepted(&history);
    history.push(read(200_000, 200_001, Some(("998-4", 9984))));
    refused(Kind::StaleRead, &history);
}
