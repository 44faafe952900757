//! Reads segments whole, one after the other, into one buffer. A thread that reads ahead into a second one was tried and
//! measured to be slower, on two busy cores.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::disk::DiskFile;
use super::error::WalError;
use super::frame::segment_name;
use super::options::READ_CHUNK;
use super::recover::Progress;

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
    for ((&segment, file), size) in files.iter().zip(sizes) {
        for start in (0..size).step_by(READ_CHUNK) {
            let chunk = &mut buffer[start..size.min(start + READ_CHUNK)];
            file.read_at(start as u64, chunk).map_err(WalError::io(&segment_name(segment)))?;
            done += chunk.len() as u64;
            progress(done, all);
        }
        check(segment, &buffer[..size])?;
    }
    Ok(())
}
