//! `quorate serve`: one node in this process, until a signal stops it.

mod certificates;
mod files;
mod life;
mod log;
#[cfg(feature = "otlp")]
mod otlp;
mod resp;
mod stop;
mod threads;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tracing::{info, warn};

use super::config::Sources;
use super::fail::{Exit, Failure, quote};
use super::signals::Signals;
use crate::config::Config;
use crate::limits::BLOCKED_WORK_TIMEOUT;
use crate::node::Starting;
use crate::node::lost::LostLog;
use crate::tls::{ClientListener, Security};
use resp::RespListeners;
use stop::{Clients, Times};

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
    let security = super::config::security(&settings)?;
    let runtime = threads::runtime(settings.threads)?;
    let exporter = log::start(&settings, runtime.handle())?;
    files::open_many(settings.node.resp_connections);
    let data_dir = settings.node.data_dir.clone();
    let times = Times::within(Duration::from_millis(settings.drain_timeout));
    let whole = async {
        let served = serve(settings.node, security, times).await;
        if let Some(exporter) = exporter {
            exporter.stop().await;
        }
        served
    };
    let served = runtime.block_on(whole);
    // To drop it would wait for work that blocks, for ever if a disk hangs.
    runtime.shutdown_timeout(BLOCKED_WORK_TIMEOUT);
    served.map_err(|error| {
        let hint = match error.chain().any(|cause| cause.is::<LostLog>()) {
            true => format!("quorate repair --data-dir {}", quote(&data_dir.display().to_string())),
            false => "quorate serve --help".to_owned(),
        };
        Failure::new(Exit::Error, "The node stopped", format!("{error:#}")).hint(hint)
    })
}

async fn serve(mut config: Config, security: Security, times: Times) -> anyhow::Result<()> {
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
    let serving = crate::http::serve_within(listener, starting.clone(), stopped, times.clients());
    let serving = tokio::spawn(serving);
    let resp = resp.serve(&config, &security, &starting, times.clients());
    info!(node = id, %http, "starting");
    let node = tokio::select! {
        node = starting.start(config, http) => node?,
        () = signals.next() => return Ok(()),
    };
    resp.expose_on(&node);
    info!(node = id, %http, "serving");
    let clients = Clients { http: serving, stop_http: stop, resp };
    stop::serve_until_stopped(clients, &node, signals, times).await
}

async fn bind(http: SocketAddr) -> anyhow::Result<TcpListener> {
    let port = http.port();
    TcpListener::bind(http).await.with_context(|| {
        format!("cannot listen on {http}; is port {port} taken? --http chooses another address")
    })
}

/// Who allowed it may have forgotten since.
fn warn_exposed(config: &Config) {
    let addresses = |open: Vec<(&str, SocketAddr)>| {
        let open: Vec<String> = open.iter().map(|(_, address)| address.to_string()).collect();
        (!open.is_empty()).then(|| open.join(", "))
    };
    if let Some(addresses) = addresses(config.exposed()) {
        warn!(
            addresses,
            "open to other machines without encryption: let only trusted networks reach these ports"
        );
    }
    if let Some(addresses) = addresses(config.anonymous()) {
        warn!(
            addresses,
            "open to other machines without a token: whoever reaches these ports may do everything"
        );
    }
}
