//! The clients of one measurement: for each protocol one for each node.

use std::time::{Duration, Instant};

use anyhow::ensure;

use super::client::{Client, Running, Successes};
use super::gaps::Gaps;
use super::nodes::{NODES, Nodes};
use crate::driver::Driver;
use crate::driver::http::HttpDriver;
use crate::driver::resp::RespDriver;
use crate::driver::target::{Endpoint, Endpoints};
use crate::load::keys::Shape;

/// Without a write for so long the measurement fails.
const STOPPED_MAX: Duration = Duration::from_secs(30);
/// How often the clients are looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);
/// Bytes of keys and values.
const KEY_BYTES: usize = 16;
const VALUE_BYTES: usize = 100;

/// All clients; they end when dropped.
#[derive(Default)]
pub(super) struct Clients {
    /// By HTTP, and by Redis's protocol; none where the nodes do not speak it.
    by: [Vec<Successes>; 2],
    running: Vec<Running>,
}

impl Clients {
    /// Starts them.
    pub(super) fn start(nodes: &Nodes, timeout: Duration) -> anyhow::Result<Self> {
        let mut clients = Self::default();
        let shape = || Shape::new(KEY_BYTES, VALUE_BYTES, 1);
        let (http, resp) = nodes.endpoints()?;
        clients.add(0, &HttpDriver::new(all(&http)?, shape(), None), timeout);
        if let Some(resp) = resp {
            clients.add(1, &RespDriver::new(all(&resp)?, shape(), None), timeout);
        }
        Ok(clients)
    }

    fn add<D: Driver>(&mut self, which: usize, driver: &D, timeout: Duration) {
        for node in 0..NODES {
            let successes = Successes::default();
            self.by[which].push(successes.clone());
            let key = node + NODES * which as u64;
            self.running.push(Client { driver: driver.clone(), node, key, timeout, successes }.start());
        }
    }

    /// Waits until every client has seen what is wanted.
    pub(super) async fn until(&self, wanted: impl Fn(&[Instant]) -> bool) -> anyhow::Result<()> {
        let began = Instant::now();
        while !self.by.iter().flatten().all(|client| wanted(&client.borrow())) {
            ensure!(began.elapsed() < STOPPED_MAX, "a client had no success for {STOPPED_MAX:?}");
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        Ok(())
    }

    /// What a fault at `at` cost, by each protocol.
    pub(super) fn gaps(&self, at: Instant) -> [Option<Gaps>; 2] {
        self.by.each_ref().map(|clients| {
            let seen: Vec<Vec<Instant>> = clients.iter().map(|client| client.borrow().clone()).collect();
            (!seen.is_empty()).then(|| Gaps::of(&seen, at))
        })
    }
}

fn all(endpoints: &[Endpoint]) -> anyhow::Result<Endpoints> {
    Endpoints::new(endpoints, "127.0.0.1:0")
}
