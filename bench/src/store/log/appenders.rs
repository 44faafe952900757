//! The appenders of `store log`: tasks that hand entries to the log, and the clock that releases what comes due.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use raft_store::GroupId;
use raft_store::wal::{Entry, EntryId, SharedLog};
use tokio::sync::{Mutex, MutexGuard, Semaphore, oneshot};
use tokio::task::JoinHandle;

use super::LogArguments;
use crate::schedule::Schedule;
use crate::store::fill;
use crate::store::latency::{histogram, record};

/// Entries a group keeps behind its last one.
const KEPT: u64 = 10_000;
/// Entries appended between two purges of a group.
const PURGE_EVERY: u64 = 1_000;
/// How often entries that came due are released.
const RELEASE_INTERVAL: Duration = Duration::from_micros(200);

/// One group's writers' place in its log.
struct Group {
    id: GroupId,
    /// Held while entries are handed over, so that they come in order.
    next: Mutex<u64>,
}

/// What all appenders share.
struct Shared {
    log: SharedLog,
    groups: Vec<Group>,
    payload: bytes::Bytes,
    over: AtomicBool,
    /// In an open loop: pieces that came due, and the next one to be taken.
    due: Option<(Schedule, Semaphore)>,
    taken: AtomicU64,
}

/// Hands an entry over; what is returned tells when it is durable. `held` is the group's place, let go of when the
/// entry is in the queue.
pub(super) async fn append(
    log: &SharedLog,
    group: GroupId,
    index: u64,
    payload: bytes::Bytes,
    held: Option<MutexGuard<'_, u64>>,
) -> anyhow::Result<oneshot::Receiver<std::io::Result<()>>> {
    let (done, durable) = oneshot::channel();
    let entry = Entry { id: EntryId { term: 1, node: 1, index }, kind: 1, payload };
    // Nobody hears it when the appenders have ended early, by an error they tell themselves.
    let tell = Box::new(move |result| drop(done.send(result)));
    log.append(group, vec![entry], tell).await?;
    if let Some(mut next) = held {
        *next += 1;
    }
    Ok(durable)
}

/// Runs all appenders for the time wanted, calling `look` now and then; their latencies, and how long it took.
pub(super) async fn run(
    arguments: &LogArguments,
    log: &SharedLog,
    mut look: impl FnMut() -> anyhow::Result<()>,
) -> anyhow::Result<(Histogram<u64>, Duration)> {
    let began = Instant::now();
    let shared = Arc::new(Shared::new(arguments, log, began));
    let appenders: Vec<JoinHandle<_>> =
        (0..arguments.appenders).map(|nth| tokio::spawn(shared.clone().appender(nth))).collect();
    let mut released = Schedule::new(began, arguments.rate.unwrap_or(1));
    while began.elapsed() < arguments.duration {
        std::thread::sleep(RELEASE_INTERVAL);
        shared.release(&mut released);
        look()?;
    }
    shared.release(&mut released);
    shared.over.store(true, Ordering::Relaxed);
    if let Some((_, due)) = &shared.due {
        // What came due counts, however late it is.
        while shared.taken.load(Ordering::Relaxed) < released.taken()
            && !appenders.iter().any(JoinHandle::is_finished)
        {
            std::thread::sleep(RELEASE_INTERVAL);
        }
        due.close();
    }
    let mut all = histogram()?;
    for appender in appenders {
        all.add(&appender.await??)?;
    }
    Ok((all, began.elapsed()))
}

impl Shared {
    fn new(arguments: &LogArguments, log: &SharedLog, began: Instant) -> Self {
        Self {
            log: log.clone(),
            groups: (0..arguments.groups).map(|id| Group { id, next: Mutex::new(0) }).collect(),
            payload: fill::value(1, arguments.payload),
            over: AtomicBool::new(false),
            due: arguments.rate.map(|rate| (Schedule::new(began, rate), Semaphore::new(0))),
            taken: AtomicU64::new(0),
        }
    }

    /// In an open loop, lets the appenders have what came due.
    fn release(&self, released: &mut Schedule) {
        if let Some((_, due)) = &self.due {
            let pieces = released.take_due(Instant::now(), u64::from(u32::MAX));
            due.add_permits((pieces.end - pieces.start) as usize);
        }
    }

    /// One appender's loop.
    async fn appender(self: Arc<Self>, nth: u32) -> anyhow::Result<Histogram<u64>> {
        let mut latencies = histogram()?;
        let group = &self.groups[nth as usize % self.groups.len()];
        while let Some(began) = self.next_piece().await {
            let next = group.next.lock().await;
            let index = *next;
            let durable = append(&self.log, group.id, index, self.payload.clone(), Some(next)).await?;
            durable.await??;
            record(&mut latencies, began.elapsed());
            if index % PURGE_EVERY == 0 && index > KEPT {
                self.log.purge(group.id, EntryId { term: 1, node: 1, index: index - KEPT }).await?;
            }
        }
        Ok(latencies)
    }

    /// When the next piece of work began or came due; `None` when it is over.
    async fn next_piece(&self) -> Option<Instant> {
        let Some((schedule, due)) = &self.due else {
            return (!self.over.load(Ordering::Relaxed)).then(Instant::now);
        };
        due.acquire().await.ok()?.forget();
        Some(schedule.due_at(self.taken.fetch_add(1, Ordering::Relaxed)))
    }
}
