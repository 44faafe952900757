//! Reads a log directory back into an [`Index`], and makes its end fit to be continued.
//!
//! A batch is written only after the one before it was synced. So a crash can spoil the last batch and
//! nothing else, and an intact head of a batch proves that all before it were whole on disk. The log ends at the
//! first place that holds no valid batch, unless the head of a later batch is anywhere behind it: then it is damage,
//! and the log is refused. A last batch that is damaged cannot be told from one that was torn; the log
//! writes an empty batch behind it when it is idle or closed (`writer`), and from then on it is no longer the last.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use super::disk::{Disk, DiskFile};
use super::error::WalError;
use super::frame::{
    self, FRAME_BYTES, Frame, HEADER_BYTES, Home, check_header, next_head, segment_name, segment_of,
};
use super::index::Index;
use super::options::{SEGMENT_NUMBER_MAX, WalOptions};
use super::reading::read_all;
use super::record::{Effect, for_each_effect, groups_in, starts_with_checkpoint};
use super::segment::{self, SPARE_SUFFIX, UNFINISHED_SUFFIX};
use crate::GroupId;

const FIRST_SEGMENT: u64 = 1;
const FIRST_BATCH: u64 = 1;

/// Told how many bytes of how many were read.
pub(super) type Progress<'a> = &'a dyn Fn(u64, u64);

/// A log that was read back.
#[derive(Debug)]
pub(super) struct Recovered {
    /// What it holds.
    pub(super) index: Index,
    /// Its segments, the last one to be continued.
    pub(super) files: BTreeMap<u64, Arc<dyn DiskFile>>,
    /// Its salt, and the segment to be continued.
    pub(super) home: Home,
    /// Where in it.
    pub(super) offset: u64,
    /// Number of the batch to be written there.
    pub(super) next_batch: u64,
    /// The last batch is an empty one.
    pub(super) sealed: bool,
    /// The segment behind the last one, which holds nothing yet.
    pub(super) prepared: Option<Arc<dyn DiskFile>>,
    /// Names of files that may become segments.
    pub(super) spares: Vec<String>,
}

/// Reads the log in `disk`; an empty directory gets a first segment.
pub(super) fn recover(
    disk: &dyn Disk,
    options: &WalOptions,
    progress: Progress,
) -> Result<Recovered, WalError> {
    let (segments, spares) = list(disk)?;
    let Some(&oldest) = segments.first() else {
        return empty(disk, spares, options);
    };
    let mut files = BTreeMap::new();
    for segment in segments {
        let name = segment_name(segment);
        files.insert(segment, disk.open(&name).map_err(WalError::io(&name))?);
    }
    let mut scan = Scan::new(oldest);
    read_all(&files, progress, |segment, bytes| scan.segment(segment, bytes))?;
    scan.finish()?;
    let prepared = cut(disk, &scan, &mut files, options.segment_bytes)?;
    let Scan { index, home, offset, next_batch, last, .. } = scan;
    let sealed = last.is_some_and(|(from, to)| to - from == FRAME_BYTES);
    Ok(Recovered { index, files, home, offset: offset as u64, next_batch, sealed, prepared, spares })
}

fn empty(disk: &dyn Disk, spares: Vec<String>, options: &WalOptions) -> Result<Recovered, WalError> {
    for spare in spares {
        disk.remove(&spare).map_err(WalError::io(&spare))?;
    }
    let home = Home { salt: options.salt, segment: FIRST_SEGMENT };
    let file = segment::create(disk, home, options.segment_bytes)
        .map_err(WalError::io(&segment_name(FIRST_SEGMENT)))?;
    Ok(Recovered {
        index: Index::default(),
        files: BTreeMap::from([(FIRST_SEGMENT, file)]),
        home,
        offset: HEADER_BYTES as u64,
        next_batch: FIRST_BATCH,
        sealed: false,
        prepared: None,
        spares: Vec::new(),
    })
}

/// The segments there are, in order, and the spares; removes segments that were being made.
fn list(disk: &dyn Disk) -> Result<(Vec<u64>, Vec<String>), WalError> {
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
    Ok((segments, names.into_iter().filter(|name| name.ends_with(SPARE_SUFFIX)).collect()))
}

/// The log as far as it was read.
#[derive(Debug)]
struct Scan {
    index: Index,
    oldest: u64,
    /// Where the log ends: segment and offset behind the last valid batch.
    home: Home,
    offset: usize,
    next_batch: u64,
    /// Start and end of the last valid batch.
    last: Option<(usize, usize)>,
    /// The first place with an intact head but no valid batch: a torn one, unless something follows.
    broken: Option<(u64, usize)>,
    /// The highest number an intact head has.
    newest: u64,
    /// Groups whose records can be read behind the last valid batch of a segment, for the message if that is damage.
    groups: BTreeMap<u64, Vec<GroupId>>,
}

impl Scan {
    fn new(oldest: u64) -> Self {
        Self {
            index: Index::default(),
            oldest,
            home: Home { salt: 0, segment: oldest },
            offset: HEADER_BYTES,
            next_batch: FIRST_BATCH,
            last: None,
            broken: None,
            newest: 0,
            groups: BTreeMap::new(),
        }
    }

