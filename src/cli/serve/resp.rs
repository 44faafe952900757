//! The two listeners of the Redis protocol, in the life of a `serve`.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::info;

use crate::config::Config;
use crate::node::{Node, Starting};
use crate::resp::{Face, Resp};
use crate::tls::{ClientListener, Security};

/// Bound, and not serving yet.
pub(super) struct RespListeners {
    bound: Vec<(Face, TcpListener)>,
}

/// Serving.
pub(super) struct RespServing {
    resp: Resp,
    stop: watch::Sender<bool>,
    listeners: JoinSet<std::io::Result<()>>,
}

impl RespListeners {
    /// Listens where `config` says, and puts the addresses there that it got.
    ///
    /// # Errors
    /// An address cannot be had; the message names the flag that chooses another.
    pub(super) async fn bind(config: &mut Config) -> anyhow::Result<Self> {
        let mut bound = Vec::new();
        for (face, flag, address) in [
            (Face::Plain, "--resp", &mut config.resp),
            (Face::Cluster, "--resp-cluster", &mut config.resp_cluster),
        ] {
            if let Some(address) = address {
                let listener = bind(*address, flag).await?;
                *address = listener.local_addr()?;
                bound.push((face, listener));
            }
        }
        Ok(Self { bound })
    }

    /// Serves clients; until the node has started they are told that it loads.
    /// Once stopped, commands under way may take `patience`.
    pub(super) fn serve(
        self,
        config: &Config,
        security: &Security,
        starting: &Starting,
        patience: Duration,
    ) -> RespServing {
        let resp = Resp::new(config.clone(), starting.clone());
        let (stop, stopping) = watch::channel(false);
        let mut listeners = JoinSet::new();
        for (face, listener) in self.bound {
            let (resp, mut stopping) = (resp.clone(), stopping.clone());
            let listener = ClientListener::new(listener, security.clients());
            listeners.spawn(async move {
                // A sender that is gone has stopped too.
                let stopped = async { drop(stopping.wait_for(|stop| *stop).await) };
                resp.serve_within(listener, face, stopped, patience).await
            });
        }
        if let Some(resp) = config.resp {
            info!(%resp, "speaking the Redis protocol");
        }
        RespServing { resp, stop, listeners }
    }
}

impl RespServing {
    /// Shows its figures with those of the node.
    pub(super) fn expose_on(&self, node: &Node) {
        let resp = self.resp.clone();
        node.expose(move || resp.metrics());
    }

    /// Accepts no more, and lets commands under way finish within the patience there is.
    pub(super) async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.listeners.join_next().await.is_some() {}
    }
}

async fn bind(address: SocketAddr, flag: &str) -> anyhow::Result<TcpListener> {
    let port = address.port();
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}; is port {port} taken? {flag} chooses another address, or none")
    })
}
