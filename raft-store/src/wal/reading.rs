//! Reads segments whole, one after the other; the next one while the one before is being checked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender};

use super::disk::DiskFile;
use super::error::WalError;
use super::frame::segment_name;
use super::options::{READ_CHUNK, SEGMENTS_IN_MEMORY};
use super::recover::Progress;

/// A segment's file, and its bytes.
type Sized = (u64, Arc<dyn DiskFile>, usize);

/// What was read: so many bytes, and then all of a segment.
type Part = (usize, Option<(u64, Vec<u8>)>);

/// Hands the bytes of each of `files` to `check`, in order, until that fails.
pub(super) fn read_all(
    files: &BTreeMap<u64, Arc<dyn DiskFile>>,
    progress: Progress,
    mut check: impl FnMut(u64, &[u8]) -> Result<(), WalError>,
) -> Result<(), WalError> {
    let files = sizes(files)?;
    let all = files.iter().map(|(_, _, size)| *size as u64).sum();
    let (give_back, free) = mpsc::sync_channel(SEGMENTS_IN_MEMORY);
    for _ in 0..SEGMENTS_IN_MEMORY {
        // There is room for all of them.
        let _ = give_back.try_send(Vec::new());
    }
    let (send, parts) = mpsc::sync_channel(SEGMENTS_IN_MEMORY);
    std::thread::scope(|scope| {
        scope.spawn(move || read_ahead(files, &free, &send));
        // Owned here, so that the thread stops waiting for either when the check fails.
        let (parts, give_back, mut done) = (parts, give_back, 0);
        for part in &parts {
            let (bytes, segment) = part?;
            done += bytes as u64;
            progress(done, all);
            if let Some((number, bytes)) = segment {
                check(number, &bytes)?;
                // Nobody takes it when everything was read.
                let _ = give_back.try_send(bytes);
            }
        }
        Ok(())
    })
}

fn sizes(files: &BTreeMap<u64, Arc<dyn DiskFile>>) -> Result<Vec<Sized>, WalError> {
    let size = |(&segment, file): (&u64, &Arc<dyn DiskFile>)| {
        let size = file.size().map_err(WalError::io(&segment_name(segment)))?;
        Ok((segment, file.clone(), size as usize))
    };
    files.iter().map(size).collect()
}

/// Reads until there is no more, or nobody listens.
fn read_ahead(files: Vec<Sized>, free: &Receiver<Vec<u8>>, send: &SyncSender<Result<Part, WalError>>) {
    for (segment, file, size) in files {
        let Ok(mut buffer) = free.recv() else { return };
        buffer.resize(size, 0);
        for start in (0..size).step_by(READ_CHUNK) {
            let chunk = &mut buffer[start..size.min(start + READ_CHUNK)];
            let read = file.read_at(start as u64, chunk).map_err(WalError::io(&segment_name(segment)));
            if send.send(read.map(|()| (chunk.len(), None))).is_err() {
                return;
            }
        }
        if send.send(Ok((0, Some((segment, buffer))))).is_err() {
            return;
        }
    }
}
