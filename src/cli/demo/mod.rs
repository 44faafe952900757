//! `quorate demo`: a local cluster to try things on, one process for each node.
//!
//! Relies on `serve` of the same program. Guarantees that no process it started outlives it, whatever way
//! it ends ([`children`]), and that a node which dies is reported and left to the user.

mod children;
mod folder;
mod plan;
mod text;
mod watch;

use std::path::{Path, PathBuf};
use std::time::Duration;

use raft_store::NodeId;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::client::{Client, TlsFlags};
use super::fail::Failure;
use super::output::{Output, note};
use super::signals::Signals;
use super::tls;
use crate::tls::Dialer;
use children::{Children, Death};
use folder::Folder;
use plan::Plan;
use watch::StatusLine;

/// How long the nodes may take to become ready.
const READY_TIMEOUT: Duration = Duration::from_secs(60);
/// Pause between two looks at a node that is not ready.
const READY_POLL: Duration = Duration::from_millis(100);
/// How long one look at a node may take.
const LOOK_TIMEOUT: Duration = Duration::from_millis(900);
/// The folder of certificates, within that of the demo.
const CERTIFICATES: &str = "tls";
/// Time between two states of the status line.
const STATUS_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Nodes of the cluster [default: 3, or as many as the data folder has]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(plan::NODES_MAX)))]
    nodes: Option<u16>,
    /// Data groups of a new cluster [default: one for each node]
    #[arg(long, value_name = "N")]
    groups: Option<u32>,
    /// Keep the data here and go on with it next time [default: a temporary folder]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Encrypt everything, with certificates made for this demo
    #[arg(long)]
    tls: bool,
    /// HTTP port of node 1; node i adds i-1
    #[arg(long, value_name = "PORT", default_value_t = 7070, value_parser = clap::value_parser!(u16).range(1..))]
    http_port: u16,
    /// Peer port of node 1; node i adds i-1
    #[arg(long, value_name = "PORT", default_value_t = 7170, value_parser = clap::value_parser!(u16).range(1..))]
    peer_port: u16,
    /// Port of the Redis protocol of node 1; node i adds i-1
    #[arg(long, value_name = "PORT", default_value_t = 7270, value_parser = clap::value_parser!(u16).range(1..))]
    resp_port: u16,
    /// The same for clients of Redis Cluster
    #[arg(long, value_name = "PORT", default_value_t = 7370, value_parser = clap::value_parser!(u16).range(1..))]
    resp_cluster_port: u16,
}

/// Starts the cluster, tells how to use it, and runs until Ctrl-C or SIGTERM.
///
/// Must run on the process's main thread: the nodes' lives are tied to the thread that starts them.
pub(super) async fn run(args: Args, mut output: Output) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let folder = Folder::open(args.data_dir)?;
    let ports = [args.http_port, args.peer_port, args.resp_port, args.resp_cluster_port];
    let plan = Plan::new(folder.path(), args.nodes, args.groups, ports)?;
    plan.check_ports()?;
    let plan = with_certificates(plan, folder.path(), args.tls)?;
    let began = Instant::now();
    let mut children = Children::start(&plan)?;
    let result = tokio::select! {
        result = lead(&plan, &folder, &mut children, &mut output, began) => result,
        () = signals.next() => Ok(()),
    };
    note("\nStopping the nodes…");
    tokio::select! {
        () = children.stop() => {}
        () = signals.next() => children.kill(),
    }
    let left = still_serving(&plan).await;
    let said = output.line(&folder.close(&plan, &left));
    result.and(said.map_err(Into::into))
}

/// Certificates for the nodes, if the user wants some or the folder has them from the last time.
fn with_certificates(plan: Plan, folder: &Path, wanted: bool) -> Result<Plan, Failure> {
    let certs = folder.join(CERTIFICATES);
    if !certs.is_dir() {
        if !wanted {
            return Ok(plan);
        }
        tls::for_demo(&certs, plan.nodes.len())?;
    }
    Ok(plan.secured(certs))
}

/// What dials the nodes.
fn dialer(plan: &Plan) -> Result<Option<Dialer>, Failure> {
    plan.ca().map_or(Ok(None), |ca| TlsFlags::trusting(ca).dialer())
}

/// Waits for the cluster, introduces it, and watches it for ever.
async fn lead(
    plan: &Plan,
    folder: &Folder,
    children: &mut Children,
    output: &mut Output,
    began: Instant,
) -> Result<(), Failure> {
    become_ready(plan, children).await?;
    output.line(&text::introduction(plan, &children.pids(), folder, began.elapsed()))?;
    watch(plan, children, output).await
}

/// Waits until every node is ready; one that dies before ends the demo.
async fn become_ready(plan: &Plan, children: &mut Children) -> Result<(), Failure> {
    let deadline = Instant::now() + READY_TIMEOUT;
    let dialer = dialer(plan)?;
    for node in &plan.nodes {
        note(&format!("Waiting for node {} …", node.id));
        let client = Client::new(vec![node.endpoint()], LOOK_TIMEOUT, dialer.clone());
        while !watch::is_ready(&client).await {
            if let Some(death) = children.reap().first() {
                return Err(text::died_early(plan, death));
            }
            if Instant::now() > deadline {
                return Err(text::not_ready(node, READY_TIMEOUT));
            }
            sleep(READY_POLL).await;
        }
    }
    Ok(())
}

/// Reports deaths as they happen, and the state of the cluster on a terminal.
async fn watch(plan: &Plan, children: &mut Children, output: &mut Output) -> Result<(), Failure> {
    let mut deaths = signal(SignalKind::child())?;
    let mut ticks = interval(STATUS_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut status = StatusLine::new(plan, LOOK_TIMEOUT, dialer(plan)?);
    loop {
        for death in children.reap() {
            report(plan, &death, &status, output)?;
        }
        tokio::select! {
            _ = deaths.recv() => {}
            _ = ticks.tick() => status.refresh().await,
        }
    }
}

fn report(plan: &Plan, death: &Death, status: &StatusLine, output: &mut Output) -> Result<(), Failure> {
    status.clear();
    Ok(output.line(&text::death(plan, death))?)
}

/// Nodes that answer though the demo stopped its own: the user restarted them.
async fn still_serving(plan: &Plan) -> Vec<NodeId> {
    let mut found = Vec::new();
    for node in &plan.nodes {
        if tokio::net::TcpStream::connect(node.http).await.is_ok() {
            found.push(node.id);
        }
    }
    found
}
