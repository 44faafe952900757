//! Reads a log directory back into an [`Index`], and makes its end fit to be continued.
//!
//! A batch is written only after the one before it was synced. So a crash can spoil the last batch and
//! nothing else: the first place that holds no valid batch is the end of the log, unless a valid batch
//! stands anywhere behind it. Then it is damage, and the log is refused.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::disk::{Disk, DiskFile};
use super::error::WalError;
use super::frame::{self, ALIGN, Frame, HEADER_BYTES, segment_name, segment_of};
use super::index::Index;
use super::record::{Effect, effects};
use super::segment::{self, UNFINISHED_SUFFIX};

const FIRST_SEGMENT: u64 = 1;
const FIRST_BATCH: u64 = 1;

/// A log that was read back.
#[derive(Debug)]
pub(super) struct Recovered {
    /// What it holds.
    pub(super) index: Index,
    /// Its segments, the last one to be continued.
    pub(super) files: BTreeMap<u64, Arc<dyn DiskFile>>,
    /// Segment to be continued.
    pub(super) segment: u64,
    /// Where in it.
    pub(super) offset: u64,
    /// Number of the batch to be written there.
    pub(super) next_batch: u64,
}

/// Reads the log in `disk`; an empty directory gets a first segment of `segment_bytes`.
pub(super) fn recover(disk: &dyn Disk, segment_bytes: u64) -> Result<Recovered, WalError> {
    let segments = list(disk)?;
    let Some(&oldest) = segments.first() else {
        return empty(disk, segment_bytes);
    };
    let mut scan = Scan::new(oldest);
    let mut files = BTreeMap::new();
    for segment in segments {
        let name = segment_name(segment);
        let (file, bytes) = read(disk, &name).map_err(WalError::io(&name))?;
        frame::check_header(segment, &bytes)?;
        scan.segment(segment, bytes)?;
        files.insert(segment, file);
    }
    scan.finish()?;
    cut(disk, &scan, &mut files)?;
    let Scan { index, segment, offset, next_batch, .. } = scan;
    Ok(Recovered { index, files, segment, offset: offset as u64, next_batch })
}

fn empty(disk: &dyn Disk, segment_bytes: u64) -> Result<Recovered, WalError> {
    let file = segment::create(disk, FIRST_SEGMENT, segment_bytes)
        .map_err(WalError::io(&segment_name(FIRST_SEGMENT)))?;
    Ok(Recovered {
        index: Index::default(),
        files: BTreeMap::from([(FIRST_SEGMENT, file)]),
        segment: FIRST_SEGMENT,
        offset: HEADER_BYTES as u64,
        next_batch: FIRST_BATCH,
    })
}

/// The segments there are, in order; removes those that were being made.
fn list(disk: &dyn Disk) -> Result<Vec<u64>, WalError> {
    let names = disk.list().map_err(WalError::io("the log directory"))?;
    for name in names.iter().filter(|name| name.ends_with(UNFINISHED_SUFFIX)) {
        disk.remove(name).map_err(WalError::io(name))?;
    }
    let mut segments: Vec<u64> = names.iter().filter_map(|name| segment_of(name)).collect();
    segments.sort_unstable();
    for pair in segments.windows(2) {
        if pair[1] != pair[0] + 1 {
            return Err(WalError::MissingSegment { file: segment_name(pair[0] + 1) });
        }
    }
    Ok(segments)
}

fn read(disk: &dyn Disk, name: &str) -> io::Result<(Arc<dyn DiskFile>, Bytes)> {
    let file = disk.open(name)?;
    let size = usize::try_from(file.size()?).map_err(io::Error::other)?;
    let mut bytes = vec![0; size];
    file.read_at(0, &mut bytes)?;
    Ok((file, bytes.into()))
}

/// The log as far as it was read.
#[derive(Debug)]
struct Scan {
    index: Index,
    oldest: u64,
    /// Segment and offset behind the last valid batch.
    segment: u64,
    offset: usize,
    next_batch: u64,
    /// Start and bytes of the last valid batch.
    last: Option<(usize, Bytes)>,
    /// The first place that holds something, but no valid batch.
    broken: Option<(u64, usize)>,
}

