//! Workloads and checker together: a right store passes, each wrong one is caught.

use std::collections::BTreeSet;
use std::time::Duration;

use super::stub::{Fault, serve};
use super::*;
use crate::checker::Verdict;
use crate::checker::bounds::Bounds;
use crate::history::{Input, Outcome, Output};

const KEYS: u64 = 4;
/// Writes acknowledged before a history is judged: the stub's faults strike every few operations.
const WRITES: u64 = 1000;
/// The same of keys with short lives, which are left alone until they expire.
const TTL_WRITES: u64 = 200;
/// How long that may take on a busy machine.
const WRITES_WITHIN: Duration = Duration::from_secs(60);

async fn run(fault: Fault, workload: Workload) -> Vec<Operation> {
    let nodes = vec![(1, serve(fault).await)];
    let only_ttl = workload.mix.kinds().all(|kind| kind == Kind::Ttl);
    let running = workload.start(nodes.clone());
    running.acknowledges(if only_ttl { TTL_WRITES } else { WRITES }, WRITES_WITHIN).await.unwrap();
    running.finish(&nodes, KEYS).await.unwrap()
}

fn workload(mix: &str) -> Workload {
    Workload { clients: 8, keys: KEYS, mix: mix.parse().unwrap(), ..Workload::default() }
}

async fn judged(fault: Fault, mix: &str) -> (Vec<Operation>, Verdict) {
    let history = run(fault, workload(mix)).await;
    let verdict = checker::check_within(&history, &Bounds::STATED);
    (history, verdict)
}

/// The kinds of violation a fault is caught by.
async fn caught(fault: Fault, mix: &str) -> BTreeSet<String> {
    let (_, verdict) = judged(fault, mix).await;
    kinds(&verdict)
}

fn kinds(verdict: &Verdict) -> BTreeSet<String> {
    verdict.violations.iter().map(|v| format!("{:?}", v.kind)).collect()
}

fn assert_any(kinds: &BTreeSet<String>, any: &[&str]) {
    assert!(any.iter().any(|kind| kinds.contains(*kind)), "caught by {kinds:?}, not by any of {any:?}");
}

#[tokio::test]
async fn right_store_passes_every_workload() {
    let (history, verdict) = judged(Fault::None, "all").await;
    assert!(verdict.is_ok(), "{verdict}");
    let good: Vec<_> = history.iter().filter(|op| op.outcome == Outcome::Ok).collect();
    for kind in Mix::all().kinds() {
        assert!(good.iter().any(|op| Kind::of(&op.key) == Some(kind)), "nothing of {kind}");
    }
    let asked = |wanted: fn(&Input) -> bool| good.iter().any(|op| wanted(&op.input));
    assert!(
        asked(|input| matches!(input, Input::Delete)) && asked(|input| matches!(input, Input::Cas { .. }))
    );
    assert!(asked(|input| matches!(input, Input::Touch { .. })) && asked(|input| *input == Input::Persist));
    assert!(good.iter().any(|op| op.output == Some(Output::Missing)), "no touch came too late");
    assert!(history.iter().all(|op| op.outcome != Outcome::Unknown));
}

#[tokio::test]
async fn hanging_up_after_a_write_is_no_fault_and_ends_the_process() {
    let (history, verdict) = judged(Fault::HangUp, "register,counter,append,ttl,lease").await;
    assert!(verdict.is_ok(), "{verdict}");
    let lost = history.iter().find(|op| op.outcome == Outcome::Unknown).expect("some answer was lost");
    let after = history.iter().find(|op| op.client == lost.client && op.call_ns > lost.return_ns);
    let after = after.expect("the client went on");
    assert_ne!(after.process, lost.process);
    assert!(after.connection > lost.connection, "over a new connection");
}

#[tokio::test]
async fn lost_writes_are_caught() {
    assert_any(&caught(Fault::LoseWrite, "register").await, &["StaleRead", "LostWrite", "Resurrected"]);
}

#[tokio::test]
async fn lost_elements_are_caught() {
    assert_any(&caught(Fault::LoseWrite, "set").await, &["LostWrite", "NotLinearizable"]);
}

#[tokio::test]
async fn stale_reads_are_caught() {
    let kinds = caught(Fault::StaleRead, "register,cas").await;
    assert_any(&kinds, &["StaleRead", "Resurrected", "NotLinearizable"]);
}

#[tokio::test]
async fn local_reads_older_than_they_say_are_caught() {
    // Ages are whole milliseconds, so a key must be left alone for longer than one: by eight clients in turn, of many keys.
    let workload = Workload { keys: 16 * KEYS, ..workload("register") };
    let verdict = checker::check_within(&run(Fault::StaleLocal, workload).await, &Bounds::STATED);
    assert_any(&kinds(&verdict), &["LocalStale"]);
}

