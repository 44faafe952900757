//! `quorate-bench failover`: how long no write succeeds when the leader goes. It starts three nodes with one data
//! group, lets clients write all the time, does something to the leader, and measures the longest time between two
//! successes; many times over.
//!
//! Each client prefers a node of its own and goes to the next one when a write fails or takes too long. `service` is
//! the time in which no client had a success, `client` the longest any single one had to wait: that one waits for
//! its own timeout first when its node falls silent.

mod client;
mod clients;
mod gaps;
mod network;
mod nodes;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::{Args, ValueEnum};
use rustix::process::Signal;
use serde_json::json;
use tokio::task::LocalSet;

use self::clients::Clients;
use self::gaps::{Gaps, quantile};
use self::network::Network;
use self::nodes::Nodes;
use crate::load::arguments::duration;
use crate::store::table::{self, Table};

/// Successes of each client before anything is done, so that all are at full speed.
const WARM_SUCCESSES: usize = 50;
/// How long clients are watched after the leader was struck, at least.
const WATCH: Duration = Duration::from_secs(2);

/// Rest before a fault: a node that has just started votes for nobody until a lease has run out, so a leader that falls
/// within that time is missed for as long.
const SETTLE: Duration = Duration::from_millis(1500);

/// What to measure.
#[derive(Debug, Clone, Args)]
pub(crate) struct FailoverArguments {
    /// The program [default: `quorate` beside this one].
    #[arg(long)]
    quorate: Option<PathBuf>,
    /// How often each fault is done.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    repeats: u64,
    /// What is done to the leader.
    #[arg(long, value_enum, value_delimiter = ',')]
    #[arg(default_values_t = [Fault::Stop, Fault::Kill, Fault::Pause, Fault::Cut])]
    faults: Vec<Fault>,
    /// After so long without an answer a client tries the next node.
    #[arg(long, default_value = "100ms", value_parser = duration)]
    client_timeout: Duration,
    /// Where the nodes' folders are made; on a real disk [default: /var/tmp].
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Prints a JSON array in place of the table.
    #[arg(long)]
    json: bool,
}

/// What is done to the leader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Fault {
    /// Asked to stop (SIGTERM): it hands its groups over.
    Stop,
    /// Killed (SIGKILL): its connections are closed by the system.
    Kill,
    /// Stopped in its tracks (SIGSTOP): it is silent.
    Pause,
    /// Its cable is pulled: it is silent to the others, and they to it. Needs root; puts the nodes into network
    /// namespaces.
    Cut,
}

impl Fault {
    fn name(self) -> &'static str {
        match self {
            Self::Stop => "graceful stop",
            Self::Kill => "kill -9",
            Self::Pause => "SIGSTOP",
            Self::Cut => "cut",
        }
    }

    /// Does it to a node.
    fn strike(self, nodes: &Nodes, node: usize) -> anyhow::Result<()> {
        match self {
            Self::Stop => nodes.signal(node, Signal::TERM),
            Self::Kill => nodes.signal(node, Signal::KILL),
            Self::Pause => nodes.signal(node, Signal::STOP),
            Self::Cut => nodes.cut(node, true),
        }
    }

    /// Makes the node as it was.
    async fn heal(self, nodes: &mut Nodes, node: usize) -> anyhow::Result<()> {
        match self {
            Self::Stop | Self::Kill => nodes.restart(node).await,
            Self::Pause => nodes.signal(node, Signal::CONT),
            Self::Cut => nodes.cut(node, false),
        }
    }
}

/// Measures and prints.
pub(crate) fn run(arguments: &FailoverArguments) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let title = format!(
        "time without a successful write, ms; {} repeats, clients time out after {:?}",
        arguments.repeats, arguments.client_timeout
    );
    let columns = ["fault", "by", "normal_max", "service_p50", "service_p99", "client_p50", "client_p99"];
    let mut table = Table::new(title, columns);
    runtime.block_on(LocalSet::new().run_until(measure_all(arguments, &mut table)))?;
    table::print(&[table], arguments.json)
}

async fn measure_all(arguments: &FailoverArguments, table: &mut Table) -> anyhow::Result<()> {
    let beside = || Ok::<_, anyhow::Error>(std::env::current_exe()?.with_file_name("quorate"));
    let program = arguments.quorate.clone().map_or_else(beside, Ok)?;
    let network = arguments.faults.contains(&Fault::Cut).then(Network::new).transpose()?;
    let mut nodes = Nodes::start(&program, arguments.dir.as_ref(), network)?;
    nodes.await_ready().await?;
    for fault in &arguments.faults {
        let (mut http, mut resp) = (Vec::new(), Vec::new());
        for repeat in 0..arguments.repeats {
            let gaps = measure_one(arguments, &mut nodes, *fault).await;
            let [by_http, by_resp] = gaps.with_context(|| format!("{}, repeat {repeat}", fault.name()))?;
            http.extend(by_http);
            resp.extend(by_resp);
        }
        table.row(row(*fault, "http", &http));
        if !resp.is_empty() {
            table.row(row(*fault, "resp", &resp));
        }
    }
    Ok(())
}

fn row(fault: Fault, by: &str, gaps: &[Gaps]) -> Vec<serde_json::Value> {
    let ms = |of: fn(&Gaps) -> Duration, at| json!(quantile(gaps.iter().map(of), at).as_secs_f64() * 1000.0);
    vec![
        json!(fault.name()),
        json!(by),
        ms(|gaps| gaps.normal, 1.0),
        ms(|gaps| gaps.service, 0.5),
        ms(|gaps| gaps.service, 0.99),
        ms(|gaps| gaps.client, 0.5),
        ms(|gaps| gaps.client, 0.99),
    ]
}

/// Strikes the leader once: what it cost by each protocol.
async fn measure_one(
    arguments: &FailoverArguments,
    nodes: &mut Nodes,
    fault: Fault,
) -> anyhow::Result<[Option<Gaps>; 2]> {
    tokio::time::sleep(SETTLE).await;
    let leader = nodes.await_ready().await?;
    let clients = Clients::start(nodes, arguments.client_timeout)?;
    clients.until(|client| client.len() >= WARM_SUCCESSES).await?;
    let at = Instant::now();
    fault.strike(nodes, leader)?;
    tokio::time::sleep(WATCH).await;
    let watched = Instant::now();
    clients.until(|client| client.last().is_some_and(|success| *success > watched)).await?;
    let gaps = clients.gaps(at);
    drop(clients);
    fault.heal(nodes, leader).await?;
    Ok(gaps)
}
