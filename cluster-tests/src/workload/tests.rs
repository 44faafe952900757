//! Workload and checker together: a right store passes, each wrong one is caught.

use std::collections::BTreeSet;
use std::time::Duration;

use super::stub::{Fault, serve};
use super::*;
use crate::checker::Kind;

const KEYS: u64 = 4;

/// The history of a store with this fault.
async fn history(fault: Fault) -> Vec<Operation> {
    let nodes = vec![(1, serve(fault).await)];
    let running = Workload { clients: 8, keys: KEYS, ..Workload::default() }.start(nodes.clone());
    running.acknowledges(1000, Duration::from_secs(20)).await.unwrap();
    running.finish(&nodes, KEYS).await.unwrap()
}

async fn kinds(fault: Fault) -> BTreeSet<String> {
    let verdict = checker::check(&history(fault).await);
    verdict.violations.iter().map(|v| format!("{:?}", v.kind)).collect()
}

fn contains(kinds: &BTreeSet<String>, any: &[Kind]) -> bool {
    any.iter().any(|kind| kinds.contains(&format!("{kind:?}")))
}

#[tokio::test]
async fn right_store_passes() {
    let history = history(Fault::None).await;
    let verdict = checker::check(&history);
    assert!(verdict.is_ok(), "{verdict}");
    let asked =
        |wanted: fn(&Input) -> bool| history.iter().any(|op| wanted(&op.input) && op.outcome == Outcome::Ok);
    assert!(
        asked(|input| matches!(input, Input::Delete)) && asked(|input| matches!(input, Input::Cas { .. }))
    );
}

#[tokio::test]
async fn hanging_up_after_a_write_is_no_fault() {
    let history = history(Fault::HangUp).await;
    assert!(history.iter().any(|op| op.outcome == Outcome::Unknown));
    let verdict = checker::check(&history);
    assert!(verdict.is_ok(), "{verdict}");
}

#[tokio::test]
async fn lost_writes_are_caught() {
    let kinds = kinds(Fault::LoseWrite).await;
    assert!(contains(&kinds, &[Kind::StaleRead, Kind::LostWrite, Kind::Resurrected]), "{kinds:?}");
}

#[tokio::test]
async fn stale_reads_are_caught() {
    let kinds = kinds(Fault::StaleRead).await;
    assert!(contains(&kinds, &[Kind::StaleRead, Kind::Resurrected, Kind::NotLinearizable]), "{kinds:?}");
}

#[tokio::test]
async fn failed_writes_that_appear_are_caught() {
    let kinds = kinds(Fault::FailButApply).await;
    assert!(contains(&kinds, &[Kind::FailedWriteVisible]), "{kinds:?}");
}
