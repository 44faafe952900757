//! Segment files: made, used again and removed.
//!
//! A segment is filled under another name and renamed when it is complete and durable. So every file of
//! a segment's name is whole, and a header that does not check is damage.
//!
//! One that nobody needs becomes a spare, and later a segment of a higher number: its blocks are allocated and
//! written, so neither room nor zeros are needed again. What it held before is no danger: those batches name a lower
//! segment, and no number is given twice.

use std::io;
use std::sync::Arc;

use super::disk::{Disk, DiskFile};
use super::error::{is_no_room, while_doing};
use super::frame::{FRAME_BYTES, HEADER_BYTES, Home, header, segment_name};
use super::options::{WalOptions, ZERO_FILL_CHUNK};

/// Ending of a segment that is not complete.
pub(super) const UNFINISHED_SUFFIX: &str = ".tmp";
/// Ending of a file that waits to become a segment again.
pub(super) const SPARE_SUFFIX: &str = ".spare";

/// Makes and removes the segments of one log.
#[derive(Debug)]
pub(super) struct Pool {
    disk: Arc<dyn Disk>,
    salt: u64,
    segment_bytes: u64,
    /// Spares are kept as long as there are no more files than this in all.
    files_max: usize,
    spares: Vec<String>,
}

/// A segment nobody needs any more.
#[derive(Debug)]
pub(super) struct Retired {
    /// Its number.
    pub(super) segment: u64,
    /// The log's handle. Readers may have others.
    pub(super) file: Arc<dyn DiskFile>,
    /// Segments the log still has.
    pub(super) in_use: usize,
}

impl Pool {
    /// The files of a log of this `salt`; takes the `spares` an earlier process left.
    pub(super) fn new(disk: Arc<dyn Disk>, salt: u64, spares: Vec<String>, options: &WalOptions) -> Self {
        let WalOptions { segment_bytes, segments_max, .. } = *options;
        Self { disk, salt, segment_bytes, files_max: segments_max, spares }
    }

    /// The next segment, of at least `bytes`: complete, durable, and without a head of its own number in it.
    pub(super) fn prepare(&mut self, segment: u64, bytes: u64) -> io::Result<Arc<dyn DiskFile>> {
        let home = Home { salt: self.salt, segment };
        if bytes <= self.segment_bytes {
            while let Some(spare) = self.spares.pop() {
                match renew(&*self.disk, &spare, home, self.segment_bytes) {
                    Ok(file) => return Ok(file),
                    Err(error) => {
                        tracing::warn!(file = spare, %error, "cannot use a log segment again");
                        self.give_up(&spare);
                    }
                }
            }
        }
        let bytes = bytes.max(self.segment_bytes);
        match create(&*self.disk, home, bytes) {
            Err(error) if is_no_room(&error) && !self.spares.is_empty() => {
                for spare in std::mem::take(&mut self.spares) {
                    self.give_up(&spare);
                }
                create(&*self.disk, home, bytes)
            }
            made => made,
        }
    }

    fn give_up(&self, name: &str) {
        if let Err(error) = self.disk.remove(name) {
            tracing::warn!(file = name, %error, "cannot remove a spare log segment; the next start does");
        }
    }

    /// Keeps a segment as a spare, or removes it; durably before the next one may go: a crash never leaves a gap.
    ///
    /// One that somebody may still read is removed: who has it open keeps its bytes.
    pub(super) fn retire(&mut self, retired: Retired) -> io::Result<()> {
        let Retired { segment, file, in_use } = retired;
        let name = segment_name(segment);
        // The log gives out no more handles of it, so one is never to become two.
        let unread = Arc::strong_count(&file) == 1;
        let files = in_use + self.spares.len() + 1;
        if !unread || files >= self.files_max || file.size()? != self.segment_bytes {
            return remove(&*self.disk, segment);
        }
        let spare = format!("{name}{SPARE_SUFFIX}");
        self.disk.rename(&name, &spare)?;
        self.disk.sync_dir()?;
        self.spares.push(spare);
        Ok(())
    }

    /// Why there is no next segment of `bytes`, and how much room is missing.
    pub(super) fn shortage(&self, bytes: u64, error: &io::Error) -> String {
        let needed = bytes.max(self.segment_bytes);
        match self.disk.free_bytes() {
            Ok(free) => {
                let missing = needed.saturating_sub(free);
                format!(
                    "the next log segment needs {needed} bytes, {free} are free, {missing} are missing ({error})"
                )
            }
            Err(_) => format!("the next log segment needs {needed} bytes ({error})"),
        }
    }
}

/// Makes a segment of `bytes` zeros: its blocks are then allocated, and a sync of it writes data only. Gives its room
/// back if there is too little.
pub(super) fn create(disk: &dyn Disk, home: Home, bytes: u64) -> io::Result<Arc<dyn DiskFile>> {
    let name = segment_name(home.segment);
    let unfinished = format!("{name}{UNFINISHED_SUFFIX}");
    let make = || {
        let file = disk.create(&unfinished)?;
        file.allocate(bytes)?;
        write_zeros(&*file, HEADER_BYTES as u64, bytes)?;
        file.write_at(0, &header(home))?;
        file.sync_data()?;
        disk.rename(&unfinished, &name)?;
        disk.sync_dir()?;
        Ok(file)
    };
    make().inspect_err(|_| {
        // A file that stays is emptied by the next attempt, or removed by the next start.
        let _ = disk.remove(&unfinished);
    })
}

/// Makes a spare of `bytes` the segment `home`.
fn renew(disk: &dyn Disk, spare: &str, home: Home, bytes: u64) -> io::Result<Arc<dyn DiskFile>> {
    let file = disk.open(spare)?;
    if file.size()? != bytes {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "segments have another size now"));
    }
    file.write_at(0, &header(home))?;
    blank(&*file, HEADER_BYTES as u64)?;
    file.sync_data()?;
    disk.rename(spare, &segment_name(home.segment))?;
    disk.sync_dir()?;
    Ok(file)
}

/// Takes away the head at `offset`, if there is one; durable with the file's next sync.
pub(super) fn blank(file: &dyn DiskFile, offset: u64) -> io::Result<()> {
    let len = file.size()?.saturating_sub(offset).min(FRAME_BYTES as u64);
    file.write_at(offset, &[0; FRAME_BYTES][..len as usize])
}

/// Writes zeros over `from..to`, durably. It syncs as it goes, so that the log's own sync never has to wait
/// for a whole segment of zeros before it.
fn write_zeros(file: &dyn DiskFile, from: u64, to: u64) -> io::Result<()> {
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
    let name = segment_name(segment);
    disk.remove(&name).and_then(|()| disk.sync_dir()).map_err(while_doing(format!("removing {name}")))
}
