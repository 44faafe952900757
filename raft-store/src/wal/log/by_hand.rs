//! A log without threads, for tests that say themselves when it writes, and so do the same each time.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use parking_lot::Mutex;

use super::*;
use crate::wal::background::Inline;
use crate::wal::flushed::Flushed;

/// Does what the threads of a log do, when it is told to.
pub(crate) struct ByHand {
    shared: Arc<Shared>,
    writer: Mutex<Writer>,
}

impl SharedLog {
    /// Opens the log on `disk` without starting threads.
    pub(crate) fn by_hand(disk: Arc<dyn Disk>, options: WalOptions) -> Result<(Self, ByHand), WalError> {
        let mut recovered = recover(&*disk, &options, &|_, _| ())?;
        let spares = std::mem::take(&mut recovered.spares);
        let pool = Pool::new(disk, recovered.home.salt, spares, &options);
        let supply = Arc::new(Supply::new(recovered.prepared.take()));
        let next = recovered.home.segment + 1;
        let source = Inline::new(supply.clone(), pool, next, options.segment_bytes);
        let (writer, memory) =
            Writer::new(recovered, Box::new(source), options).map_err(WalError::io("the log"))?;
        let (memory, space) = (Mutex::new(memory), Semaphore::new(options.queue_bytes));
        let shared = Arc::new(Shared { memory, work: Condvar::new(), space, options, supply });
        let inner = Inner { shared: shared.clone(), thread: Mutex::default() };
        Ok((Self { inner: Arc::new(inner) }, ByHand { shared, writer: Mutex::new(writer) }))
    }
}

impl ByHand {
    /// Writes and syncs what waits, as one batch, and tells those who wait for it.
    pub(crate) fn flush(&self) {
        let flushed = self.writer.lock().flush(&self.shared.memory);
        self.complete(flushed);
    }

    /// What the thread does when nothing came for a while.
    pub(crate) fn rest(&self) {
        let flushed = self.writer.lock().seal(&self.shared.memory);
        self.complete(flushed);
    }

    fn complete(&self, flushed: Flushed) {
        self.shared.space.add_permits(flushed.charged);
        flushed.complete();
    }

    /// Runs `work` to its end, and flushes when it waits for what it has just asked the log for; not when it waits
    /// for something else.
    pub(crate) async fn drive<T>(&self, work: impl Future<Output = T>) -> T {
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

    /// The number of the operation that was asked for last, if it is not written, and whether somebody waits for it.
    fn newest(&self) -> Option<(u64, bool)> {
        let memory = self.shared.memory.lock();
        memory.queue.back().map(|operation| (operation.number, operation.done.is_awaited()))
    }
}
