//! Segment files: made, zero-filled and removed, at once or by a small thread.
//!
//! A segment is filled under another name and renamed when it is complete and durable. So every file of
//! a segment's name is whole, and a header that does not check is damage.

use std::fmt::Debug;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::disk::{Disk, DiskFile};
use super::frame::{HEADER_BYTES, header, segment_name};
use super::options::{SEGMENT_REQUESTS_MAX, ZERO_FILL_CHUNK};

/// Ending of a segment that is not complete.
pub(super) const UNFINISHED_SUFFIX: &str = ".tmp";

/// Makes a segment of `bytes` zeros: its blocks are then allocated, and a sync of it writes data only.
pub(super) fn create(disk: &dyn Disk, segment: u64, bytes: u64) -> io::Result<Arc<dyn DiskFile>> {
    let name = segment_name(segment);
    let unfinished = format!("{name}{UNFINISHED_SUFFIX}");
    let file = disk.create(&unfinished)?;
    write_zeros(&*file, HEADER_BYTES as u64, bytes)?;
    file.write_at(0, &header(segment))?;
    file.sync_data()?;
    disk.rename(&unfinished, &name)?;
    disk.sync_dir()?;
    Ok(file)
}

/// Writes zeros over `from..to`, durably. It syncs as it goes, so that the log's own sync never has to wait
/// for a whole segment of zeros before it.
pub(super) fn write_zeros(file: &dyn DiskFile, from: u64, to: u64) -> io::Result<()> {
    let zeros = vec![0; ZERO_FILL_CHUNK.min(to.saturating_sub(from) as usize)];
    let mut at = from;
    while at < to {
        let len = (to - at).min(zeros.len() as u64);
        file.write_at(at, &zeros[..len as usize])?;
        file.sync_data()?;
        at += len;
    }
    Ok(())
}

/// Removes a segment, durably before the next one may go: a crash never leaves a gap.
pub(super) fn remove(disk: &dyn Disk, segment: u64) -> io::Result<()> {
    disk.remove(&segment_name(segment))?;
    disk.sync_dir()
}

/// Where the writer gets its segments from.
pub(super) trait SegmentSource: Debug + Send {
    /// The next segment. Its number is one more than the last one's.
    fn take(&mut self, segment: u64) -> io::Result<Arc<dyn DiskFile>>;
    /// Removes a segment nobody needs.
    fn remove(&mut self, segment: u64) -> io::Result<()>;
}

/// Makes and removes segments when asked: for tests and simulation.
#[cfg(test)]
#[derive(Debug)]
pub(super) struct Inline {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) segment_bytes: u64,
}

#[cfg(test)]
impl SegmentSource for Inline {
    fn take(&mut self, segment: u64) -> io::Result<Arc<dyn DiskFile>> {
        create(&*self.disk, segment, self.segment_bytes)
    }

    fn remove(&mut self, segment: u64) -> io::Result<()> {
        remove(&*self.disk, segment)
    }
}

enum Request {
    Create(u64),
    Remove(u64),
}

/// Makes the next segment ahead of time on a thread of its own, so that the writer need not wait.
#[derive(Debug)]
pub(super) struct Background {
    disk: Arc<dyn Disk>,
    segment_bytes: u64,
    requests: Option<SyncSender<Request>>,
    made: Receiver<io::Result<Arc<dyn DiskFile>>>,
    thread: Option<JoinHandle<()>>,
}

impl Background {
    /// Starts the thread; `next` is the segment it makes first.
    pub(super) fn start(disk: Arc<dyn Disk>, segment_bytes: u64, next: u64) -> io::Result<Self> {
        let (requests, inbox) = sync_channel(SEGMENT_REQUESTS_MAX);
        let (outbox, made) = sync_channel(1);
        let worker = Worker { disk: disk.clone(), segment_bytes, outbox };
        let thread = std::thread::Builder::new().name("wal-segments".into()).spawn(|| worker.run(inbox))?;
        let mut source = Self { disk, segment_bytes, requests: Some(requests), made, thread: Some(thread) };
        source.send(Request::Create(next))?;
        Ok(source)
    }

    fn send(&mut self, request: Request) -> io::Result<()> {
        let requests = self.requests.as_ref().ok_or_else(ended)?;
        requests.send(request).map_err(|_| ended())
    }
}

fn ended() -> io::Error {
    io::Error::other("the thread that prepares log segments has ended")
}

impl SegmentSource for Background {
    fn take(&mut self, segment: u64) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.made.recv().map_err(|_| ended())?;
        // A full disk may have been freed since: one more try now that the segment is needed.
        let file = file.or_else(|_| create(&*self.disk, segment, self.segment_bytes))?;
        self.send(Request::Create(segment + 1))?;
        Ok(file)
    }

    fn remove(&mut self, segment: u64) -> io::Result<()> {
        self.send(Request::Remove(segment))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            // It can only have panicked, which the panic hook has told.
            let _ = thread.join();
        }
    }
}

struct Worker {
    disk: Arc<dyn Disk>,
    segment_bytes: u64,
    outbox: SyncSender<io::Result<Arc<dyn DiskFile>>>,
}

impl Worker {
    fn run(self, inbox: Receiver<Request>) {
        let mut removing = true;
        for request in inbox {
            match request {
                Request::Create(segment) => {
                    let made = create(&*self.disk, segment, self.segment_bytes);
                    if self.outbox.send(made).is_err() {
                        return;
                    }
                }
                // After a failure none is removed until the next start: a gap must not open.
                Request::Remove(segment) if removing => {
                    if let Err(error) = remove(&*self.disk, segment) {
                        tracing::warn!(segment, %error, "cannot remove a log segment; the disk fills up");
                        removing = false;
                    }
                }
                Request::Remove(_) => {}
            }
        }
    }
}
