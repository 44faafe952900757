//! What clients speak, and what of their work can be said in it.

use std::fmt;
use std::net::SocketAddr;

use clap::ValueEnum;

use super::kind::{Kind, Mix};
use crate::client::{Client, Judged, Resp};
use crate::history::Input;

/// What clients speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Protocol {
    /// The HTTP API.
    #[default]
    Http,
    /// The Redis protocol at the port where any node serves any key.
    Resp,
    /// The same at the port that sends clients to the leader.
    RespCluster,
}

impl Protocol {
    /// Whether work of this kind can be done: the Redis protocol tells no versions, by which locks are renewed, and no
    /// group time, by which deadlines are judged.
    pub fn can(self, kind: Kind) -> bool {
        self == Self::Http || !matches!(kind, Kind::Ttl | Kind::Lease)
    }

    /// Every kind of work that can be done, equally often.
    pub fn all(self) -> Mix {
        Mix::all().only(|kind| self.can(kind))
    }

    /// A client without connections.
    pub(super) fn client(self) -> Speaker {
        match self {
            Self::Http => Speaker::Http(Client::default()),
            Self::Resp | Self::RespCluster => Speaker::Resp(Resp::default()),
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_possible_value().as_ref().map_or("", |value| value.get_name()))
    }
}

/// A client's connections.
#[derive(Debug)]
pub(super) enum Speaker {
    Http(Client),
    Resp(Resp),
}

impl Speaker {
    /// What is asked when this is wanted.
    pub(super) fn asks(&self, input: Input) -> Input {
        match self {
            Self::Http(_) => input,
            Self::Resp(_) => Resp::asks(input),
        }
    }

    /// Carries out one operation.
    pub(super) async fn operate(&mut self, node: SocketAddr, key: &str, input: &Input) -> Judged {
        match self {
            Self::Http(client) => client.operate(node, key, input).await,
            Self::Resp(client) => client.operate(node, key, input).await,
        }
    }

    /// Carries out several: in one request, or one after the other.
    pub(super) async fn batch(&mut self, node: SocketAddr, operations: &[(String, Input)]) -> Vec<Judged> {
        let client = match self {
            Self::Http(client) => return client.batch(node, operations).await,
            Self::Resp(client) => client,
        };
        let mut all = Vec::with_capacity(operations.len());
        for (key, input) in operations {
            all.push(client.operate(node, key, input).await);
        }
        all
    }

    /// Connections opened to a node so far.
    pub(super) fn connections(&self, node: SocketAddr) -> u64 {
        match self {
            Self::Http(client) => client.connections(node),
            Self::Resp(client) => client.connections(node),
        }
    }
}