impl Scan {
    fn new(oldest: u64) -> Self {
        Self {
            index: Index::default(),
            oldest,
            segment: oldest,
            offset: HEADER_BYTES,
            next_batch: FIRST_BATCH,
            last: None,
            broken: None,
        }
    }

    fn segment(&mut self, segment: u64, bytes: Bytes) -> Result<(), WalError> {
        let mut at = HEADER_BYTES;
        while let Some(frame) = frame::parse(segment, &bytes, at) {
            self.batch(segment, at, frame, &bytes)?;
            at = frame.end;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        if rest.iter().any(|&byte| byte != 0) {
            let later =
                (at..bytes.len()).step_by(ALIGN).any(|at| frame::parse(segment, &bytes, at).is_some());
            if later {
                return Err(corrupt(segment, at, "no valid batch here, but one behind it"));
            }
            self.broken.get_or_insert((segment, at));
        }
        Ok(())
    }

    fn batch(&mut self, segment: u64, at: usize, frame: Frame, bytes: &Bytes) -> Result<(), WalError> {
        if let Some((segment, at)) = self.broken {
            return Err(corrupt(segment, at, "no valid batch here, but one in a later segment"));
        }
        let records = bytes.slice(frame.records..frame.records_end);
        let effects = effects(segment, frame.records as u64, records)
            .map_err(|_| corrupt(segment, at, "a valid batch with unknown records"))?;
        if self.last.is_none() {
            self.check_first(segment, &effects)?;
        } else if frame.batch != self.next_batch {
            return Err(corrupt(self.segment, self.offset, "a batch is missing here"));
        }
        effects.into_iter().for_each(|effect| self.index.apply(effect));
        self.next_batch = frame.batch + 1;
        (self.segment, self.offset) = (segment, frame.end);
        self.last = Some((at, bytes.slice(at..frame.records_end)));
        Ok(())
    }

    /// The oldest batch must name every vote: those of removed segments are nowhere else.
    fn check_first(&self, segment: u64, effects: &[Effect]) -> Result<(), WalError> {
        if segment == self.oldest && effects.first() == Some(&Effect::Checkpoint) {
            return Ok(());
        }
        Err(corrupt(self.oldest, HEADER_BYTES, "the oldest segment does not start with a checkpoint"))
    }

    fn finish(&self) -> Result<(), WalError> {
        if self.last.is_none() && self.oldest != FIRST_SEGMENT {
            return Err(corrupt(self.oldest, HEADER_BYTES, "the oldest segment has no valid batch"));
        }
        self.index.check()
    }
}

fn corrupt(segment: u64, offset: usize, what: &'static str) -> WalError {
    WalError::Corrupt { file: segment_name(segment), offset: offset as u64, what }
}

/// Removes what stands behind the last valid batch, and makes that batch and the names of all segments
/// durable: the process before this one may have been killed just before it did.
///
/// It is written once more before the sync: after a failed sync the kernel may show it in its cache
/// although the disk never got it, and a sync alone would not write it again.
fn cut(disk: &dyn Disk, scan: &Scan, files: &mut BTreeMap<u64, Arc<dyn DiskFile>>) -> Result<(), WalError> {
    for (segment, _) in files.split_off(&(scan.segment + 1)).into_iter().rev() {
        segment::remove(disk, segment).map_err(WalError::io(&segment_name(segment)))?;
    }
    disk.sync_dir().map_err(WalError::io("the log directory"))?;
    let Some(file) = files.get(&scan.segment) else { return Ok(()) };
    let renew = || {
        if let Some((at, batch)) = &scan.last {
            file.write_at(*at as u64, batch)?;
        }
        if let Some((segment, at)) = scan.broken {
            tracing::warn!(file = segment_name(segment), at, "cutting a torn batch off the end of the log");
            segment::write_zeros(&**file, scan.offset as u64, file.size()?)?;
        }
        file.sync_data()
    };
    renew().map_err(WalError::io(&segment_name(scan.segment)))
}
