//! A client that writes all the time, and tries the next node when one fails it.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::nodes::NODES;
use crate::driver::{Answer, Connection, Driver, Request};

/// Pause after a failure, so that a cluster without a leader is not flooded.
const RETRY_PAUSE: Duration = Duration::from_millis(1);

/// When one client's writes succeeded, in order.
pub(super) type Successes = Rc<RefCell<Vec<Instant>>>;

/// One client.
pub(super) struct Client<D: Driver> {
    pub(super) driver: D,
    /// The node it writes to; the next one after a failure.
    pub(super) node: u64,
    /// The key it writes.
    pub(super) key: u64,
    pub(super) timeout: Duration,
    pub(super) successes: Successes,
}

/// Ends its client when dropped.
pub(super) struct Running(JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<D: Driver> Client<D> {
    /// Begins to write.
    pub(super) fn start(self) -> Running {
        Running(tokio::task::spawn_local(self.run()))
    }

    async fn run(mut self) {
        let mut connection = None;
        loop {
            let written = timeout(self.timeout, self.write(&mut connection)).await;
            if matches!(written, Ok(Ok(true))) {
                self.successes.borrow_mut().push(Instant::now());
            } else {
                connection = None;
                self.node = (self.node + 1) % NODES;
                sleep(RETRY_PAUSE).await;
            }
        }
    }

    async fn write(&self, connection: &mut Option<D::Connection>) -> anyhow::Result<bool> {
        let connection = match connection {
            Some(connection) => connection,
            none => none.insert(self.driver.connect(self.node).await?),
        };
        let mut answers = Vec::new();
        connection.carry_out(&[Request::Set(self.key)], &mut answers).await?;
        Ok(answers.iter().all(|answered| answered.answer == Answer::Done))
    }
}
