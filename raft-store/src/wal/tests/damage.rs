//! Damage that no crash explains is refused, by file and offset, and never served.

use super::rig::{OPTIONS, Rig, entry, id};
use crate::wal::WalError;
use crate::wal::disk::Disk;
use crate::wal::frame::{self, FRAME_BYTES, HEADER_BYTES, Home, parse, segment_name};
use crate::wal::memory::Change;
use crate::wal::options::WalOptions;
use crate::wal::record::Entry;
use crate::wal::testing::{Chance, Fault, FaultyDisk};

/// A log of several batches in several segments, none of them purged or moved.
fn log(batches: u64) -> FaultyDisk {
    let disk = FaultyDisk::default();
    let mut rig = Rig::open_with(&disk, WalOptions { segments_max: 100, ..OPTIONS }).unwrap();
    for index in 0..batches {
        rig.append(1, vec![entry(index, 100)]);
        assert!(rig.flush());
    }
    disk
}

fn batches(disk: &FaultyDisk, segment: u64) -> Vec<(usize, usize)> {
    let bytes = disk.bytes(&segment_name(segment));
    let next =
        |at: usize| parse(Home { salt: OPTIONS.salt, segment }, &bytes, at).map(|frame| (at, frame.end));
    std::iter::successors(next(HEADER_BYTES), |&(_, end)| next(end)).collect()
}

