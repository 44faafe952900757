//! The checker by itself, on generated histories that are right: it has to look at all of each.
//!
//! `cargo bench -p cluster-tests`; some of them: `cargo bench -p cluster-tests -- register`.

use std::fmt;

use cluster_tests::checker::generate::{Mix, Shape, generate};
use cluster_tests::checker::unique_set::{SEPARATOR, UniqueSet};
use cluster_tests::checker::{check, check_linearizable};
use cluster_tests::history::{Input, Operation, Output};
use divan::Bencher;
use divan::counter::ItemsCount;

/// Keys they are spread over, as in the histories that `quorate-check --generate` writes.
const KEYS: u64 = 100;
/// Share of writes without an answer, where there are any.
const UNKNOWN: f64 = 0.05;
/// Operations, clients, and whether some writes have no answer.
const CASES: [Case; 12] = [
    Case(1_000, 8, false),
    Case(1_000, 8, true),
    Case(1_000, 32, false),
    Case(1_000, 32, true),
    Case(10_000, 8, false),
    Case(10_000, 8, true),
    Case(10_000, 32, false),
    Case(10_000, 32, true),
    Case(100_000, 8, false),
    Case(100_000, 8, true),
    Case(100_000, 32, false),
    Case(100_000, 32, true),
];
/// One of each for the other mixes.
const MIDDLE: [Case; 2] = [Case(10_000, 32, false), Case(10_000, 32, true)];

fn main() {
    divan::main();
}

#[derive(Clone, Copy)]
struct Case(usize, usize, bool);

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(operations, clients, unknown) = self;
        let share = if *unknown { UNKNOWN * 100.0 } else { 0.0 };
        write!(f, "{operations} operations, {clients} clients, {share} % unknown")
    }
}

fn history(mix: Mix, Case(operations, clients, unknown): Case) -> Vec<Operation> {
    let unknown = if unknown { UNKNOWN } else { 0.0 };
    generate(&Shape { operations, keys: KEYS, clients, unknown, mix, seed: 1 })
}

/// Every check of Quorate's histories but those against real time.
fn all_checks(bencher: Bencher<'_, '_>, mix: Mix, case: Case) {
    let history = history(mix, case);
    let verdict = check(&history);
    assert!(verdict.is_ok(), "a generated history is right: {verdict}");
    bencher.counter(ItemsCount::new(history.len())).bench_local(|| check(&history));
}

#[divan::bench(args = CASES, sample_count = 10)]
fn register(bencher: Bencher<'_, '_>, case: Case) {
    all_checks(bencher, Mix::Register, case);
}

#[divan::bench(args = MIDDLE, sample_count = 10)]
fn counter(bencher: Bencher<'_, '_>, case: Case) {
    all_checks(bencher, Mix::Counter, case);
}

#[divan::bench(args = MIDDLE, sample_count = 10)]
fn append(bencher: Bencher<'_, '_>, case: Case) {
    all_checks(bencher, Mix::Append, case);
}

#[divan::bench(args = MIDDLE, sample_count = 10)]
fn everything(bencher: Bencher<'_, '_>, case: Case) {
    all_checks(bencher, Mix::Everything, case);
}

/// The search alone, with the model of a set of unique elements.
#[divan::bench(args = MIDDLE, sample_count = 10)]
fn set(bencher: Bencher<'_, '_>, case: Case) {
    let history: Vec<Operation> = history(Mix::Append, case).into_iter().map(as_set).collect();
    let verdict = check_linearizable(&UniqueSet, &history);
    assert!(verdict.is_ok(), "a generated history is right: {verdict}");
    bencher.counter(ItemsCount::new(history.len())).bench_local(|| check_linearizable(&UniqueSet, &history));
}

/// An operation on a list as one on the set of its elements.
fn as_set(mut operation: Operation) -> Operation {
    if let Input::Append { value } = &mut operation.input {
        *value = value.replace(';', &SEPARATOR.to_string());
    }
    if let Some(Output::Read(Some(seen))) = &mut operation.output {
        let list = seen.value.replace(';', &SEPARATOR.to_string());
        let mut elements: Vec<&str> = list.split_inclusive(SEPARATOR).collect();
        elements.sort_unstable();
        seen.value = elements.concat();
    }
    operation
}
