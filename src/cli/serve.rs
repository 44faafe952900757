//! `quorate serve`: one node in this process, until a signal stops it.

mod certificates;
mod files;
mod life;
mod resp;
mod threads;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::{info, warn};

use super::config::Sources;
use super::fail::{Exit, Failure, quote};
use super::signals::Signals;
use crate::config::Config;
use crate::config::settings::{LogFormat, Settings};
use crate::node::lost::LostLog;
use crate::node::{Node, Starting};
use crate::tls::{ClientListener, Security};
use resp::RespListeners;

/// How long requests under way may still take once the node is told to stop.
const DRAIN_MAX: Duration = Duration::from_secs(3);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Die when this process, the parent, does
    #[arg(long, value_name = "PID", hide = true)]
    die_with_parent: Option<i32>,
    #[command(flatten)]
    sources: Sources,
}

/// Runs the node; returns once it was stopped in good order.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    if let Some(parent) = args.die_with_parent {
        life::die_with(parent)?;
    }
    let (settings, _) = args.sources.settings()?;
    start_log(&settings)?;
    let security = super::config::security(&settings)?;
    files::open_many(settings.node.resp_connections);
    let runtime = threads::runtime(settings.threads)?;
    let data_dir = settings.node.data_dir.clone();
    runtime.block_on(serve(settings.node, security)).map_err(|error| {
        let hint = match error.chain().any(|cause| cause.is::<LostLog>()) {
            true => format!("quorate repair --data-dir {}", quote(&data_dir.display().to_string())),
            false => "quorate serve --help".to_owned(),
        };
        Failure::new(Exit::Error, "The node stopped", format!("{error:#}")).hint(hint)
    })
}

fn start_log(settings: &Settings) -> Result<(), Failure> {
    let filter = tracing_subscriber::EnvFilter::try_new(&settings.log)
        .map_err(|error| Failure::usage("--log makes no sense", error.to_string()))?;
    let colour = super::output::on_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match settings.log_format {
        LogFormat::Human => log.with_ansi(colour).init(),
        LogFormat::Json => log.json().init(),
    }
    Ok(())
}

async fn serve(mut config: Config, security: Security) -> anyhow::Result<()> {
    let mut signals = Signals::new().context("cannot listen for signals")?;
    let _watch = certificates::Watch::new(security.clone()).context("cannot listen for SIGHUP")?;
    let listener = bind(config.http).await?;
    let http = listener.local_addr()?;
    let resp = RespListeners::bind(&mut config).await?;
    warn_exposed(&config);
    let id = config.id;
    let starting = Starting::secured(security.clone());
    let (stop, stopped) = oneshot::channel();
    let stopped = async { stopped.await.unwrap_or_default() };
    // Before the stores are opened, which may take a while: who asks is told how far it is.
    let listener = ClientListener::new(listener, security.clients());
    let serving = tokio::spawn(crate::http::serve(listener, starting.clone(), stopped));
    let resp = resp.serve(&config, &security, &starting);
    info!(node = id, %http, "starting");
    let node = tokio::select! {
        node = starting.start(config, http) => node?,
        () = signals.next() => return Ok(()),
    };
    resp.expose_on(&node);
    info!(node = id, %http, "serving");
    let served = serve_until_stopped(serving, stop, &node, signals).await;
    resp.stop(DRAIN_MAX).await;
    node.shutdown().await;
    match node.failure() {
        Some(why) => Err(anyhow::anyhow!(why)),
        None => served.context("the HTTP listener failed"),
    }
}

async fn bind(http: SocketAddr) -> anyhow::Result<TcpListener> {
    let port = http.port();
    TcpListener::bind(http).await.with_context(|| {
        format!("cannot listen on {http}; is port {port} taken? --http chooses another address")
    })
}

/// Serves until a signal comes or the node cannot go on, and then for at most [`DRAIN_MAX`].
async fn serve_until_stopped(
    mut serving: JoinHandle<std::io::Result<()>>,
    stop: oneshot::Sender<()>,
    node: &Node,
    mut signals: Signals,
) -> anyhow::Result<()> {
    tokio::select! {
        () = signals.next() => info!("stopping; a second signal ends the process at once"),
        _ = node.failed() => info!("stopping: the node cannot go on"),
        served = &mut serving => return Ok(served??),
    }
    let _ = stop.send(());
    tokio::spawn(async move {
        signals.next().await;
        std::process::exit(Exit::Error as i32);
    });
    match timeout(DRAIN_MAX, &mut serving).await {
        Ok(served) => Ok(served??),
        Err(_) => {
            serving.abort();
            Ok(())
        }
    }
}

/// Who allowed it may have forgotten since.
fn warn_exposed(config: &Config) {
    let open: Vec<String> = config.exposed().iter().map(|(_, address)| address.to_string()).collect();
    if !open.is_empty() {
        warn!(
            addresses = open.join(", "),
            "listening beyond this machine without encryption: let only trusted networks reach these ports"
        );
    }
}
