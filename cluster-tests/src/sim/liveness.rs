//! What a healed cluster has to do again, within a stated simulated time.

use std::time::Duration;

use tokio::sync::oneshot;

use super::ask::{Judged, ask};
use super::clock::SECOND;
use super::cluster::Cluster;
use super::keys;
use super::outcome::Violation;
use super::run::Run;
use crate::history::{Consistency, Input, Operation, Outcome};

/// How long a healed cluster may take for each step, ns of simulated time. Long enough for the product's own patience: a
/// silent learner is given up after 15 s, a replica without a leader asks around after 10 s.
const WITHIN_NS: u64 = 60 * SECOND;
/// How long one operation may take.
const OPERATION_MAX: Duration = Duration::from_secs(5);
/// Client number of the operations here.
const CLIENT: u64 = 999;

/// Every group has a leader, every node serves a write to every group, all replicas end up the same, and every key can be read.
pub(super) fn check(run: &mut Run) -> Result<(), Violation> {
    run.until("every node runs", WITHIN_NS, Cluster::all_started)?;
    run.until("every group has a leader", WITHIN_NS, has_leaders)?;
    let names = keys::for_each_group(run.cluster.plan.groups);
    for number in run.cluster.numbers(|machine| machine.node().is_some()) {
        for name in &names {
            let write = Input::Set { value: format!("probe-{number}"), ttl_ms: None };
            until_done(run, number, name, &write)?;
        }
    }
    run.until("replicas converge", WITHIN_NS, Cluster::converged)?;
    let numbers = run.cluster.numbers(|machine| machine.node().is_some());
    for (nth, name) in keys::all(&run.cluster.plan).into_iter().enumerate() {
        let read = Input::Get(Consistency::Linearizable);
        until_done(run, numbers[nth % numbers.len()], &name, &read)?;
    }
    Ok(())
}

/// Whether every group has a leader.
pub(super) fn has_leaders(cluster: &mut Cluster) -> bool {
    (0..=cluster.plan.groups).all(|group| cluster.leader_of(group).is_some())
}

/// Asks a node until it answers, and notes each try in the history.
fn until_done(run: &mut Run, number: u64, name: &str, input: &Input) -> Result<(), Violation> {
    let until_ns = run.cluster.now_ns + WITHIN_NS;
    loop {
        let called_ns = run.cluster.stamp();
        let mut answer = begin(&run.cluster, number, name, input);
        let mut judged: Option<Judged> = None;
        run.until("an operation ends", WITHIN_NS, |_| {
            match answer.try_recv() {
                Ok(all) => judged = all.into_iter().next(),
                Err(oneshot::error::TryRecvError::Closed) => judged = Some(Judged::lost(input, "closed")),
                Err(oneshot::error::TryRecvError::Empty) => {}
            }
            judged.is_some()
        })?;
        let judged = judged.unwrap_or_else(|| Judged::lost(input, "nothing"));
        let (outcome, error) = (judged.outcome, judged.error.clone());
        note(&mut run.cluster, number, name, input, called_ns, judged);
        if outcome == Outcome::Ok {
            return Ok(());
        }
        if run.cluster.now_ns >= until_ns {
            let detail = format!("{input:?} on {name} at node {number}: {error}; {}", run.cluster.describe());
            return Err(Violation::new("liveness", detail));
        }
        run.tick()?;
    }
}

fn begin(cluster: &Cluster, number: u64, name: &str, input: &Input) -> oneshot::Receiver<Vec<Judged>> {
    let (tell, answer) = oneshot::channel();
    let asked = vec![(name.to_owned(), input.clone())];
    if let Some(machine) = cluster.machines.get(&number) {
        machine.spawn(move |node| async move {
            // Who asked waits.
            let _ = tell.send(ask(node, asked, OPERATION_MAX).await);
        });
    }
    answer
}

fn note(cluster: &mut Cluster, node: u64, key: &str, input: &Input, call_ns: u64, judged: Judged) {
    let return_ns = cluster.stamp();
    let Judged { outcome, output, time_ms, error, .. } = judged;
    let (key, input) = (key.to_owned(), input.clone());
    let process = CLIENT + return_ns;
    let operation = Operation {
        client: CLIENT,
        process,
        node,
        key,
        call_ns,
        return_ns,
        input,
        output,
        outcome,
        time_ms,
        error,
    };
    cluster.trace.event(crate::checker::describe(&operation));
    cluster.history.push(operation);
}
