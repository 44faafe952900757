//! The search against the plainest one there is, on thousands of small random histories, right and wrong.

mod times;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::model::{Interval, Model};
use super::register::{Register, State};
use super::search::{Answer, search};
use super::{STEPS_MAX, describe, interval};
use crate::history::{Consistency, Expect, Input, Operation, Outcome, Output, Seen};

const HISTORIES: u64 = 20_000;
const OPERATIONS_MAX: usize = 7;
/// Bounds on steps that let attempts end in the middle.
const STEPS_FEW: [u64; 3] = [20, 300, 3000];

/// Whether the operations left can be put in order from `state`: tries everything, remembers nothing.
fn any_order(intervals: &[Interval<'_, Operation>], left: &[usize], state: &State) -> bool {
    let returns = |i: &usize| intervals[*i].return_ns;
    let Some(first_return) = left.iter().filter_map(returns).min() else { return true };
    left.iter().filter(|i| intervals[**i].call_ns <= first_return).any(|&next| {
        let rest: Vec<usize> = left.iter().copied().filter(|i| *i != next).collect();
        let after = Register::default().step(state, intervals[next].op);
        after.iter().flatten().any(|after| any_order(intervals, &rest, after))
    })
}

fn random_operation(random: &mut StdRng) -> Operation {
    let value = |random: &mut StdRng| ["1", "2", "3"].choose(random).map(ToString::to_string).unwrap();
    let version = |random: &mut StdRng| random.random_bool(0.4).then(|| random.random_range(1..5));
    let input = match random.random_range(0..6) {
        0 => Input::Set { value: value(random), ttl_ms: None },
        1 => Input::Delete,
        2 => Input::Cas { expect: Expect::Value(value(random)), value: value(random), ttl_ms: None },
        3 => Input::Cas {
            expect: Expect::Version(random.random_range(1..5)),
            value: value(random),
            ttl_ms: None,
        },
        4 => Input::Incr { by: 1 },
        _ => Input::Get(Consistency::Linearizable),
    };
    let is_cas = matches!(input, Input::Cas { .. });
    let output = match &input {
        Input::Get(_) if random.random_bool(0.2) => Output::Read(None),
        Input::Get(_) => Output::Read(Some(Seen { value: value(random), version: version(random) })),
        Input::Delete => Output::Deleted { deleted: random.random(), version: version(random) },
        _ if is_cas && random.random_bool(0.4) => Output::Mismatch { current: version(random) },
        _ => Output::Written { version: version(random), created: None, value: None },
    };
    let known = random.random_bool(0.7);
    let call_ns = random.random_range(0..20);
    Operation {
        client: 0,
        process: 0,
        node: 0,
        key: "k".into(),
        call_ns,
        return_ns: call_ns + random.random_range(1..12),
        input,
        output: known.then_some(output),
        outcome: if known { Outcome::Ok } else { Outcome::Unknown },
        ..Operation::default()
    }
}

#[test]
fn search_agrees_with_trying_every_order() {
    let mut verdicts = [0, 0];
    for seed in 0..HISTORIES {
        let mut random = StdRng::seed_from_u64(seed);
        let count = random.random_range(2..=OPERATIONS_MAX);
        let history: Vec<Operation> = (0..count).map(|_| random_operation(&mut random)).collect();
        let intervals: Vec<_> = history.iter().filter_map(interval).collect();
        let all: Vec<usize> = (0..intervals.len()).collect();
        let expected = any_order(&intervals, &all, &Register::default().initial());
        let found = search(&Register::default(), &intervals, STEPS_MAX) == Answer::Linearizable;
        let lines: Vec<String> = history.iter().map(describe).collect();
        assert_eq!(found, expected, "seed {seed}:\n{}", lines.join("\n"));
        verdicts[usize::from(found)] += 1;
        for steps_max in STEPS_FEW {
            let answer = search(&Register::default(), &intervals, steps_max);
            let right = answer == Answer::Undecided || (answer == Answer::Linearizable) == expected;
            assert!(right, "seed {seed}, {steps_max} steps: {answer:?}\n{}", lines.join("\n"));
        }
    }
    assert!(verdicts.iter().all(|count| count * 10 > HISTORIES), "few of one kind: {verdicts:?}");
}