    fn segment(&mut self, segment: u64, bytes: &[u8]) -> Result<(), WalError> {
        if segment > SEGMENT_NUMBER_MAX || u32::try_from(bytes.len()).is_err() {
            return Err(corrupt(segment, 0, "no log makes a segment so large, or so many of them"));
        }
        let home = check_header(segment, bytes)?;
        if segment == self.oldest {
            self.home = home;
        } else if home.salt != self.home.salt {
            return Err(corrupt(segment, 0, "a segment of another log"));
        }
        let mut at = HEADER_BYTES;
        while let Some(frame) = frame::parse(home, bytes, at) {
            self.batch(home, at, frame, bytes)?;
            at = frame.end;
        }
        self.rest(home, at, bytes)
    }

    fn batch(&mut self, home: Home, at: usize, frame: Frame, bytes: &[u8]) -> Result<(), WalError> {
        let segment = home.segment;
        let records = &bytes[frame.records..frame.records_end];
        if let Some((segment, at)) = self.broken {
            return Err(self.damage(segment, at, "no valid batch here, but one in a later segment"));
        }
        if self.last.is_none() && !(segment == self.oldest && starts_with_checkpoint(records)) {
            // The oldest batch must name every vote: those of removed segments are nowhere else.
            return Err(corrupt(
                self.oldest,
                HEADER_BYTES,
                "the oldest segment does not start with a checkpoint",
            ));
        }
        if self.last.is_some() && frame.batch != self.next_batch {
            return Err(self.damage(self.home.segment, self.offset, "a batch is missing here"));
        }
        let index = &mut self.index;
        let apply = |effect| {
            if !(mutant!(ForgetVote) && matches!(effect, Effect::Vote { .. })) {
                index.apply(effect);
            }
        };
        for_each_effect(segment, frame.records as u64, records, apply).map_err(|error| {
            corrupt(segment, at, format!("a valid batch with a record that is none: {error}"))
        })?;
        self.next_batch = frame.batch + 1;
        self.newest = self.newest.max(frame.batch);
        (self.home, self.offset) = (home, frame.end);
        self.last = Some((at, frame.records_end));
        Ok(())
    }

    /// Looks at what is behind a segment's last valid batch: nothing, what an earlier use left, or damage.
    fn rest(&mut self, home: Home, at: usize, bytes: &[u8]) -> Result<(), WalError> {
        self.groups.insert(home.segment, groups_in(bytes.get(at + FRAME_BYTES..).unwrap_or_default()));
        let mut from = at;
        while let Some((found, head)) = next_head(home, bytes, from) {
            if found > at {
                return Err(self.damage(home.segment, at, "no valid batch here, but one behind it"));
            }
            self.newest = self.newest.max(head.batch);
            self.broken.get_or_insert((home.segment, at));
            from = found + frame::ALIGN;
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), WalError> {
        if self.newest > self.next_batch {
            return Err(self.damage(self.home.segment, self.offset, "a batch is missing here"));
        }
        if self.last.is_none() && self.oldest != FIRST_SEGMENT {
            return Err(corrupt(self.oldest, HEADER_BYTES, "the oldest segment has no valid batch"));
        }
        self.index.check()
    }

    /// Damage at a place that should hold a batch, with the groups its readable records name.
    fn damage(&self, segment: u64, offset: usize, what: &str) -> WalError {
        match self.groups.get(&segment).filter(|groups| !groups.is_empty()) {
            Some(groups) => {
                corrupt(segment, offset, format!("{what}; records of groups {groups:?} can be read there"))
            }
            None => corrupt(segment, offset, what.to_owned()),
        }
    }
}

fn corrupt(segment: u64, offset: usize, what: impl Into<std::borrow::Cow<'static, str>>) -> WalError {
    WalError::Corrupt { file: segment_name(segment), offset: offset as u64, what: what.into() }
}

/// Removes what stands behind the last valid batch, and makes that batch and the names of all segments
/// durable: the process before this one may have been killed just before it did. Keeps the next segment if it was
/// prepared: on a full disk there might be no other.
///
/// The batch is written once more before the sync: after a failed sync the kernel may show it in its cache
/// although the disk never got it, and a sync alone would not write it again.
fn cut(
    disk: &dyn Disk,
    scan: &Scan,
    files: &mut BTreeMap<u64, Arc<dyn DiskFile>>,
    segment_bytes: u64,
) -> Result<Option<Arc<dyn DiskFile>>, WalError> {
    let mut prepared = None;
    for (segment, file) in files.split_off(&(scan.home.segment + 1)).into_iter().rev() {
        let name = segment_name(segment);
        let whole = file.size().map_err(WalError::io(&name))? >= segment_bytes;
        if segment == scan.home.segment + 1 && whole {
            let blanked = segment::blank(&*file, HEADER_BYTES as u64).and_then(|()| file.sync_data());
            blanked.map_err(WalError::io(&name))?;
            prepared = Some(file);
        } else {
            segment::remove(disk, segment).map_err(WalError::io(&name))?;
        }
    }
    disk.sync_dir().map_err(WalError::io("the log directory"))?;
    if let Some(file) = files.get(&scan.home.segment) {
        renew(scan, &**file).map_err(WalError::io(&segment_name(scan.home.segment)))?;
    }
    Ok(prepared)
}

fn renew(scan: &Scan, file: &dyn DiskFile) -> io::Result<()> {
    if let Some((from, to)) = scan.last {
        let mut batch = vec![0; to - from];
        file.read_at(from as u64, &mut batch)?;
        file.write_at(from as u64, &batch)?;
    }
    if let Some((segment, at)) = scan.broken {
        tracing::warn!(file = segment_name(segment), at, "cutting a torn batch off the end of the log");
    }
    segment::blank(file, scan.offset as u64)?;
    file.sync_data()
}
