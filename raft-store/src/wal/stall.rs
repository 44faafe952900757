//! Whether the writer waits for room. It must be able to miss no call to look again: the thread that makes room calls
//! while the writer is still finding out that there was none.

/// When the writer looks, waits and is woken; in the order the memory's lock gives.
#[derive(Debug, Default)]
pub(super) struct Stall {
    /// It waits, since this operation was the last one enqueued.
    at: Option<u64>,
    /// It was woken since it looked last.
    woken: bool,
}

impl Stall {
    /// The writer takes all that waits, and looks whether there is room.
    pub(super) fn look(&mut self) {
        self.woken = false;
    }

    /// There was none, with `enqueued` the last operation: the writer waits, unless there may be room by now.
    pub(super) fn wait(&mut self, enqueued: u64) {
        self.at = Some(enqueued).filter(|_| !self.woken);
    }

    /// There may be room.
    pub(super) fn wake(&mut self) {
        *self = Self { at: None, woken: true };
    }

    /// Whether the writer waits, with `enqueued` the last operation: a later one might go ahead.
    pub(super) fn holds(&self, enqueued: u64) -> bool {
        self.at == Some(enqueued)
    }
}
