//! The Redis protocol: parse, call the node, answer. Holds no logic of the cluster and never names openraft.
//!
//! Relies on [`crate::node::Node`] for everything that is decided. Guarantees: whatever a client sends, it gets
//! answers in the order it asked, in the words of Redis 7.0, nothing panics, and no connection takes more than its named
//! limits. An error after which a write may have happened begins with `UNKNOWN`; any other means that it did not.
//!
//! | Part | Files |
//! |---|---|
//! | Connections | `listen`, `connection`, `clients` |
//! | The wire | `parse`, `encode`, `value` |
//! | What commands mean | `data`, `plan` (pure) |
//! | Who may | `guard` |
//! | Carrying them out | `table`, `run`, `route`, `transaction`, `keyspace`, `outcome`, `errors` |
//! | A connection's state | `session` |
//! | Commands about the server | `server` |
//! | Figures | `metrics` |

mod clients;
mod connection;
pub mod data;
pub mod encode;
mod errors;
mod guard;
mod keyspace;
mod listen;
mod metrics;
mod outcome;
pub mod parse;
pub mod plan;
mod route;
mod run;
mod server;
mod session;
mod table;
mod transaction;
pub mod value;

use std::sync::Arc;

pub use session::Face;

use crate::config::Config;
use crate::node::{Node, Starting};
use clients::Clients;
use metrics::Metrics;
use route::Routes;
use tokio::time::Instant;

/// The Redis protocol of one node; its listeners share figures. Clones share it.
#[derive(Debug, Clone)]
pub struct Resp {
    shared: Arc<Shared>,
}

/// What all connections share.
#[derive(Debug)]
struct Shared {
    starting: Starting,
    config: Config,
    metrics: Metrics,
    plain: Clients,
    cluster: Clients,
    routes: Routes,
    since: Instant,
}

impl Resp {
    /// The protocol of `node`, which may still be starting: until it has, every command is answered with `LOADING`.
    pub fn new(config: Config, node: impl Into<Starting>) -> Self {
        let shared = Shared {
            starting: node.into(),
            config,
            metrics: Metrics::new(),
            plain: Clients::default(),
            cluster: Clients::default(),
            routes: Routes::default(),
            since: Instant::now(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Its figures as Prometheus text.
    pub fn metrics(&self) -> String {
        self.shared.metrics.text()
    }
}

impl Shared {
    fn node(&self) -> Option<&Node> {
        self.starting.node()
    }

    /// The connections of a listener.
    fn clients(&self, face: Face) -> &Clients {
        match face {
            Face::Plain => &self.plain,
            Face::Cluster => &self.cluster,
        }
    }
}
