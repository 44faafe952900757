//! Where the writer gets its next segment from: a small thread makes it ahead of time, and removes old ones.
//!
//! A disk without room fails nothing here. The segment that cannot be made is a file of its own, which nothing
//! acknowledged touches; the log says that it is full, and the thread tries again until there is room.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use parking_lot::{Condvar, Mutex};

use super::disk::DiskFile;
use super::error::{Failure, is_no_room, while_doing};
use super::frame::segment_name;
use super::options::PREPARE_RETRY;
use super::segment::{Pool, Retired};

/// Where the writer gets its segments from.
pub(super) trait SegmentSource: Debug + Send {
    /// The segment `segment`, of at least `bytes`; `None` while it is not ready. Its number is one more than the
    /// last one's. Fails when it cannot be made, for another reason than room.
    fn take(&mut self, segment: u64, bytes: u64) -> io::Result<Option<Arc<dyn DiskFile>>>;
    /// Takes a segment nobody needs. They come in order.
    fn retire(&mut self, retired: Retired);
    /// Whether the next segment cannot be made for want of room.
    fn is_full(&self) -> bool;
}

/// What the log and the thread tell one another.
#[derive(Debug, Default)]
pub(super) struct Supply {
    state: Mutex<State>,
    work: Condvar,
    full: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    /// The segment to be made next, and its bytes.
    wanted: Option<(u64, u64)>,
    made: Option<Arc<dyn DiskFile>>,
    /// As many as the log had segments, at most.
    retired: VecDeque<Retired>,
    /// Why there is no room for the segment wanted.
    shortage: Option<String>,
    /// Why else it could not be made.
    failure: Option<Failure>,
    prepared: u64,
    closing: bool,
    /// Nobody makes segments any more.
    ended: bool,
}

impl Supply {
    /// Starts with the segment that was ready when the log was opened, if one was.
    pub(super) fn new(ready: Option<Arc<dyn DiskFile>>) -> Self {
        Self { state: Mutex::new(State { made: ready, ..State::default() }), ..Self::default() }
    }

    /// Why the log can make no further segment; costs next to nothing while it can.
    pub(super) fn full(&self) -> Option<String> {
        if !self.full.load(Ordering::Acquire) {
            return None;
        }
        self.state.lock().shortage.clone()
    }

    /// Segments made since the log was opened.
    pub(super) fn prepared(&self) -> u64 {
        self.state.lock().prepared
    }

    fn want(&self, segment: u64, bytes: u64) {
        let mut state = self.state.lock();
        if state.wanted != Some((segment, bytes)) {
            state.wanted = Some((segment, bytes));
            self.work.notify_one();
        }
    }

    /// Takes note of an attempt.
    fn note(&self, pool: &Pool, wanted: (u64, u64), made: io::Result<Arc<dyn DiskFile>>) {
        let (segment, bytes) = wanted;
        let mut state = self.state.lock();
        let was_full = state.shortage.is_some();
        (state.shortage, state.failure) = (None, None);
        match made {
            Ok(file) => {
                state.made = Some(file);
                state.prepared += 1;
                state.wanted = state.wanted.filter(|now| *now != wanted);
                if was_full {
                    tracing::info!("the log has room again");
                }
            }
            Err(error) if is_no_room(&error) => {
                let why = pool.shortage(bytes, &error);
                if !was_full {
                    tracing::error!(%why, "the disk is full: the log takes what still fits");
                }
                state.shortage = Some(why);
            }
            Err(error) => {
                let error = while_doing(format!("preparing {}", segment_name(segment)))(error);
                tracing::warn!(%error, "cannot prepare a log segment; trying again");
                state.failure = Some(Failure::new(&error));
            }
        }
        self.full.store(state.shortage.is_some(), Ordering::Release);
    }
}

impl Supply {
    fn take(&self, segment: u64, bytes: u64, segment_bytes: u64) -> io::Result<Option<Arc<dyn DiskFile>>> {
        let mut state = self.state.lock();
        // While a larger one is made in its place, the one that is ready must not be used: it will be replaced.
        let replaced = state.wanted.is_some_and(|(wanted, _)| wanted == segment);
        let size = state.made.as_ref().map(|file| file.size()).transpose()?;
        if !replaced && size.is_some_and(|size| size >= bytes) {
            let file = state.made.take();
            drop(state);
            self.want(segment + 1, segment_bytes);
            return Ok(file);
        }
        if let Some(failure) = &state.failure {
            return Err(failure.to_io());
        }
        if state.ended {
            return Err(io::Error::other("the thread that prepares log segments has ended"));
        }
        drop(state);
        self.want(segment, bytes.max(segment_bytes));
        Ok(None)
    }

    fn retire(&self, retired: Retired) {
        self.state.lock().retired.push_back(retired);
        self.work.notify_one();
    }
}

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
#[cfg(test)]
#[derive(Debug)]
pub(super) struct Inline {
    worker: Worker,
    segment_bytes: u64,
}

#[cfg(test)]
impl Inline {
    pub(super) fn new(supply: Arc<Supply>, pool: Pool, next: u64, segment_bytes: u64) -> Self {
        let mut worker = Worker::new(supply, pool, next, segment_bytes, Box::new(|| ()));
        worker.work();
        Self { worker, segment_bytes }
    }
}

#[cfg(test)]
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
    #[cfg(test)]
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
