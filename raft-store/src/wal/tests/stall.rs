//! The writer waits for room, and is woken.

use std::fmt;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use super::rig::{OPTIONS, Rig, entry};
use crate::wal::background::{Background, Inline};
use crate::wal::disk::DiskFile;
use crate::wal::memory::Memory;
use crate::wal::segment::{Pool, Retired};
use crate::wal::supply::{SegmentSource, Supply};
use crate::wal::testing::FaultyDisk;

/// Has each segment ready just after the writer heard that it is not, and wakes it before it waits.
struct Late {
    inline: Inline,
    ready: Option<Arc<dyn DiskFile>>,
    memory: Arc<Mutex<Memory>>,
}

impl fmt::Debug for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Late").field(&self.inline).finish()
    }
}

impl SegmentSource for Late {
    fn take(&mut self, segment: u64, bytes: u64) -> io::Result<Option<Arc<dyn DiskFile>>> {
        if self.ready.is_some() {
            return Ok(self.ready.take());
        }
        self.ready = self.inline.take(segment, bytes)?;
        self.memory.lock().retry = true;
        Ok(None)
    }

    fn retire(&mut self, retired: Retired) {
        self.inline.retire(retired);
    }

    fn is_full(&self) -> bool {
        self.inline.is_full()
    }
}

#[test]
fn a_writer_woken_before_it_waits_does_not_wait() {
    let late = |inline, memory| -> Box<dyn SegmentSource> { Box::new(Late { inline, ready: None, memory }) };
    let mut rig = Rig::open_behind(&FaultyDisk::default(), OPTIONS, late).unwrap();
    for index in 0..50 {
        rig.append(1, vec![entry(index, 100)]);
        if !rig.flush() {
            assert!(rig.memory.lock().has_work(), "nobody wakes it again");
            assert!(rig.flush());
        }
    }
    assert!(rig.segments() > 3, "no flush came too early");
}

#[test]
fn a_writer_without_room_waits_until_it_is_woken_or_more_comes() {
    let disk = FaultyDisk::default();
    disk.set_capacity(Some(2 * OPTIONS.segment_bytes as usize));
    let mut rig = Rig::open(&disk).unwrap();
    rig.append(1, vec![entry(0, 10_000)]);
    assert!(!rig.flush());
    let holds = |rig: &Rig| !rig.memory.lock().has_work();
    assert!(holds(&rig));
    rig.memory.lock().retry = true;
    assert!(!holds(&rig));
    assert!(!rig.flush() && holds(&rig), "one call lets it look once");
    rig.append(1, vec![entry(1, 10)]);
    assert!(!holds(&rig));
}

/// The threads: what is made just after the writer looked must not be asked for again.
#[test]
fn a_segment_is_made_once_however_often_it_is_asked_for() {
    let supply = Arc::<Supply>::default();
    let pool = Pool::new(Arc::new(FaultyDisk::default()), OPTIONS.salt, Vec::new(), &OPTIONS);
    let (bytes, wake) = (OPTIONS.segment_bytes, Box::new(|| ()));
    let mut source = Background::start(supply.clone(), pool, 1, bytes, wake).unwrap();
    for segment in 1..=1000 {
        while source.take(segment, bytes).unwrap().is_none() {
            std::hint::spin_loop();
        }
        assert!(supply.prepared() <= segment + 1, "segment {segment} was made twice");
    }
}