#[tokio::test]
async fn failed_writes_that_appear_are_caught() {
    for fault in [Fault::FailButApply, Fault::FailThenApply] {
        assert_any(&caught(fault, "register").await, &["FailedWriteVisible"]);
        assert_any(&caught(fault, "counter").await, &["NotLinearizable"]);
    }
}

#[tokio::test]
async fn additions_and_appends_done_twice_or_never_are_caught() {
    assert_any(&caught(Fault::DoubleIncr, "counter").await, &["CounterOff", "NotLinearizable"]);
    assert_any(&caught(Fault::LoseAppend, "append").await, &["LostWrite"]);
    assert_any(&caught(Fault::DoubleAppend, "append").await, &["AppliedTwice"]);
}

#[tokio::test]
async fn keys_that_expire_early_or_late_are_caught() {
    assert_any(&caught(Fault::ExpireEarly, "ttl").await, &["ExpiredEarly"]);
    assert_any(&caught(Fault::ExpireLate, "ttl").await, &["ExpiredLate", "NotLinearizable"]);
}

#[tokio::test]
async fn two_holders_of_a_lock_are_caught() {
    assert_any(&caught(Fault::TwoHolders, "lease").await, &["HeldTwice"]);
}

#[tokio::test]
async fn partial_batches_reported_as_whole_are_caught() {
    let kinds = caught(Fault::PartialBatch, "batch").await;
    assert_any(&kinds, &["StaleRead", "LostWrite", "Resurrected", "NotLinearizable"]);
}

#[tokio::test]
async fn damaged_huge_values_are_phantoms() {
    assert_any(&caught(Fault::Damage, "bursts").await, &["Phantom"]);
}

#[tokio::test]
async fn load_at_a_rate_keeps_to_it() {
    let nodes = vec![(1, serve(Fault::None).await)];
    let running = Workload { rate: Some(400.0), clients: 1, ..workload("register") }.start(nodes.clone());
    running.acknowledges(200, WRITES_WITHIN).await.unwrap();
    let history = running.finish(&nodes, 0).await.unwrap();
    let took_s = history.last().unwrap().call_ns as f64 / 1e9;
    let rate = history.len() as f64 / took_s;
    // A busy machine may fall behind; nothing may run ahead.
    assert!(rate < 450.0, "{rate} a second");
}

#[tokio::test]
async fn a_seed_gives_a_client_the_same_choices() {
    let first = async |seed| -> Vec<(String, Input)> {
        let nodes = vec![(1, serve(Fault::None).await)];
        let running =
            Workload { clients: 1, seed, ..workload("register,counter,append") }.start(nodes.clone());
        running.acknowledges(50, WRITES_WITHIN).await.unwrap();
        let history = running.finish(&nodes, 0).await.unwrap();
        history.into_iter().take(80).map(|op| (op.key, op.input)).collect()
    };
    let (one, same, other) = (first(7).await, first(7).await, first(8).await);
    assert_eq!(one, same);
    assert_ne!(one, other);
}

#[tokio::test]
async fn clients_wait_while_there_is_no_node() {
    let nodes = vec![(1, serve(Fault::None).await)];
    let running = workload("register").start(Vec::new());
    assert!(running.acknowledges(1, Duration::from_millis(50)).await.is_err());
    running.use_nodes(nodes.clone());
    running.acknowledges(10, WRITES_WITHIN).await.unwrap();
    let history = running.finish(&nodes, KEYS + 1).await.unwrap();
    for key in 0..=KEYS {
        let last = history.iter().rfind(|op| op.key == name(key)).expect("every register is read in the end");
        assert!(last.input.is_linearizable_read() && last.client >= 8, "{last:?} is not the last read");
    }
}

#[tokio::test]
async fn pinned_clients_ask_one_node_each() {
    let nodes = vec![(1, serve(Fault::None).await), (2, serve(Fault::None).await)];
    let running = Workload { pinned: 2, clients: 3, ..workload("counter") }.start(nodes);
    running.acknowledges(200, WRITES_WITHIN).await.unwrap();
    let history = running.finish(&[], 0).await.unwrap();
    let asked = |client| -> BTreeSet<u64> {
        history.iter().filter(|op| op.client == client).map(|op| op.node).collect()
    };
    assert_eq!((asked(0), asked(1), asked(2)), ([1].into(), [2].into(), [1, 2].into()));
}
