//! What is measured, behind two small traits: a driver opens connections, a connection carries out batches of
//! requests. One file for each protocol; whatever speaks in a stream of bytes is a [`stream::Protocol`], a pure
//! codec, on [`stream::StreamConnection`].

pub(crate) mod etcd;
pub(crate) mod http;
pub(crate) mod memcached;
pub(crate) mod resp;
pub(crate) mod stream;
pub(crate) mod target;

use std::future::Future;
use std::time::Instant;

use anyhow::ensure;

use self::resp::cluster::{self, ClusterDriver};
use self::target::Endpoints;
use crate::load::arguments::{LoadArguments, Protocol};
use crate::load::keys::Shape;
use crate::load::{self, Measured};

/// One request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// Read key number `.0`; it exists.
    Get(u64),
    /// Write key number `.0`.
    Set(u64),
    /// Read `.1` keys in order, from key number `.0` on. Only where [`Driver::SCANS`].
    Scan(u64, u32),
}

/// What came back for one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// What was wanted.
    Done,
    /// No such key.
    Miss,
    /// An error in the server's words; the connection can be used further.
    Refused(String),
}

/// One answer, when it came, and to which request of the batch.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    pub(crate) index: usize,
    pub(crate) answer: Answer,
    pub(crate) at: Instant,
}

/// Opens connections to what is measured.
pub(crate) trait Driver: Clone + Send + Sync + 'static {
    /// Whether it can read keys in order.
    const SCANS: bool = false;

    /// One connection.
    type Connection: Connection;

    /// Opens connection number `index`; they are spread over the endpoints by it.
    fn connect(&self, index: u64) -> impl Future<Output = anyhow::Result<Self::Connection>> + Send;
}

/// One connection, with one batch under way.
pub(crate) trait Connection: Send + 'static {
    /// Sends all requests without waiting in between, and adds to `answers` each as it comes, in any order. After
    /// an error, or when dropped half-way, the connection is not used again; what was not answered is unknown.
    fn carry_out(
        &mut self,
        requests: &[Request],
        answers: &mut Vec<Answered>,
    ) -> impl Future<Output = anyhow::Result<()>> + Send;
}

/// Drives the load by the protocol that was asked for.
pub(crate) fn run(load: &LoadArguments) -> anyhow::Result<Vec<Measured>> {
    load.check()?;
    let shape = Shape::new(load.key_size.into(), load.value_bytes() as usize, load.seed);
    let endpoints = |default| Endpoints::new(&load.endpoints, default);
    match load.protocol {
        Protocol::Http => {
            load::run(&http::HttpDriver::new(endpoints(http::ENDPOINT)?, shape, load.consistency), load)
        }
        Protocol::Resp => {
            load::run(&resp::RespDriver::new(endpoints(resp::ENDPOINT)?, shape, load.consistency), load)
        }
        Protocol::RespCluster => {
            load::run(&ClusterDriver::new(endpoints(cluster::ENDPOINT)?, shape, load.consistency), load)
        }
        Protocol::Etcd => {
            load::run(&etcd::EtcdDriver::new(endpoints(etcd::ENDPOINT)?, shape, load.consistency)?, load)
        }
        Protocol::Memcached => {
            ensure!(load.consistency.is_none(), "memcached knows no --consistency");
            load::run(&memcached::MemcachedDriver::new(endpoints(memcached::ENDPOINT)?, shape)?, load)
        }
    }
}
