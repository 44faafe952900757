//! The end of a node, in good order and within a time: clients are served first, then leaderships are handed over and
//! the log is closed.
//!
//! Guarantees that this ends within `--drain-timeout` of the first signal, that it says what was left undone, and that a
//! second signal ends the process at once. What a hanging disk or a collector of spans still holds up after it has short
//! bounds of its own (`BLOCKED_WORK_TIMEOUT`, `OTLP_TIMEOUT`).

use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::{error, info};

use super::resp::RespServing;
use crate::cli::fail::Exit;
use crate::cli::signals::Signals;
use crate::limits::NODE_STOP_RESERVE;
use crate::node::Node;

/// How the time for a stop is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    whole: Duration,
}

impl Times {
    /// A stop that takes at most this long.
    pub(super) fn within(whole: Duration) -> Self {
        Self { whole }
    }

    /// How long clients' requests under way may take; what is left is for the node.
    pub(super) fn clients(self) -> Duration {
        self.whole - NODE_STOP_RESERVE.min(self.whole / 2)
    }
}

/// Whoever serves clients.
pub(super) struct Clients {
    /// Ends once the HTTP listener has.
    pub(super) http: JoinHandle<std::io::Result<()>>,
    /// Tells that listener to stop.
    pub(super) stop_http: oneshot::Sender<()>,
    /// The Redis protocol.
    pub(super) resp: RespServing,
}

/// Serves until a signal comes or the node cannot go on, and stops then.
pub(super) async fn serve_until_stopped(
    mut clients: Clients,
    node: &Node,
    mut signals: Signals,
    times: Times,
) -> anyhow::Result<()> {
    let served = tokio::select! {
        () = signals.next() => {
            info!(within_ms = times.whole.as_millis() as u64, "stopping; a second signal ends the process at once");
            None
        }
        _ = node.failed() => {
            info!("stopping: the node cannot go on");
            None
        }
        served = &mut clients.http => Some(served),
    };
    let ends_at = Instant::now() + times.whole;
    node.drain();
    tokio::spawn(end_at_second(signals));
    let Clients { http, stop_http, resp } = clients;
    // Where the listener failed there is nobody to tell.
    let _ = stop_http.send(());
    let http = async { if let Some(served) = served { served } else { http.await } };
    let (served, ()) = tokio::join!(http, resp.stop());
    info!("clients are served; handing over what this node leads");
    let stopped = node.shutdown_by(ends_at).await;
    if let Some(why) = node.failure() {
        bail!(why);
    }
    stopped.context("the node did not stop in good order")?;
    served?.context("the HTTP listener failed")
}

/// Ends the process at the next signal, whatever is under way: what was acknowledged is on disk.
async fn end_at_second(mut signals: Signals) {
    signals.next().await;
    error!(
        "a second signal: ending at once; requests under way are cut off, leaderships are not handed over"
    );
    std::process::exit(Exit::Error as i32);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_node_has_its_part_of_the_time_however_short_that_is() {
        let clients = |whole| Times::within(Duration::from_secs(whole)).clients().as_secs_f64();
        assert_eq!([1, 4, 8, 10, 60].map(clients), [0.5, 2.0, 4.0, 6.0, 56.0]);
    }
}
