//! Deadlines: by the group time of answers, through every kind of operation that sets, keeps or meets one.

use super::*;
use crate::history::Expires;

#[test]
fn deadline_takes_a_key_at_its_group_time() {
    let write = at_time(with_ttl(set(0, 1, "a", 1), 50), 1000);
    accepted(&[
        write.clone(),
        at_time(read(2, 3, Some(("a", 1))), 1049),
        at_time(read(4, 5, None), 1050),
        at_time(read(6, 7, None), 1051),
    ]);
    refused_by_search_alone(&[write.clone(), at_time(read(2, 3, None), 1049)]);
    refused_by_search_alone(&[write.clone(), at_time(read(2, 3, Some(("a", 1))), 1050)]);
    // Seen expired, then alive again at an older group time.
    let back = at_time(read(6, 7, Some(("a", 1))), 1049);
    refused(Kind::Resurrected, &[write, at_time(read(4, 5, None), 1050), back]);
}

#[test]
fn deadline_of_an_unknown_write_is_learned_from_answers() {
    let write = with_ttl(set_unknown(0, "a"), 50);
    let other = at_time(set(0, 1, "b", 1), 1000);
    let seen = |time| at_time(read(2, 3, Some(("a", 2))), time);
    let gone = |time| at_time(read(4, 5, None), time);
    // It was written at 1000 or later, and by 1010 at the latest: its time is up between 1050 and 1060.
    accepted(&[other.clone(), write.clone(), seen(1010), gone(1050)]);
    refused_by_search_alone(&[other.clone(), write.clone(), seen(1010), gone(1049)]);
    let late = at_time(read(4, 5, Some(("a", 2))), 1059);
    accepted(&[other.clone(), write.clone(), seen(1010), late.clone()]);
    refused_by_search_alone(&[other, write, seen(1010), at_time(late, 1060)]);
}

#[test]
fn increment_keeps_the_deadline_and_begins_anew_after_it() {
    let first = at_time(with_ttl(set(0, 1, "5", 1), 50), 1000);
    let add = |time, sum| at_time(incr(2, 3, 1, Some((sum, 2))), time);
    let sum = |time, sum| at_time(read(4, 5, Some((sum, 2))), time);
    accepted(&[first.clone(), add(1049, 6), sum(1049, "6")]);
    accepted(&[first.clone(), add(1050, 1), sum(2000, "1")]);
    refused_by_search_alone(&[first.clone(), add(1049, 1)]);
    refused_by_search_alone(&[first.clone(), add(1050, 6)]);
    refused_by_search_alone(&[first.clone(), add(1049, 6), sum(1050, "6")]);
    // Its outcome unknown, the increment may have met the key or not.
    let lost = incr(2, 3, 1, None);
    accepted(&[first.clone(), lost.clone(), sum(1049, "6")]);
    accepted(&[first.clone(), lost.clone(), sum(1060, "1")]);
    refused_by_search_alone(&[first.clone(), lost.clone(), sum(1060, "6")]);
    refused_by_search_alone(&[first, lost, sum(1049, "1")]);
}

#[test]
fn touch_and_persist_move_the_deadline() {
    let first = at_time(with_ttl(set(0, 1, "a", 1), 50), 1000);
    let change = |input, time| at_time(op(2, 3, input, Some(written(2)), Outcome::Ok), time);
    let touch = |time| change(Input::Touch { ttl_ms: 50 }, time);
    let there = |time| at_time(read(4, 5, Some(("a", 2))), time);
    let gone = |time| at_time(read(4, 5, None), time);
    accepted(&[first.clone(), touch(1040), there(1089)]);
    refused_by_search_alone(&[first.clone(), touch(1040), there(1090)]);
    refused_by_search_alone(&[first.clone(), touch(1040), gone(1089)]);
    refused_by_search_alone(&[first.clone(), touch(1050)]);
    accepted(&[first.clone(), change(Input::Persist, 1049), there(9000)]);
    refused_by_search_alone(&[first.clone(), change(Input::Persist, 1049), gone(9000)]);
    let missing = |time| at_time(op(2, 3, Input::Persist, Some(Output::Missing), Outcome::Ok), time);
    accepted(&[first.clone(), missing(1050)]);
    refused_by_search_alone(&[first, missing(1049)]);
}

#[test]
fn conditional_write_meets_the_deadline() {
    let first = at_time(with_ttl(set(0, 1, "a", 1), 50), 1000);
    let take = |expect, time, output| {
        let input = Input::Cas { expect, value: "b".into(), ttl_ms: Some(9) };
        at_time(op(2, 3, input, Some(output), Outcome::Ok), time)
    };
    let no = || Output::Mismatch { current: None };
    accepted(&[first.clone(), take(Expect::Absent, 1050, written(2)), at_time(read(4, 5, None), 1059)]);
    refused_by_search_alone(&[first.clone(), take(Expect::Absent, 1049, written(2))]);
    refused_by_search_alone(&[first.clone(), take(Expect::Absent, 1050, no())]);
    accepted(&[first.clone(), take(Expect::Version(1), 1049, written(2))]);
    refused_by_search_alone(&[first.clone(), take(Expect::Version(1), 1050, written(2))]);
    refused_by_search_alone(&[first.clone(), take(Expect::Present, 1049, no())]);
    accepted(&[first, take(Expect::Present, 1050, no())]);
}

#[test]
fn deadline_that_an_answer_tells_is_the_one_there_is() {
    let write =
        |left| Operation { expires: Expires::In(left), ..at_time(with_ttl(set(0, 1, "a", 1), 50), 1000) };
    accepted(&[write(50)]);
    refused_by_search_alone(&[write(49)]);
    let seen = |left| Operation { expires: Expires::In(left), ..at_time(read(2, 3, Some(("a", 1))), 1020) };
    accepted(&[write(50), seen(30)]);
    refused_by_search_alone(&[write(50), seen(50)]);
    refused_by_search_alone(&[write(50), Operation { expires: Expires::Never, ..seen(30) }]);
}
