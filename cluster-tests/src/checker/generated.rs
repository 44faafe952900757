//! Generated histories, which are right, are accepted, and soon; with one answer falsified most are refused.

use super::generate::{Mix, Shape, generate};
use super::{Kind, check};
use crate::history::Output;

const MIXES: [Mix; 4] = [Mix::Register, Mix::Counter, Mix::Append, Mix::Everything];

fn shape(mix: Mix, seed: u64) -> Shape {
    Shape { operations: 400, keys: 3, clients: 6, unknown: 0.05, mix, seed }
}

#[test]
fn right_histories_are_accepted() {
    for seed in 0..40 {
        for mix in MIXES {
            let verdict = check(&generate(&shape(mix, seed)));
            assert!(verdict.is_ok(), "{mix:?} {seed}: {verdict}");
        }
    }
}

/// Keys on which the search gave up while it took a state that was reached with fewer operations of unknown outcome
/// for another one.
#[test]
fn long_histories_with_many_unknown_outcomes_are_decided() {
    let mix = Mix::Everything;
    let history =
        generate(&Shape { operations: 100_000, keys: 100, clients: 32, unknown: 0.05, mix, seed: 1 });
    for key in ["key-5", "key-78"] {
        let verdict = check(&history.iter().filter(|op| op.key == key).cloned().collect::<Vec<_>>());
        assert!(verdict.is_ok(), "{key}: {verdict}");
    }
}

#[test]
fn an_answer_repeated_much_later_is_refused() {
    for mix in MIXES {
        let mut history = generate(&shape(mix, 7));
        let hit = |output: &Option<Output>| matches!(output, Some(Output::Read(Some(_))));
        let first = history.iter().position(|op| hit(&op.output)).unwrap();
        let (key, output) = (history[first].key.clone(), history[first].output.clone());
        let last = history.iter().rposition(|op| op.key == key && hit(&op.output)).unwrap();
        history[last].output = output;
        let verdict = check(&history);
        assert!(verdict.violations.iter().any(|v| v.kind == Kind::NotLinearizable), "{mix:?}: {verdict}");
        assert!(verdict.violations.iter().all(|v| v.key == key), "{mix:?}: {verdict}");
    }
}
