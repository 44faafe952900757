//! Frames waiting to be written: bounded by number and by bytes. Pure.

use std::collections::VecDeque;

use super::frame::Frame;
use super::tuning::WRITE_BATCH_BYTES;

/// The queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

/// Frames in the order in which they will be written.
#[derive(Debug)]
pub(super) struct Queue {
    frames: VecDeque<Frame>,
    bytes: usize,
    messages_max: usize,
    bytes_max: usize,
}

impl Queue {
    /// An empty queue with these bounds.
    pub(super) fn new(messages_max: usize, bytes_max: usize) -> Self {
        Self { frames: VecDeque::new(), bytes: 0, messages_max, bytes_max }
    }

    /// Frames waiting.
    pub(super) fn len(&self) -> usize {
        self.frames.len()
    }

    /// Bytes waiting.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a frame at the end.
    pub(super) fn push(&mut self, frame: Frame) -> Result<(), Full> {
        let bytes = self.bytes + frame.wire_bytes();
        if self.frames.len() >= self.messages_max || bytes > self.bytes_max {
            return Err(Full);
        }
        self.bytes = bytes;
        self.frames.push_back(frame);
        Ok(())
    }

    /// Adds a small frame before all others, whatever the bounds: for the one that opens a connection.
    pub(super) fn push_first(&mut self, frame: Frame) {
        self.bytes += frame.wire_bytes();
        self.frames.push_front(frame);
    }

    /// Moves the next frames to `batch`, about [`WRITE_BATCH_BYTES`] of them; those `wanted` denies are dropped.
    pub(super) fn take(&mut self, batch: &mut Vec<Frame>, mut wanted: impl FnMut(&Frame) -> bool) {
        let mut taken = 0;
        while taken < WRITE_BATCH_BYTES
            && let Some(frame) = self.frames.pop_front()
        {
            self.bytes -= frame.wire_bytes();
            if wanted(&frame) {
                taken += frame.wire_bytes();
                batch.push(frame);
            }
        }
    }

    /// Drops everything.
    pub(super) fn clear(&mut self) {
        self.frames.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::frame::{HEADER_BYTES, Kind};
    use super::*;

    fn frame(call: u64, bytes: usize) -> Frame {
        Frame { kind: Kind::Call, service: 0, call, body: Bytes::from(vec![0; bytes]) }
    }

    #[test]
    fn both_bounds_hold_and_room_comes_back() {
        let mut queue = Queue::new(2, 2 * HEADER_BYTES + 10);
        assert_eq!(queue.push(frame(1, 5)), Ok(()));
        assert_eq!(queue.push(frame(2, 6)), Err(Full), "one byte too many");
        assert_eq!(queue.push(frame(2, 0)), Ok(()));
        assert_eq!(queue.push(frame(3, 0)), Err(Full), "one message too many");
        let mut batch = Vec::new();
        queue.take(&mut batch, |frame| frame.call != 1);
        assert_eq!((batch.len(), batch[0].call, queue.len(), queue.bytes()), (1, 2, 0, 0));
        assert_eq!(queue.push(frame(3, 10)), Ok(()));
    }

    #[test]
    fn a_batch_ends_after_about_a_megabyte() {
        let mut queue = Queue::new(10, usize::MAX);
        (0..3).for_each(|call| queue.push(frame(call, WRITE_BATCH_BYTES / 2)).unwrap());
        let mut batch = Vec::new();
        queue.take(&mut batch, |_| true);
        assert_eq!((batch.len(), queue.len()), (2, 1));
    }
}
