//! Crash rounds: real nodes die again and again, with or without their power, while clients write.
//!
//! One cluster lives through all rounds. A few rounds share a history, which is judged as a whole: nothing
//! acknowledged may be lost, versions must grow, and every answer must fit one order. Meanwhile a watcher sees to it
//! that no node's vote goes back ([`votes`]). After each history the replicas must hold the same state, and in
//! the end every key of every history must still be as it was last read.

pub mod audit;
pub mod plan;
pub mod votes;

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rand::SeedableRng;
use rand::rngs::StdRng;

use self::audit::Audit;
use self::plan::{Fault, Plan, Strike};
use self::votes::Watch;
use crate::cluster::{Cluster, Options, Storage, with_cluster};
use crate::disk::Failing;
use crate::workload::{Mix, Running, Workload};
use crate::{admin, history};

/// Rounds that share one history: long enough for a loss to be seen rounds later, short enough to be judged.
const ROUNDS_PER_HISTORY: u64 = 5;
/// Keys of one history.
const KEYS: u64 = 24;
/// Bytes of each value: batches span sectors, and snapshots are taken every few rounds.
const VALUE_BYTES: usize = 400;
/// Bytes of log after which a group takes a snapshot.
const SNAPSHOT_LOG: u64 = 256 << 10;
/// Bytes of a log segment.
const LOG_SEGMENT: u64 = 1 << 20;
/// Data groups.
const GROUPS: u32 = 2;
/// Longest sync of a faulty disk, so that nodes often die with something not synced.
const SYNC_EXTRA: Duration = Duration::from_millis(8);
/// Within this, writes must go on after a round.
const SERVED_AGAIN: Duration = Duration::from_secs(30);
/// What a round may take at most.
const ROUND_MAX: Duration = Duration::from_secs(60);

/// Runs all rounds; prints progress to `out`.
pub async fn run(plan: &Plan, out: &mut impl Write) -> anyhow::Result<()> {
    let options = Options {
        groups: Some(GROUPS),
        snapshot_log: Some(SNAPSHOT_LOG),
        log_segment: Some(LOG_SEGMENT),
        storage: plan.storage,
        limit: Some(ROUND_MAX * (plan.rounds as u32 + 1)),
        keep: plan.keep.clone(),
        ..Options::default()
    };
    with_cluster(plan.nodes, options, async |cluster| rounds(cluster, plan, out).await)
        .await
        .with_context(|| format!("to try again: {}", plan.command()))
}

async fn rounds(cluster: &mut Cluster, plan: &Plan, out: &mut impl Write) -> anyhow::Result<()> {
    if plan.storage != Storage::Plain {
        for id in cluster.ids() {
            cluster.disk(id)?.fault(|faults| faults.sync_extra = SYNC_EXTRA);
        }
    }
    let watch = Watch::start(cluster).await?;
    let mut audit = Audit::default();
    let mut round = 0;
    while round < plan.rounds {
        let until = plan.rounds.min(round + ROUNDS_PER_HISTORY);
        let first_key = round * KEYS;
        let began = Instant::now();
        let seed = plan.seed.wrapping_add(round);
        let workload = Workload {
            keys: KEYS,
            first_key,
            mix: mix()?,
            value_bytes: VALUE_BYTES,
            seed,
            ..Workload::default()
        };
        let running = workload.start(cluster.endpoints());
        let mut struck = Vec::new();
        for round in round..until {
            struck.push(one(cluster, plan, round, &running).await.with_context(|| format!("round {round}"))?);
            watch.verdict().with_context(|| format!("round {round}"))?;
        }
        let history =
            running.judge(cluster, KEYS).await.with_context(|| format!("rounds {round}..{until}"))?;
        admin::all_converged(cluster, &cluster.ids()).await?;
        let unknown = history.iter().filter(|op| op.outcome == history::Outcome::Unknown).count();
        writeln!(
            out,
            "rounds {round}..{until}: {}; {} operations, {unknown} unknown; {:.1} s",
            struck.join(", "),
            history.len(),
            began.elapsed().as_secs_f64()
        )?;
        audit.remember(&history);
        round = until;
    }
    audit.check(cluster).await?;
    watch.verdict()?;
    writeln!(out, "{} keys unchanged at the end, {} votes watched", audit.len(), watch.seen())?;
    Ok(())
}

/// What clients do: everything but bursts, whose huge values would have snapshots taken all the time, and the set,
/// whose many keys would all have to be read again in the end.
fn mix() -> anyhow::Result<Mix> {
    Ok("register=3,cas,counter,append,ttl,lease,batch".parse()?)
}

/// One round; what was done, in a few words.
async fn one(cluster: &mut Cluster, plan: &Plan, round: u64, running: &Running) -> anyhow::Result<String> {
    let mut random = StdRng::seed_from_u64(plan.seed ^ round.wrapping_mul(plan::SEED_STEP));
    let strike = plan.strike(&cluster.ids(), &mut random);
    running.acknowledges(strike.after_writes, SERVED_AGAIN).await?;
    tokio::time::sleep(strike.after).await;
    down(cluster, &strike).await?;
    if strike.victims.len() * 2 < cluster.ids().len() {
        running.acknowledges(strike.after_writes / 4, SERVED_AGAIN).await.context("the majority goes on")?;
    }
    strike.victims.iter().try_for_each(|&id| cluster.start(id))?;
    if let Some(again) = strike.again {
        tokio::time::sleep(again).await;
        let everyone = cluster.ids();
        cluster.crash(&everyone, strike.fault.power())?;
        everyone.iter().try_for_each(|&id| cluster.start(id))?;
    }
    cluster.ready().await?;
    running.acknowledges(1, SERVED_AGAIN).await.context("writes go on")?;
    Ok(strike.to_string())
}

/// Takes the victims down.
async fn down(cluster: &mut Cluster, strike: &Strike) -> anyhow::Result<()> {
    let Fault::Error { call, after } = strike.fault else {
        return cluster.crash(&strike.victims, strike.fault.power());
    };
    for &id in &strike.victims {
        cluster.disk(id)?.fault(|faults| {
            faults.failing = Some(Failing { call, path: "", after, times: None });
        });
        let (status, log) = cluster.exited(id).await.context("a node whose disk fails stops")?;
        ensure!(!status.success(), "node {id} ended with {status} after its disk failed");
        ensure!(log.contains("os error 5"), "node {id} does not say that its disk failed");
        cluster.disk(id)?.fault(|faults| faults.failing = None);
        cluster.lose_power(id, crate::disk::PowerLoss::Dropped)?;
    }
    Ok(())
}
