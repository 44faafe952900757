//! One round, from an empty cluster to the verdict.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use super::heal::{Disagreement, replicas_agree};
use super::ledger::{Entry, Finding};
use super::plan::{Kind, Plan};
use super::readers::Readers;
use super::stage::Stage;
use super::{Campaign, events};
use crate::checker;
use crate::cluster::{Cluster, Options, Storage, Wires, with_cluster};
use crate::crash::votes::Watch;
use crate::history::{self, Operation, Outcome};
use crate::workload::{Mix, Running, Workload};

/// Keys of a round.
const KEYS: u64 = 32;
/// Clients of a round, beside those that only read.
const CLIENTS: u64 = 12;
/// How many of them ask one node only.
const PINNED: u64 = 8;
/// Bytes of each value: snapshots are taken every few seconds, batches span sectors.
const VALUE_BYTES: usize = 200;
/// Bytes of log after which a group takes a snapshot.
const SNAPSHOT_LOG: u64 = 512 << 10;
/// Bytes of a log segment.
const LOG_SEGMENT: u64 = 1 << 20;
/// What a round may take beside its faults: founding, healing, judging.
const BESIDE_MAX: Duration = Duration::from_secs(400);
/// Where the history of a round is written.
const HISTORY: &str = "history.jsonl";

/// Runs a round; whatever goes wrong is in its entry.
pub(super) async fn run(plan: &Plan, campaign: &Campaign, round: u64) -> Entry {
    let began = Instant::now();
    let options = Options {
        groups: Some(plan.groups),
        snapshot_log: Some(SNAPSHOT_LOG),
        log_segment: Some(LOG_SEGMENT),
        storage: Storage::Faulty { seed: plan.seed },
        wires: Wires::Namespaces { seed: plan.seed },
        fake_wall: plan.kinds.contains(&Kind::Wall),
        limit: Some(plan.lasts + BESIDE_MAX),
        keep: campaign.keep.clone(),
        ..Options::default()
    };
    let mut entry = Entry::new(campaign.seed, round, plan);
    let result = with_cluster(plan.nodes, options, async |cluster| {
        entry.folder = Some(cluster.folder().to_owned());
        let result = whole(cluster, plan, &mut entry).await;
        keep(cluster.folder(), campaign.out.as_deref(), round)?;
        result
    })
    .await;
    match result {
        Ok(()) => entry.folder = None,
        Err(error) => {
            entry.finding = entry.finding.max(Finding::Failed);
            entry.detail = format!("{error:#}");
        }
    }
    entry.seconds = began.elapsed().as_secs_f64();
    entry
}

/// Keeps what reports are made of, under the round's number.
fn keep(folder: &Path, out: Option<&Path>, round: u64) -> anyhow::Result<()> {
    let Some(out) = out else { return Ok(()) };
    let target = out.join(format!("round-{round}"));
    std::fs::create_dir_all(&target).with_context(|| format!("create {}", target.display()))?;
    for file in [HISTORY, events::FILE] {
        let from = folder.join(file);
        if from.exists() {
            std::fs::copy(&from, target.join(file)).with_context(|| format!("copy {}", from.display()))?;
        }
    }
    Ok(())
}

async fn whole(cluster: &mut Cluster, plan: &Plan, entry: &mut Entry) -> anyhow::Result<()> {
    let watch = Watch::start(cluster).await?;
    let workload = Workload {
        clients: CLIENTS,
        pinned: PINNED,
        mix: mix(plan),
        protocol: plan.protocol,
        keys: KEYS,
        value_bytes: VALUE_BYTES,
        seed: plan.seed,
        ..Workload::default()
    };
    let running = workload.start(cluster.speaking(plan.protocol));
    let readers = Readers::start(&cluster.endpoints(), KEYS, plan.seed, running.epoch());
    let played = play(cluster, &running, plan, entry).await;
    // Also when something else went wrong: a wrong answer is worse than that.
    let judged = judge(cluster, (running, readers), played.is_ok(), entry).await;
    match (judged, played) {
        (Err(wrong), Err(also)) => bail!("{wrong:#}; moreover: {also:#}"),
        (judged, played) => judged.and(played)?,
    }
    if let Err(Disagreement { at_same_index, error }) = replicas_agree(cluster).await {
        if at_same_index {
            entry.finding = Finding::Violation;
        }
        return Err(error);
    }
    watch.verdict().inspect_err(|_| entry.finding = Finding::Violation)
}

/// Faults, then none, then the cluster must work again.
async fn play(
    cluster: &mut Cluster,
    running: &Running,
    plan: &Plan,
    entry: &mut Entry,
) -> anyhow::Result<()> {
    let mut stage = Stage::new(cluster, running).await?;
    stage.play(plan, &mut entry.faults).await?;
    stage.heal().await?;
    entry.healed_s = stage.live(KEYS).await?.as_secs_f64();
    Ok(())
}

/// Every kind of work, or in every third round registers alone: then more of it meets on each key.
fn mix(plan: &Plan) -> Mix {
    if plan.seed.is_multiple_of(3) { Mix::default() } else { plan.protocol.all() }
}

/// Stops the clients and judges what they were told; with last reads of every key if the cluster works.
async fn judge(
    cluster: &Cluster,
    (running, readers): (Running, Readers),
    works: bool,
    entry: &mut Entry,
) -> anyhow::Result<()> {
    let nodes = if works { cluster.speaking(running.protocol()) } else { Vec::new() };
    let mut history: Vec<Operation> = running.finish(&nodes, KEYS).await?;
    history.extend(readers.finish().await?);
    history.sort_by_key(|op| op.call_ns);
    let file = cluster.folder().join(HISTORY);
    history::write(&file, &history)?;
    let of = |outcome| history.iter().filter(|op| op.outcome == outcome).count();
    (entry.operations, entry.failed, entry.unknown) =
        (history.len(), of(Outcome::Fail), of(Outcome::Unknown));
    let verdict = tokio::task::spawn_blocking(move || checker::check(&history)).await.context("judge")?;
    if !verdict.violations.is_empty() {
        entry.finding = Finding::Violation;
    } else if !verdict.undecided.is_empty() {
        entry.finding = Finding::Undecided;
    }
    ensure!(verdict.is_ok(), "history {}: {verdict}", file.display());
    Ok(())
}