#[test]
fn a_flipped_bit_is_refused_with_file_and_offset() {
    for batch in 0..3 {
        let (start, _) = batches(&log(40), 1)[batch];
        for bit in (0..150 * 8).step_by(7) {
            let disk = log(40);
            disk.flip(&segment_name(1), start * 8 + bit);
            match Rig::open(&disk).map(|_| ()) {
                Err(WalError::Corrupt { file, offset, .. }) => {
                    assert_eq!((file, offset), (segment_name(1), start as u64), "bit {bit}");
                }
                other => panic!("bit {bit} of batch {batch}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_flipped_bit_in_the_last_segment_is_refused_when_a_batch_follows() {
    let disk = log(5);
    let (start, _) = batches(&disk, 1)[3];
    disk.flip(&segment_name(1), (start + 40) * 8);
    let error = Rig::open(&disk).map(|_| ()).unwrap_err();
    assert!(matches!(error, WalError::Corrupt { offset, .. } if offset == start as u64), "{error}");
}

/// A file that was a segment before is full of what it held then.
#[test]
fn what_is_behind_the_last_batch_of_a_segment_is_never_read() {
    let disk = log(40);
    let whole = Rig::open(&disk).unwrap().state();
    let &(_, end) = batches(&disk, 1).last().unwrap();
    disk.flip(&segment_name(1), (end + 9) * 8);
    assert_eq!(Rig::open(&disk).unwrap().state(), whole);
}

#[test]
fn the_last_batch_of_a_segment_is_missed_when_a_later_segment_goes_on() {
    let disk = log(40);
    let &(start, _) = batches(&disk, 1).last().unwrap();
    disk.flip(&segment_name(1), (start + 40) * 8);
    let error = Rig::open(&disk).map(|_| ()).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{} is damaged at byte {start}", segment_name(1))), "{error}");
}

#[test]
fn a_zeroed_batch_between_others_is_missed() {
    let disk = log(40);
    let &(start, end) = batches(&disk, 1).last().unwrap();
    let file = disk.open(&segment_name(1)).unwrap();
    file.write_at(start as u64, &vec![0; end - start]).unwrap();
    let error = Rig::open(&disk).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains(&format!("{} is damaged at byte {start}", segment_name(1))), "{error}");
}

#[test]
fn a_missing_segment_is_refused() {
    let disk = log(60);
    disk.remove(&segment_name(2)).unwrap();
    let error = Rig::open(&disk).map(|_| ()).unwrap_err();
    assert!(matches!(error, WalError::MissingSegment { file } if file == segment_name(2)));
}

/// All that is left is a segment without its first batch: the votes are lost.
#[test]
fn a_lost_checkpoint_is_refused() {
    let disk = log(60);
    for name in disk.list().unwrap().into_iter().filter(|name| *name != segment_name(2)) {
        disk.remove(&name).unwrap();
    }
    assert!(Rig::open(&disk).is_ok());
    let file = disk.open(&segment_name(2)).unwrap();
    file.write_at(HEADER_BYTES as u64, &[0; 2000]).unwrap();
    let error = Rig::open(&disk).map(|_| ()).unwrap_err();
    assert!(matches!(error, WalError::Corrupt { offset: 32, .. }), "{error}");
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let disk = log(1);
    disk.flip(&segment_name(1), 8 * 8);
    let error = Rig::open(&disk).map(|_| ()).unwrap_err();
    assert!(
        matches!(error, WalError::UnknownVersion { file, version: 3, known: 2 } if file == segment_name(1))
    );
}

#[test]
fn a_torn_batch_is_cut_and_its_rest_never_read_again() {
    for seed in 1..60 {
        let disk = log(3);
        let mut rig = Rig::open(&disk).unwrap();
        disk.fault_at(1, Fault::PowerLoss);
        rig.append(1, vec![entry(3, 900)]);
        assert!(!rig.flush());
        let disk = disk.crash(&mut Chance(seed));
        let mut rig = Rig::open(&disk).unwrap();
        let kept = rig.read(1).unwrap().len() as u64;
        assert!(kept == 3 || kept == 4);
        for (index, len) in [(kept, 10), (kept + 1, 1500)] {
            rig.append(1, vec![entry(index, len)]);
            assert!(rig.flush());
        }
        assert_eq!(rig.segments(), 2, "what was torn is in an old segment now");
        let again = Rig::open(&disk).unwrap().read(1).unwrap();
        assert_eq!(again.len() as u64, kept + 2, "seed {seed}");
    }
}

#[test]
fn a_damaged_entry_is_never_served() {
    let disk = FaultyDisk::default();
    let mut rig = Rig::open_with(&disk, WalOptions { cache_bytes: 0, ..OPTIONS }).unwrap();
    rig.append(1, vec![entry(0, 100)]);
    assert!(rig.flush());
    let (start, _) = batches(&disk, 1)[0];
    disk.flip(&segment_name(1), (start + 100) * 8);
    assert_eq!(rig.read(1).unwrap_err().kind(), std::io::ErrorKind::InvalidData);
}

/// The one place where damage looks like a crash; the empty batch behind it ends that.
#[test]
fn damage_to_the_last_batch_is_known_once_an_empty_one_is_behind_it() {
    for sealed in [false, true] {
        let disk = FaultyDisk::default();
        let mut rig = Rig::open(&disk).unwrap();
        for index in 0..3 {
            rig.append(4, vec![entry(index, 20)]);
            assert!(rig.flush());
        }
        let last = *batches(&disk, 1).last().unwrap();
        if sealed {
            rig.writer.seal(&rig.memory).complete();
            rig.writer.seal(&rig.memory).complete();
            assert_eq!(batches(&disk, 1).len(), 4, "one is enough");
        }
        disk.flip(&segment_name(1), (last.1 - 12) * 8);
        match Rig::open(&disk) {
            Ok(rig) => assert!(!sealed && rig.read(4).unwrap().len() == 2),
            Err(WalError::Corrupt { file, offset, .. }) => {
                assert!(sealed && file == segment_name(1) && offset == last.0 as u64);
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// A whole entry stands before the damage: its group is named.
#[test]
fn damage_names_the_groups_whose_records_can_be_read() {
    let disk = FaultyDisk::default();
    let mut rig = Rig::open(&disk).unwrap();
    rig.append(1, vec![entry(0, 20)]);
    assert!(rig.flush());
    rig.append(6, vec![entry(0, 20)]);
    rig.append(7, vec![entry(0, 20)]);
    assert!(rig.flush());
    rig.append(1, vec![entry(1, 20)]);
    assert!(rig.flush());
    let (_, end) = batches(&disk, 1)[1];
    disk.flip(&segment_name(1), (end - 12) * 8);
    let error = Rig::open(&disk).map(|_| ()).unwrap_err().to_string();
    assert!(error.ends_with("records of groups [6] can be read there"), "{error}");
}

/// A client stores the bytes of a batch, at every place a batch may stand, in an entry that is torn.
#[test]
fn what_a_client_stores_is_never_taken_for_a_batch() {
    let disk = FaultyDisk::default();
    let mut rig = Rig::open(&disk).unwrap();
    rig.append(1, vec![entry(0, 20)]);
    assert!(rig.flush());
    let mut forged = Vec::new();
    frame::begin(&mut forged);
    frame::seal(&mut forged, Home { salt: 0, segment: 1 }, 3).unwrap();
    let payload: Vec<u8> = (0..8).flat_map(|pad| [vec![0; 8 + pad], forged.clone()].concat()).collect();
    rig.append(1, vec![Entry { id: id(1, 1), kind: 1, payload: payload.into() }]);
    assert!(rig.flush());
    let (start, _) = batches(&disk, 1)[1];
    disk.flip(&segment_name(1), (start + FRAME_BYTES + 9) * 8);
    assert_eq!(Rig::open(&disk).unwrap().read(1).unwrap(), [entry(0, 20)], "cut, as a torn batch");
}

/// Random flips anywhere in a closed log: either it is refused, or nothing that is read was hit. Only two that hit both
/// the last batch and the empty one behind it look like a crash.
#[test]
fn random_damage_is_refused_or_harmless() {
    let disk = FaultyDisk::default();
    let mut rig = Rig::open(&disk).unwrap();
    let mut before = rig.state();
    for index in 0..60 {
        before = rig.state();
        rig.append(1, vec![entry(index, 100)]);
        rig.change(Change::Vote { group: 2, vote: vec![index as u8; 20].into() }).unwrap();
        if index % 7 == 6 {
            rig.change(Change::Purge { group: 1, upto: id(index - 5, 1) }).unwrap();
        }
        assert!(rig.flush());
    }
    rig.writer.seal(&rig.memory).complete();
    let whole = rig.state();
    let names: Vec<String> = disk.list().unwrap();
    let mut refused = 0;
    for seed in 1..600 {
        let (disk, mut chance) = (disk.after_kill(), Chance(seed));
        let flips = 1 + chance.below(3);
        for _ in 0..flips {
            let name = &names[chance.below(names.len() as u64) as usize];
            disk.flip(name, chance.below(8 * disk.bytes(name).len() as u64) as usize);
        }
        match Rig::open(&disk) {
            Ok(rig) => {
                let found = rig.state();
                assert!(found == whole || (flips > 1 && found == before), "seed {seed}: {found:#?}");
            }
            Err(WalError::Io { file, source }) => panic!("seed {seed}: {file}: {source}"),
            Err(_) => refused += 1,
        }
    }
    assert!((100..600).contains(&refused), "{refused}");
}

/// The first batch of the next segment is torn, but its head is there: the batch before it was on disk.
#[test]
fn the_head_of_a_torn_batch_proves_the_batch_before_it() {
    let disk = log(40);
    let last = *batches(&disk, 1).last().unwrap();
    let (first, _) = batches(&disk, 2)[0];
    for segment in 3..=Rig::open(&disk).unwrap().segments() as u64 + 1 {
        disk.remove(&segment_name(segment)).unwrap();
    }
    let file = disk.open(&segment_name(2)).unwrap();
    file.write_at((first + FRAME_BYTES) as u64, &vec![0; 2048 - first - FRAME_BYTES]).unwrap();
    assert!(Rig::open(&disk.after_kill()).is_ok());
    disk.flip(&segment_name(1), last.0 * 8);
    let error = Rig::open(&disk).map(|_| ()).unwrap_err();
    assert!(matches!(error, WalError::Corrupt { offset, .. } if offset == last.0 as u64), "{error}");
}
