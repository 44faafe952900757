//! Nodes in this process: each with a runtime of its own, its folder, its listeners, and two ways to end it:
//! gracefully, or all at once as by kill -9.

use std::net::SocketAddr;

use quorate::config::Config;
use quorate::node::{Node, Starting};
use quorate::resp::{Face, Resp};
use quorate::tls::{ClientListener, Security};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Client, eventually};

/// How often a cluster is tried when another process took one of its ports in between.
const ATTEMPTS: usize = 5;

/// One running node.
pub(crate) struct Server {
    pub(crate) node: Node,
    pub(crate) client: Client,
    pub(crate) http: SocketAddr,
    pub(crate) resp: SocketAddr,
    pub(crate) resp_cluster: SocketAddr,
    pub(crate) security: Security,
    running: Option<Running>,
    _dir: TempDir,
}

/// What ends with the node.
struct Running {
    runtime: Runtime,
    stop: watch::Sender<bool>,
    served: JoinSet<std::io::Result<()>>,
}

/// Some running nodes; node `i` has id `i + 1`.
pub(crate) struct Cluster {
    pub(crate) servers: Vec<Server>,
}

/// A node that knows no other and waits to be told; small segments, so that tests are quick.
pub(crate) fn fresh_config(id: u64) -> Config {
    let (resp, resp_cluster) = (Some(loopback()), Some(loopback()));
    let log_segment = 4 << 20;
    Config { id, peer: loopback(), http: loopback(), resp, resp_cluster, log_segment, ..Config::default() }
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

impl Server {
    /// Starts a node in a new folder, and its listeners.
    pub(crate) async fn start(config: Config) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let (http_listener, http) = bind(config.http).await?;
        let (resp_listener, resp) = bind(config.resp.unwrap_or_else(loopback)).await?;
        let (cluster_listener, resp_cluster) = bind(config.resp_cluster.unwrap_or_else(loopback)).await?;
        let data_dir = dir.path().to_owned();
        let config = Config { data_dir, resp: Some(resp), resp_cluster: Some(resp_cluster), ..config };
        let security = Security::load(&config)?;
        let certificates = security.clone();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let (stop, stopping) = watch::channel(false);
        let started = runtime.spawn(async move {
            let starting = Starting::secured(certificates.clone());
            let node = starting.start(config.clone(), http).await?;
            let redis = Resp::new(config, node.clone());
            let exposed = redis.clone();
            node.expose(move || exposed.metrics());
            // A socket belongs to the runtime it was made in.
            let listener = TcpListener::from_std(http_listener)?;
            let listener = ClientListener::new(listener, certificates.clients());
            let mut served = JoinSet::new();
            served.spawn(quorate::http::serve(listener, node.clone(), stopped(stopping.clone())));
            for (face, listener) in [(Face::Plain, resp_listener), (Face::Cluster, cluster_listener)] {
                let (redis, listener) = (redis.clone(), TcpListener::from_std(listener)?);
                let listener = ClientListener::new(listener, certificates.clients());
                let stopping = stopping.clone();
                served.spawn(async move { redis.serve(listener, face, stopped(stopping)).await });
            }
            anyhow::Ok((node, served))
        });
        match started.await? {
            Ok((node, served)) => {
                let running = Some(Running { runtime, stop, served });
                let client = Client::new(http);
                Ok(Self { node, client, http, resp, resp_cluster, security, running, _dir: dir })
            }
            Err(error) => {
                runtime.shutdown_background();
                Err(error)
            }
        }
    }

    /// Waits until it says it is ready.
    pub(crate) async fn ready(&self) {
        eventually("the node is ready", async || self.node.ready().ready.then_some(())).await;
    }

    /// Stops listeners and node.
    pub(crate) async fn stop(mut self) {
        let Running { runtime, stop, mut served } =
            self.running.take().expect("a server runs until it is ended");
        stop.send_replace(true);
        while let Some(served) = served.join_next().await {
            served.unwrap().unwrap();
        }
        let node = self.node.clone();
        runtime.spawn(async move { node.shutdown().await }).await.unwrap();
        runtime.shutdown_background();
    }

    /// Ends it between two steps, wherever it is: nothing is handed over, nothing is flushed.
    pub(crate) fn kill(self) {
        drop(self);
    }
}

impl Drop for Server {
    /// A runtime may not be dropped inside another; a failing test ends its servers here.
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.runtime.shutdown_background();
        }
    }
}

impl Cluster {
    /// One node that is a cluster of its own.
    pub(crate) async fn single() -> Self {
        Self::single_with(|_| {}).await
    }

    /// The same, configured.
    pub(crate) async fn single_with(configure: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config { bootstrap_expect: 1, groups: 2, ..fresh_config(1) };
        configure(&mut config);
        let server = Server::start(config).await.unwrap();
        server.ready().await;
        Self { servers: vec![server] }
    }

    /// A cluster of `nodes` nodes with one data group for each.
    pub(crate) async fn of(nodes: u64) -> Self {
        Self::of_with(nodes, |_| {}).await
    }

    /// The same, each node configured.
    pub(crate) async fn of_with(nodes: u64, configure: impl Fn(&mut Config)) -> Self {
        for _ in 1..ATTEMPTS {
            if let Ok(cluster) = Self::try_start(nodes, &configure).await {
                return cluster;
            }
        }
        Self::try_start(nodes, &configure).await.unwrap()
    }

    async fn try_start(nodes: u64, configure: &impl Fn(&mut Config)) -> anyhow::Result<Self> {
        let peers = reserve(nodes).await?;
        let seeds: Vec<String> = peers.iter().map(SocketAddr::to_string).collect();
        let mut cluster = Self { servers: Vec::new() };
        for (id, peer) in (1..).zip(peers) {
            let (seeds, bootstrap_expect) = (seeds.clone(), seeds.len());
            let mut config = Config { peer, seeds, bootstrap_expect, ..fresh_config(id) };
            configure(&mut config);
            match Server::start(config).await {
                Ok(server) => cluster.servers.push(server),
                Err(error) => {
                    cluster.stop().await;
                    return Err(error);
                }
            }
        }
        for server in &cluster.servers {
            server.ready().await;
        }
        Ok(cluster)
    }

    /// Starts one more node, which joins through the first.
    pub(crate) async fn join(&mut self) -> &Server {
        let seed = self.servers[0].node.members().await.unwrap()[0].peer.clone();
        let config = Config { seeds: vec![seed], ..fresh_config(self.servers.len() as u64 + 1) };
        let server = Server::start(config).await.unwrap();
        server.ready().await;
        self.servers.push(server);
        &self.servers[self.servers.len() - 1]
    }

    /// The client of a node, by place.
    pub(crate) fn client(&self, place: usize) -> &Client {
        &self.servers[place].client
    }

    /// Stops every node.
    pub(crate) async fn stop(self) {
        for server in self.servers {
            server.stop().await;
        }
    }
}

/// A listener, not yet of any runtime, and where it listens.
async fn bind(address: SocketAddr) -> anyhow::Result<(std::net::TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await?.into_std()?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Resolves once the servers are to stop.
async fn stopped(mut stopping: watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// Ports that are free now: bound all at once, so that they differ, and let go.
async fn reserve(count: u64) -> std::io::Result<Vec<SocketAddr>> {
    let mut bound = Vec::new();
    for _ in 0..count {
        bound.push(TcpListener::bind(loopback()).await?);
    }
    bound.iter().map(TcpListener::local_addr).collect()
}
