//! The subcommands of `cluster-tests` that run a cluster.

mod simulated;

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail, ensure};
use clap::ValueEnum;
use cluster_tests::cluster::Storage;
use cluster_tests::crash::plan::{FaultKind, Plan};
use cluster_tests::drive::Drive;
use cluster_tests::nemesis::Until;
use cluster_tests::scenario::Scenario;
use cluster_tests::workload::{Mix, Protocol};
use cluster_tests::{crash, disk, nemesis, seed};

#[cfg(feature = "mutants")]
pub(crate) use self::simulated::Mutants;
pub(crate) use self::simulated::Sim;

/// What nodes store on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Disk {
    /// Faulty disks, which need root and /dev/fuse.
    Faulty,
    /// Folders of this machine: processes die, the power stays.
    Plain,
}

/// Workloads without faults.
#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    /// What clients do: names with weights, such as `register,ttl=3`, or `all`. Known are register, cas, counter,
    /// set, append, ttl, lease, batch and bursts. Everything that can be done over the protocol when not given.
    #[arg(long)]
    workload: Option<Mix>,
    /// What clients speak; ttl and lease are for http.
    #[arg(long, value_enum, default_value_t)]
    protocol: Protocol,
    /// For how long.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Number of clients.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..))]
    clients: u64,
    /// Operations, or batches of them, that arrive in a second; as many as are answered when not given.
    #[arg(long, value_parser = rate)]
    rate: Option<f64>,
    /// Nodes of the cluster.
    #[arg(long, default_value_t = 3)]
    nodes: u64,
    /// Data groups.
    #[arg(long, default_value_t = 3)]
    groups: u32,
    /// Keys that registers share.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u64).range(1..))]
    keys: u64,
    /// Where every choice comes from; from QUORATE_SEED or drawn when not given.
    #[arg(long)]
    seed: Option<u64>,
    /// Where history and report go; they are kept on failure only when not given.
    #[arg(long)]
    out: Option<PathBuf>,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    rate.ok_or_else(|| "a rate is a number above 0".to_owned())
}

impl Run {
    /// Runs them.
    pub(crate) async fn run(self, out: &mut impl Write) -> anyhow::Result<()> {
        let drive = Drive {
            mix: self.workload.unwrap_or_else(|| self.protocol.all()),
            protocol: self.protocol,
            seconds: self.seconds,
            clients: self.clients,
            rate: self.rate,
            nodes: self.nodes,
            groups: self.groups,
            keys: self.keys,
            seed: self.seed.unwrap_or_else(seed::chosen),
            out: self.out,
        };
        writeln!(out, "{drive}")?;
        drive.run(out).await
    }
}

/// Crash rounds.
#[derive(Debug, clap::Args)]
pub(crate) struct Crash {
    /// Number of rounds.
    #[arg(long, default_value_t = 100)]
    rounds: u64,
    /// Where every choice comes from; from QUORATE_SEED or drawn when not given.
    #[arg(long)]
    seed: Option<u64>,
    /// Nodes of the cluster.
    #[arg(long, default_value_t = 3)]
    nodes: u64,
    /// What may happen, comma-separated; everything the disk can do when not given.
    #[arg(long, value_delimiter = ',')]
    faults: Vec<FaultKind>,
    /// What nodes store on.
    #[arg(long, default_value = "faulty")]
    disk: Disk,
    /// Where logs, data and history are kept on failure; among the temporary files when not given.
    #[arg(long)]
    keep: Option<PathBuf>,
}

impl Crash {
    fn plan(self) -> anyhow::Result<Plan> {
        let seed = self.seed.unwrap_or_else(seed::chosen);
        let (storage, possible) = match self.disk {
            Disk::Faulty => (Storage::Faulty { seed }, &FaultKind::FAULTY[..]),
            Disk::Plain => (Storage::Plain, &FaultKind::PLAIN[..]),
        };
        let faults = if self.faults.is_empty() { possible.to_vec() } else { self.faults };
        if let Some(fault) = faults.iter().find(|fault| !possible.contains(fault)) {
            bail!("a plain disk cannot do {fault:?}");
        }
        Ok(Plan { rounds: self.rounds, seed, nodes: self.nodes, faults, storage, keep: self.keep })
    }

    /// Runs the rounds.
    pub(crate) async fn run(self, out: &mut impl Write) -> anyhow::Result<()> {
        let plan = self.plan()?;
        if plan.storage != Storage::Plain {
            disk::available()
                .map_err(|why| anyhow!("no faulty disks here ({why}); --disk plain needs none"))?;
        }
        writeln!(out, "{}", plan.command())?;
        crash::run(&plan, out).await
    }
}

/// Rounds of everything at once.
#[derive(Debug, clap::Args)]
pub(crate) struct Nemesis {
    /// How long to go on, minutes; the round under way is finished.
    #[arg(long, default_value_t = 10.0, conflicts_with = "rounds")]
    minutes: f64,
    /// How many rounds to run.
    #[arg(long)]
    rounds: Option<u64>,
    /// Where every choice comes from; drawn when not given.
    #[arg(long)]
    seed: Option<u64>,
    /// How long faults come in each round, s.
    #[arg(long, default_value_t = 50)]
    seconds: u64,
    /// What may happen, comma-separated; everything this machine can do when not given.
    #[arg(long, value_delimiter = ',')]
    faults: Vec<nemesis::plan::Kind>,
    /// Where histories and faults of all rounds are kept, good ones too.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Where logs, disks and histories are kept on failure; among the temporary files when not given.
    #[arg(long)]
    keep: Option<PathBuf>,
    /// A file to which each round is added; those in it are not run again.
    #[arg(long)]
    resume: Option<PathBuf>,
}

impl Nemesis {
    /// Runs the rounds; whether all were good.
    pub(crate) async fn run(self, out: &mut impl Write) -> anyhow::Result<()> {
        nemesis::available().map_err(|why| anyhow!("no nemesis here: {why}"))?;
        let minutes = Duration::try_from_secs_f64(self.minutes * 60.0)?;
        let campaign = nemesis::Campaign {
            seed: self.seed.unwrap_or_else(rand::random),
            until: self.rounds.map_or(Until::Elapsed(minutes), Until::Rounds),
            lasts: Duration::from_secs(self.seconds),
            kinds: if self.faults.is_empty() { nemesis::kinds() } else { self.faults },
            out: self.out,
            keep: self.keep,
            resume: self.resume,
        };
        writeln!(out, "seed {}", campaign.seed)?;
        ensure!(nemesis::run(&campaign, out).await?, "some rounds were not good");
        Ok(())
    }
}

/// Runs disk scenarios, all when none is named; goes on after one that failed.
pub(crate) async fn scenarios(
    named: Vec<Scenario>,
    seed: Option<u64>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    disk::available().map_err(|why| anyhow!("no faulty disks here: {why}"))?;
    let chosen = if named.is_empty() { Scenario::value_variants().to_vec() } else { named };
    let seed = seed.unwrap_or_else(seed::chosen);
    let mut failed = Vec::new();
    for scenario in &chosen {
        let began = Instant::now();
        let result = scenario.run(seed).await;
        let verdict = if result.is_ok() { "ok" } else { "FAILED" };
        writeln!(out, "{scenario:?}: {verdict}, {:.1} s", began.elapsed().as_secs_f64())?;
        if let Err(error) = result {
            writeln!(out, "  {error:#}")?;
            failed.push(*scenario);
        }
    }
    ensure!(failed.is_empty(), "failed, with --seed {seed}: {failed:?}");
    Ok(())
}
