//! The search and its model against a plain store that is tried in every order and at every group time.
//!
//! The store is the one that histories are generated with: one map with deadlines, written without the checker's
//! model in mind. A history is made by it, then some answers are falsified.

use proptest::prelude::*;

use crate::checker::generate::Store;
use crate::checker::model::Interval;
use crate::checker::register::Register;
use crate::checker::sample::op;
use crate::checker::search::{Answer, search};
use crate::checker::{STEPS_MAX, describe, interval};
use crate::history::{Consistency, Expect, Expires, Input, Operation, Outcome, Output, Seen};

/// Latest group time that an operation can have taken effect at, ms; past every deadline there can be.
const TIME_MS_MAX: u64 = 24;

/// What one operation is made from.
#[derive(Debug, Clone)]
struct Draft {
    call: u64,
    took: u64,
    effect: u64,
    input: Input,
    known: bool,
    tells_time: bool,
    time_step: u64,
    falsified: u8,
}

fn input() -> impl Strategy<Value = Input> {
    let value = || (1..3u8).prop_map(|n| n.to_string());
    let ttl = || proptest::option::of(1..5u64);
    let expect = prop_oneof![Just(Expect::Absent), Just(Expect::Present), value().prop_map(Expect::Value)];
    prop_oneof![
        4 => Just(Input::Get(Consistency::Linearizable)),
        3 => (value(), ttl()).prop_map(|(value, ttl_ms)| Input::Set { value, ttl_ms }),
        1 => Just(Input::Delete),
        2 => (expect, value(), ttl()).prop_map(|(expect, value, ttl_ms)| Input::Cas { expect, value, ttl_ms }),
        2 => (1..3i64).prop_map(|by| Input::Incr { by }),
        2 => prop_oneof![Just("1"), Just("x")].prop_map(|value| Input::Append { value: value.into() }),
        1 => (1..5u64).prop_map(|ttl_ms| Input::Touch { ttl_ms }),
        1 => Just(Input::Persist),
    ]
}

fn draft() -> impl Strategy<Value = Draft> {
    let times = (0..14u64, 1..9u64, 0..9u64, 0..3u64);
    let flags = (prop::bool::weighted(0.75), prop::bool::weighted(0.8), 0..24u8);
    (times, input(), flags).prop_map(
        |((call, took, effect, time_step), input, (known, tells_time, falsified))| Draft {
            call,
            took,
            effect: call + effect % took,
            input,
            known,
            tells_time,
            time_step,
            falsified,
        },
    )
}

/// The history that a right store would give, with the answers falsified that are to be.
fn history(mut drafts: Vec<Draft>) -> Vec<Operation> {
    drafts.sort_by_key(|draft| draft.effect);
    let mut store = Store::default();
    let mut now_ms = 0;
    let mut history = Vec::new();
    for draft in drafts {
        now_ms += draft.time_step;
        let (output, expires) = store.apply(now_ms, "k", &draft.input);
        let outcome = if draft.known { Outcome::Ok } else { Outcome::Unknown };
        let output = draft.known.then(|| untold_version(output));
        let mut operation = op(draft.call, draft.call + draft.took, draft.input, output, outcome);
        if draft.known && draft.tells_time {
            (operation.time_ms, operation.expires) = (Some(now_ms), expires);
        }
        falsify(&mut operation, draft.falsified);
        history.push(operation);
    }
    history
}

fn untold_version(output: Output) -> Output {
    match output {
        Output::Read(Some(seen)) => Output::Read(Some(Seen { version: None, ..seen })),
        Output::Written { created, value, .. } => Output::Written { version: None, created, value },
        Output::Deleted { deleted, .. } => Output::Deleted { deleted, version: None },
        Output::Mismatch { .. } => Output::Mismatch { current: None },
        same @ (Output::Read(None) | Output::Missing | Output::NotANumber) => same,
    }
}

fn falsify(op: &mut Operation, how: u8) {
    match (how, &mut op.output, &mut op.time_ms) {
        (0, _, Some(time_ms)) => *time_ms += 1,
        (1, _, Some(time_ms)) => *time_ms = time_ms.saturating_sub(1),
        (2, Some(Output::Read(seen)), _) => (*seen, op.expires) = (None, Expires::Untold),
        (3, Some(Output::Read(seen)), _) => *seen = Some(Seen { value: "1".into(), version: None }),
        (4, Some(Output::Written { created: Some(created), .. }), _) => *created = !*created,
        (5, Some(Output::Deleted { deleted, .. }), _) => *deleted = !*deleted,
        (6, Some(Output::Written { value: Some(value), .. }), _) => value.push('1'),
        (7, ..) if op.expires != Expires::Untold => op.expires = Expires::In(2),
        _ => {}
    }
}

/// Whether the operations left can be put in order from here: tries every order and every time.
fn any_order(intervals: &[Interval<'_, Operation>], left: &[usize], store: &Store, now_ms: u64) -> bool {
    let returns = |i: &usize| intervals[*i].return_ns;
    let Some(first_return) = left.iter().filter_map(returns).min() else { return true };
    left.iter().filter(|i| intervals[**i].call_ns <= first_return).any(|&next| {
        let rest: Vec<usize> = left.iter().copied().filter(|i| *i != next).collect();
        (now_ms..=TIME_MS_MAX).any(|at_ms| {
            let mut store = store.clone();
            takes_effect(&mut store, intervals[next].op, at_ms) && any_order(intervals, &rest, &store, at_ms)
        })
    })
}

/// Carries the operation out at this group time: whether it then answers what it answered.
fn takes_effect(store: &mut Store, op: &Operation, at_ms: u64) -> bool {
    let told = op.time_ms.filter(|_| op.outcome == Outcome::Ok);
    let is_read = matches!(op.input, Input::Get(_));
    let in_time = told.is_none_or(|told| if is_read { at_ms <= told } else { at_ms == told });
    if !in_time {
        return false;
    }
    let agrees = |store: &mut Store, at_ms| {
        let (output, expires) = store.apply(at_ms, "k", &op.input);
        op.output.as_ref().is_none_or(|told| *told == untold_version(output))
            && (op.expires == Expires::Untold || told != Some(at_ms) || op.expires == expires)
    };
    // What a read shows is still there at the time it carries.
    let alive = !matches!(op.output, Some(Output::Read(Some(_))))
        || agrees(&mut store.clone(), told.unwrap_or(at_ms));
    agrees(store, at_ms) && alive
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn search_agrees_with_every_order_at_every_time(drafts in proptest::collection::vec(draft(), 1..6)) {
        let history = history(drafts);
        let intervals: Vec<_> = history.iter().filter_map(interval).collect();
        let all: Vec<usize> = (0..intervals.len()).collect();
        let expected = any_order(&intervals, &all, &Store::default(), 0);
        let found = search(&Register::default(), &intervals, STEPS_MAX) == Answer::Linearizable;
        let lines: Vec<String> = history.iter().map(|op| format!("{} @{:?} {:?}", describe(op), op.time_ms, op.expires)).collect();
        prop_assert_eq!(found, expected, "\n{}", lines.join("\n"));
    }
}
