//! Scripts alone: what they choose, and what they make of answers.

use std::collections::HashSet;

use super::*;
use crate::history::{Consistency, Expect, Expires, Outcome, Output};
use crate::workload::Workload;

const MS: u64 = 1_000_000;

fn draw() -> Draw {
    Draw::new(3, &Workload { seed: 1, ..Workload::default() })
}

/// The first of many choices that is as wanted.
fn until<T>(
    script: &mut dyn Script,
    draw: &mut Draw,
    mut wanted: impl FnMut(&str, &Input) -> Option<T>,
) -> T {
    let mut look = || match script.next(draw) {
        Step::One(key, input) => wanted(&key, &input),
        Step::Batch(_) | Step::Wait(_) => None,
    };
    (0..10_000).find_map(|_| look()).expect("it is chosen sooner or later")
}

fn answered(key: &str, input: Input, output: Output) -> Operation {
    Operation {
        key: key.into(),
        input,
        output: Some(output),
        outcome: Outcome::Ok,
        return_ns: 1000 * MS,
        ..Operation::default()
    }
}

fn written(version: u64) -> Output {
    Output::Written { version: Some(version), created: Some(true), value: None }
}

const MORTAL: &str = "ttl-0.0.1";

/// Whether one of many choices at a time, ms, is to look at another key.
fn turns_away(ttl: &mut ttl::Ttl, draw: &mut Draw, ms: u64) -> bool {
    draw.now_ns = ms * MS;
    (0..20).any(|_| matches!(ttl.next(draw), Step::One(key, _) if key != MORTAL))
}

/// A client that set a key at 1,000 ms which expires at 1,500 ms.
fn waiting() -> ttl::Ttl {
    let mut ttl = ttl::Ttl::default();
    let set = answered(MORTAL, Input::Set { value: "v".into(), ttl_ms: Some(500) }, written(7));
    ttl.learn(&Operation { expires: Expires::In(500), ..set });
    ttl
}

#[test]
fn a_deadline_is_waited_for_and_then_looked_at_from_both_sides() {
    let (mut ttl, mut draw) = (waiting(), draw());
    draw.now_ns = 1480 * MS;
    assert_eq!(
        ttl.next(&mut draw),
        Step::Wait(Duration::from_millis(5)),
        "15 ms before it the key comes near"
    );
    assert!(!turns_away(&mut ttl, &mut draw, 1490));
    assert!(!turns_away(&mut ttl, &mut draw, 1900), "a turn that comes late looks all the same");
    assert!(turns_away(&mut ttl, &mut draw, 2501), "but not for ever");
}

#[test]
fn a_key_that_was_seen_to_be_gone_is_looked_at_for_a_moment_more() {
    let (mut ttl, mut draw) = (waiting(), draw());
    ttl.learn(&answered(MORTAL, Input::Get(Consistency::Lease), Output::Read(None)));
    assert!(!turns_away(&mut ttl, &mut draw, 1514));
    assert!(turns_away(&mut ttl, &mut draw, 1516));
}

#[test]
fn who_waits_for_enough_deadlines_writes_no_more() {
    let (mut ttl, mut draw) = (ttl::Ttl::default(), draw());
    for number in 0..10 {
        let input = Input::Set { value: "v".into(), ttl_ms: Some(4000) };
        let set = answered(&format!("ttl-0.0.{number}"), input, written(number));
        ttl.learn(&Operation { expires: Expires::In(4000), ..set });
    }
    draw.now_ns = 1001 * MS;
    for _ in 0..200 {
        assert!(matches!(ttl.next(&mut draw), Step::One(_, Input::Get(_))));
    }
}

#[test]
fn a_lock_is_renewed_by_its_token_until_it_is_lost() {
    // A client may give a lock up before it renews it: of many, some renew.
    let renewed = (0..50).filter(|seed| lock_is_renewed_and_lost(*seed)).count();
    assert!(renewed > 10, "{renewed} of 50");
}

fn lock_is_renewed_and_lost(seed: u64) -> bool {
    let mut lease = lease::Lease::default();
    let mut draw = Draw::new(3, &Workload { seed, ..Workload::default() });
    let absent = |key: &str, input: &Input| match input {
        Input::Cas { expect: Expect::Absent, .. } => Some((key.to_owned(), input.clone())),
        _ => None,
    };
    let (key, taken) = until(&mut lease, &mut draw, absent);
    lease.learn(&answered(&key, taken, written(42)));
    let (renewed, expect) = until(&mut lease, &mut draw, |key, input| match input {
        Input::Cas { expect, ttl_ms: Some(100..), .. } => Some((key.to_owned(), expect.clone())),
        _ => None,
    });
    if expect == Expect::Absent {
        return false;
    }
    assert_eq!((renewed, expect), (key.clone(), Expect::Version(42)));
    let renewal = Input::Cas { expect: Expect::Version(42), value: "v".into(), ttl_ms: Some(100) };
    lease.learn(&Operation {
        outcome: Outcome::Unknown,
        output: None,
        ..answered(&key, renewal, written(43))
    });
    for _ in 0..100 {
        if let Step::One(_, Input::Cas { expect, .. }) = lease.next(&mut draw) {
            assert_eq!(expect, Expect::Absent, "whoever is not sure holds nothing");
        }
    }
    true
}

#[test]
fn no_batch_names_a_key_twice_and_all_its_reads_are_alike() {
    let (mut batch, mut draw) = (batch::Batch::default(), draw());
    for _ in 0..500 {
        let Step::Batch(operations) = batch.next(&mut draw) else { panic!("not a batch") };
        let keys: HashSet<&String> = operations.iter().map(|(key, _)| key).collect();
        assert_eq!(keys.len(), operations.len());
        let reads: HashSet<Consistency> = operations
            .iter()
            .filter_map(|(_, input)| match input {
                Input::Get(how) => Some(*how),
                _ => None,
            })
            .collect();
        assert!(!operations.is_empty() && reads.len() <= 1);
    }
}

#[test]
fn bursts_come_and_go_for_all_at_once() {
    let (mut bursts, mut draw) = (bursts::Bursts, draw());
    let mut waits = |ms: u64| {
        draw.now_ns = ms * MS;
        matches!(bursts.next(&mut draw), Step::Wait(_))
    };
    assert!(!waits(0) && !waits(499) && waits(500) && waits(1499) && !waits(1500));
}

#[test]
fn long_lists_are_only_read() {
    let (mut append, mut draw) = (append::Append::default(), draw());
    let key = until(&mut append, &mut draw, |key, input| {
        matches!(input, Input::Append { .. }).then(|| key.to_owned())
    });
    let long = crate::history::Seen { value: "1-1,".repeat(501), version: Some(9) };
    append.learn(&answered(&key, Input::default(), Output::Read(Some(long))));
    for _ in 0..1000 {
        let Step::One(chosen, input) = append.next(&mut draw) else { panic!("one at a time") };
        assert!(chosen != key || matches!(input, Input::Get(_)));
    }
}
