//! All clients of a run: each acts again as soon as it was answered, or as work arrives at a rate.
//!
//! With a rate the load does not wait for the answers: while the cluster is slow, more clients are hired, up to a
//! bound, and what finds no client any more waits, up to a bound. So a cluster that stands still meets what it would
//! meet in service.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::Workload;
use super::actor::Actor;
use super::shared::Shared;
use crate::history::Operation;

/// Most clients that are hired: of hundreds at once on few keys no search says what order they came in.
const CLIENTS_MAX: u64 = 32;
/// Most that waits for a client; what arrives beyond that is turned away.
const ARRIVALS_MAX: usize = 1000;
/// Longest sleep between two arrivals, so that the end of the run is not overslept.
const SLEEP_MAX: Duration = Duration::from_millis(50);
/// Keeps the times of arrival apart from the clients' choices.
const ARRIVALS_SEED: u64 = 0xA11A_1A11;

/// Runs the clients until told to stop: all they did.
pub(super) async fn run(workload: Workload, shared: Arc<Shared>) -> anyhow::Result<Vec<Operation>> {
    let mut clients = JoinSet::new();
    for id in 0..workload.clients {
        clients.spawn(Actor::new(id, id, &workload, &shared).run());
    }
    if let Some(rate) = workload.rate {
        arrive(rate, &workload, &shared, &mut clients).await;
        shared.arrivals.close();
    }
    let mut history = Vec::new();
    while let Some(operations) = clients.join_next().await {
        history.extend(operations.context("a client panicked")?);
    }
    Ok(history)
}

/// Lets work arrive at random times, so many a second, until the end of the run (a Poisson process).
async fn arrive(rate: f64, workload: &Workload, shared: &Arc<Shared>, clients: &mut JoinSet<Vec<Operation>>) {
    let mut random = StdRng::seed_from_u64(workload.seed ^ ARRIVALS_SEED);
    let mut hired = workload.clients;
    let mut next = Instant::now();
    while !shared.stopped() {
        let now = Instant::now();
        while next <= now {
            if shared.arrivals.available_permits() < ARRIVALS_MAX {
                shared.arrivals.add_permits(1);
            }
            next += gap(rate, &mut random);
        }
        sleep(next.saturating_duration_since(now).min(SLEEP_MAX)).await;
        // What has not been taken by now found every client busy.
        let waiting = shared.arrivals.available_permits() as u64;
        for _ in 0..waiting.min(CLIENTS_MAX.saturating_sub(hired)) {
            let process = shared.new_process();
            clients.spawn(Actor::new(hired, process, workload, shared).run());
            hired += 1;
        }
    }
}

/// The time between two arrivals.
fn gap(rate: f64, random: &mut StdRng) -> Duration {
    Duration::from_secs_f64(-(1.0 - random.random::<f64>()).ln() / rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_keep_to_their_rate() {
        let mut random = StdRng::seed_from_u64(1);
        let took: Duration = (0..20_000).map(|_| gap(400.0, &mut random)).sum();
        assert!((48.5..51.5).contains(&took.as_secs_f64()), "20,000 arrivals at 400 a second in {took:?}");
    }
}
