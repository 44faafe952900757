//! A log that writes when it is told to, or when a caller waits for it: the same each time.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use parking_lot::Mutex;

use crate::wal::LogSteps;

/// The steps of a log, for all replicas of a node.
pub(super) struct ByHand(pub(super) Mutex<LogSteps>);

impl ByHand {
    /// Writes and syncs what waits, as one batch, and tells those who wait for it.
    pub(super) fn flush(&self) {
        self.0.lock().step();
    }

    /// What the log does when nothing came for a while.
    pub(super) fn rest(&self) {
        self.0.lock().seal();
    }

    /// Runs `work` to its end, and flushes when it waits for what it has just asked the log for; not when it waits
    /// for something else.
    pub(super) async fn drive<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|context| {
            loop {
                let before = self.newest().map(|(number, _)| number);
                if let Poll::Ready(done) = work.as_mut().poll(context) {
                    return Poll::Ready(done);
                }
                match self.newest() {
                    Some((number, awaited)) if Some(number) > before && awaited => self.flush(),
                    _ => return Poll::Pending,
                }
            }
        })
        .await
    }

    fn newest(&self) -> Option<(u64, bool)> {
        self.0.lock().newest()
    }
}
