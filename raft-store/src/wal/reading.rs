//! Reads segments whole, one after the other, into one buffer; two threads share the work, most of which is copying from
//! the system's cache. A thread that reads the next segment into a second buffer, while this one is checked, was tried and
//! measured to be slower, on two busy cores.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::thread;

use super::disk::DiskFile;
use super::error::WalError;
use super::frame::segment_name;
use super::options::{READ_CHUNK, READ_THREADS};
use super::recover::Progress;
use crate::blocking::{cores, in_place};

/// Hands the bytes of each of `files` to `check`, in order, until that fails.
pub(super) fn read_all(
    files: &BTreeMap<u64, Arc<dyn DiskFile>>,
    progress: Progress,
    mut check: impl FnMut(u64, &[u8]) -> Result<(), WalError>,
) -> Result<(), WalError> {
    let size = |(&segment, file): (&u64, &Arc<dyn DiskFile>)| {
        Ok(file.size().map_err(WalError::io(&segment_name(segment)))? as usize)
    };
    let sizes = files.iter().map(size).collect::<Result<Vec<usize>, WalError>>()?;
    let all = sizes.iter().map(|&size| size as u64).sum();
    let mut done = 0;
    let mut buffer = vec![0; sizes.iter().copied().max().unwrap_or_default()];
    let threads = if in_place() { 1 } else { cores().min(READ_THREADS) };
    for ((&segment, file), size) in files.iter().zip(sizes) {
        let mut start = 0;
        for part in buffer[..size].chunks_mut(threads * READ_CHUNK) {
            done += part.len() as u64;
            let len = part.len();
            read(&**file, start, part, READ_CHUNK).map_err(WalError::io(&segment_name(segment)))?;
            start += len as u64;
            progress(done, all);
        }
        check(segment, &buffer[..size])?;
    }
    Ok(())
}

/// Fills `part` from `start` on: each chunk on a thread, the last one on this.
fn read(file: &dyn DiskFile, start: u64, part: &mut [u8], chunk_bytes: usize) -> io::Result<()> {
    let mut chunks: Vec<(u64, &mut [u8])> =
        (start..).step_by(chunk_bytes).zip(part.chunks_mut(chunk_bytes)).collect();
    let own = chunks.pop();
    thread::scope(|scope| {
        let others = chunks.into_iter().map(|(at, chunk)| scope.spawn(move || file.read_at(at, chunk)));
        let others: Vec<_> = others.collect();
        let own = own.map_or(Ok(()), |(at, chunk)| file.read_at(at, chunk));
        let panicked = |_| Err(io::Error::other("a thread that reads the log panicked"));
        others.into_iter().try_for_each(|other| other.join().unwrap_or_else(panicked)).and(own)
    })
}

#[cfg(test)]
mod tests {
    use super::super::disk::Disk;
    use super::super::testing::FaultyDisk;
    use super::*;

    #[test]
    fn threads_fill_one_part_together_or_fail() {
        let bytes: Vec<u8> = (0..1000_u32).map(|n| (n * n / 7) as u8).collect();
        let file = FaultyDisk::default().create("file").unwrap();
        file.write_at(0, &bytes).unwrap();
        for (start, len) in [(0, 1000), (1, 64), (100, 65), (999, 1), (1000, 0)] {
            let mut part = vec![0; len];
            read(&*file, start as u64, &mut part, 64).unwrap();
            assert_eq!(part, bytes[start..start + len], "{len} bytes from {start} on");
        }
        for (start, len) in [(0, 1001), (990, 64), (1000, 1)] {
            assert!(read(&*file, start, &mut vec![0; len], 64).is_err(), "{len} bytes from {start} on");
        }
    }
}
