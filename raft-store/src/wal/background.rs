//! The small thread that makes the next segment ahead of time, and removes old ones.

use std::fmt::Debug;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use super::disk::DiskFile;
use super::options::PREPARE_RETRY;
use super::segment::{Pool, Retired};
use super::supply::{SegmentSource, State, Supply};

/// The thread that makes and removes segments.
#[derive(Debug)]
pub(super) struct Background {
    supply: Arc<Supply>,
    segment_bytes: u64,
    thread: Option<JoinHandle<()>>,
}

impl Background {
    /// Starts the thread, which makes `next` first unless it is ready. It calls `wake` after each attempt.
    pub(super) fn start(
        supply: Arc<Supply>,
        pool: Pool,
        next: u64,
        segment_bytes: u64,
        wake: Box<dyn Fn() + Send>,
    ) -> io::Result<Self> {
        let worker = Worker::new(supply.clone(), pool, next, segment_bytes, wake);
        let thread = std::thread::Builder::new().name("wal-segments".into()).spawn(|| worker.run())?;
        Ok(Self { supply, segment_bytes, thread: Some(thread) })
    }
}

impl SegmentSource for Background {
    fn take(&mut self, segment: u64, bytes: u64) -> io::Result<Option<Arc<dyn DiskFile>>> {
        self.supply.take(segment, bytes, self.segment_bytes)
    }

    fn retire(&mut self, retired: Retired) {
        self.supply.retire(retired);
    }

    fn is_full(&self) -> bool {
        self.supply.full.load(Ordering::Acquire)
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.supply.state.lock().closing = true;
        self.supply.work.notify_one();
        if let Some(thread) = self.thread.take() {
            // It can only have panicked, which the panic hook has told.
            let _ = thread.join();
        }
    }
}

/// The same without a thread, for tests and simulation: everything is done when it is asked for.
#[cfg(any(test, feature = "simulation"))]
#[derive(Debug)]
pub(super) struct Inline {
    worker: Worker,
    segment_bytes: u64,
}

#[cfg(any(test, feature = "simulation"))]
impl Inline {
    pub(super) fn new(supply: Arc<Supply>, pool: Pool, next: u64, segment_bytes: u64) -> Self {
        let mut worker = Worker::new(supply, pool, next, segment_bytes, Box::new(|| ()));
        worker.work();
        Self { worker, segment_bytes }
    }
}

#[cfg(any(test, feature = "simulation"))]
impl SegmentSource for Inline {
    fn take(&mut self, segment: u64, bytes: u64) -> io::Result<Option<Arc<dyn DiskFile>>> {
        let supply = self.worker.supply.clone();
        let taken = supply.take(segment, bytes, self.segment_bytes)?;
        // Time passes between any two attempts.
        self.worker.tried = None;
        self.worker.work();
        if taken.is_some() { Ok(taken) } else { supply.take(segment, bytes, self.segment_bytes) }
    }

    fn retire(&mut self, retired: Retired) {
        self.worker.supply.retire(retired);
        self.worker.work();
    }

    fn retry(&mut self) {
        self.worker.tried = None;
        self.worker.work();
    }

    fn is_full(&self) -> bool {
        self.worker.supply.full.load(Ordering::Acquire)
    }
}

enum Job {
    Retire(Retired),
    Prepare(u64, u64),
}

struct Worker {
    supply: Arc<Supply>,
    pool: Pool,
    wake: Box<dyn Fn() + Send>,
    /// What was tried last, and waits a while before it is tried again.
    tried: Option<(u64, u64)>,
    /// After a failed removal none is removed until the next start: a gap must not open.
    removing: bool,
}

impl Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("pool", &self.pool).finish_non_exhaustive()
    }
}

impl Worker {
    fn new(
        supply: Arc<Supply>,
        pool: Pool,
        next: u64,
        segment_bytes: u64,
        wake: Box<dyn Fn() + Send>,
    ) -> Self {
        if supply.state.lock().made.is_none() {
            supply.want(next, segment_bytes);
        }
        Self { supply, pool, wake, tried: None, removing: true }
    }

    fn run(mut self) {
        while let Some(job) = self.wait() {
            self.perform(job);
        }
    }

    /// What to do next; `None` once the log closes.
    fn wait(&mut self) -> Option<Job> {
        let supply = self.supply.clone();
        let mut state = supply.state.lock();
        loop {
            let job = next_job(&mut state, self.tried);
            if job.is_some() || state.closing {
                return job;
            }
            if state.wanted.is_none() {
                supply.work.wait(&mut state);
            } else if supply.work.wait_for(&mut state, PREPARE_RETRY).timed_out() {
                self.tried = None;
            }
        }
    }

    /// Does all there is to do now.
    #[cfg(any(test, feature = "simulation"))]
    fn work(&mut self) {
        let supply = self.supply.clone();
        let next = |tried| next_job(&mut supply.state.lock(), tried);
        while let Some(job) = next(self.tried) {
            self.perform(job);
        }
    }

    fn perform(&mut self, job: Job) {
        match job {
            Job::Retire(retired) => self.retire(retired),
            Job::Prepare(segment, bytes) => {
                let made = self.pool.prepare(segment, bytes);
                self.supply.note(&self.pool, (segment, bytes), made);
                self.tried = Some((segment, bytes));
                (self.wake)();
            }
        }
    }

    fn retire(&mut self, retired: Retired) {
        // It may have given room back.
        self.tried = None;
        let segment = retired.segment;
        if self.removing
            && let Err(error) = self.pool.retire(retired)
        {
            tracing::warn!(segment, %error, "cannot remove a log segment; the disk fills up");
            self.removing = false;
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.supply.state.lock().ended = true;
        (self.wake)();
    }
}

/// Removals come first: they give room back. Once the log closes nothing more is made.
fn next_job(state: &mut State, tried: Option<(u64, u64)>) -> Option<Job> {
    let wanted = state.wanted.filter(|&wanted| tried != Some(wanted) && !state.closing);
    let retired = state.retired.pop_front().map(Job::Retire);
    retired.or(wanted.map(|(segment, bytes)| Job::Prepare(segment, bytes)))
}
