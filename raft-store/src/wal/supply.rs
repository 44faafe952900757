//! Where the writer gets its next segment from; `background` makes it ahead of time.
//!
//! A disk without room fails nothing here. The segment that cannot be made is a file of its own, which nothing
//! acknowledged touches; the log says that it is full, and it is tried again until there is room.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Condvar, Mutex};

use super::disk::DiskFile;
use super::error::{Failure, is_no_room, while_doing};
use super::frame::segment_name;
use super::segment::{Pool, Retired};

/// Where the writer gets its segments from.
pub(super) trait SegmentSource: Debug + Send {
    /// The segment `segment`, of at least `bytes`; `None` while it is not ready. Its number is one more than the
    /// last one's. Fails when it cannot be made, for another reason than room.
    fn take(&mut self, segment: u64, bytes: u64) -> io::Result<Option<Arc<dyn DiskFile>>>;
    /// Takes a segment nobody needs. They come in order.
    fn retire(&mut self, retired: Retired);
    /// Tries again to make the next segment, where no thread does so by itself.
    #[cfg(any(test, feature = "simulation"))]
    fn retry(&mut self) {}
    /// Whether the next segment cannot be made for want of room.
    fn is_full(&self) -> bool;
}

/// What the log and the thread tell one another.
#[derive(Debug, Default)]
pub(super) struct Supply {
    pub(super) state: Mutex<State>,
    pub(super) work: Condvar,
    pub(super) full: AtomicBool,
}

/// What is wanted, ready and to be removed.
#[derive(Debug, Default)]
pub(super) struct State {
    /// The segment to be made next, and its bytes.
    pub(super) wanted: Option<(u64, u64)>,
    pub(super) made: Option<Arc<dyn DiskFile>>,
    /// As many as the log had segments, at most.
    pub(super) retired: VecDeque<Retired>,
    /// Why there is no room for the segment wanted.
    shortage: Option<String>,
    /// Why else it could not be made.
    failure: Option<Failure>,
    prepared: u64,
    pub(super) closing: bool,
    /// Nobody makes segments any more.
    pub(super) ended: bool,
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

    /// Asks for a segment.
    pub(super) fn want(&self, segment: u64, bytes: u64) {
        self.want_in(&mut self.state.lock(), segment, bytes);
    }

    fn want_in(&self, state: &mut State, segment: u64, bytes: u64) {
        if state.wanted != Some((segment, bytes)) {
            state.wanted = Some((segment, bytes));
            self.work.notify_one();
        }
    }

    /// Takes note of an attempt.
    pub(super) fn note(&self, pool: &Pool, wanted: (u64, u64), made: io::Result<Arc<dyn DiskFile>>) {
        let (segment, bytes) = wanted;
        let mut state = self.state.lock();
        let (was_full, had_failed) = (state.shortage.is_some(), state.failure.is_some());
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
                if !had_failed {
                    tracing::warn!(%error, "cannot prepare a log segment; trying again");
                }
                state.failure = Some(Failure::new(&error));
            }
        }
        self.full.store(state.shortage.is_some(), Ordering::Release);
    }
}

impl Supply {
    /// See [`SegmentSource::take`]. Looks and asks under one lock: what is made in between would be asked for again.
    pub(super) fn take(
        &self,
        segment: u64,
        bytes: u64,
        segment_bytes: u64,
    ) -> io::Result<Option<Arc<dyn DiskFile>>> {
        let mut state = self.state.lock();
        // While a larger one is made in its place, the one that is ready must not be used: it will be replaced.
        let replaced = state.wanted.is_some_and(|(wanted, _)| wanted == segment);
        let size = state.made.as_ref().map(|file| file.size()).transpose()?;
        if !replaced && size.is_some_and(|size| size >= bytes) {
            self.want_in(&mut state, segment + 1, segment_bytes);
            return Ok(state.made.take());
        }
        if let Some(failure) = &state.failure {
            return Err(failure.to_io());
        }
        if state.ended {
            return Err(io::Error::other("the thread that prepares log segments has ended"));
        }
        self.want_in(&mut state, segment, bytes.max(segment_bytes));
        Ok(None)
    }

    /// See [`SegmentSource::retire`].
    pub(super) fn retire(&self, retired: Retired) {
        self.state.lock().retired.push_back(retired);
        self.work.notify_one();
    }
}
