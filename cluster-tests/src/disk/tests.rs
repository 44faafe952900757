//! What was synced survives, what was not may not; and the same through a real mount.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::content::{Content, Fate};
use super::names::Names;
use super::*;

/// Keeps everything, nothing, or some sectors.
struct Keep(fn(usize) -> bool, bool);

impl Fate for Keep {
    fn keeps(&mut self, sector: usize) -> bool {
        self.0(sector)
    }

    fn keeps_length(&mut self) -> bool {
        self.1
    }
}

fn nothing() -> Keep {
    Keep(|_| false, false)
}

fn synced(bytes: &[u8]) -> Content {
    let mut content = Content::default();
    content.write(0, bytes);
    let ticket = content.begin_sync();
    content.end_sync(ticket);
    content
}

fn after_loss(mut content: Content, mut fate: Keep) -> Vec<u8> {
    content.lose_power(&mut fate);
    content.bytes().to_owned()
}

#[test]
fn synced_bytes_survive_and_others_do_not() {
    let mut content = synced(b"old and synced");
    content.write(0, b"new");
    content.write(1000, b"far");
    assert_eq!(&content.bytes()[..14], b"new and synced");
    assert_eq!(after_loss(content, nothing()), b"old and synced");
}

#[test]
fn what_is_written_during_a_sync_is_not_part_of_it() {
    let mut content = synced(b"old");
    content.write(0, b"mid");
    let ticket = content.begin_sync();
    content.write(0, b"new");
    content.end_sync(ticket);
    assert_eq!(content.bytes(), b"new");
    assert_eq!(after_loss(content, nothing()), b"mid");
}

#[test]
fn power_loss_during_a_sync_loses_what_it_was_to_write() {
    let mut content = synced(b"old");
    content.write(0, b"new");
    let ticket = content.begin_sync();
    content.lose_power(&mut nothing());
    content.end_sync(ticket);
    assert_eq!(content.bytes(), b"old");
}

#[test]
fn torn_writes_keep_whole_sectors() {
    let mut content = synced(&[1; 4 * SECTOR_BYTES]);
    content.write(100, &[2; 3 * SECTOR_BYTES]);
    let left = after_loss(content, Keep(|sector| sector == 1, false));
    assert!(left[..SECTOR_BYTES].iter().all(|&byte| byte == 1));
    assert!(left[SECTOR_BYTES..2 * SECTOR_BYTES].iter().all(|&byte| byte == 2));
    assert!(left[2 * SECTOR_BYTES..].iter().all(|&byte| byte == 1));
}

#[test]
fn a_length_kept_without_its_bytes_shows_zeros() {
    let mut content = synced(b"");
    content.write(0, b"never");
    assert_eq!(after_loss(content, Keep(|_| false, true)), [0; 5]);
}

#[test]
fn a_cut_that_was_not_synced_is_taken_back() {
    let mut content = synced(&[7; 2000]);
    content.resize(10);
    assert_eq!(content.bytes().len(), 10);
    assert_eq!(after_loss(content, nothing()), [7; 2000]);
}

#[test]
fn a_failed_sync_is_not_made_good_by_the_next() {
    let mut content = synced(&[1; 2 * SECTOR_BYTES]);
    content.write(0, &[2; 2 * SECTOR_BYTES]);
    let ticket = content.begin_sync();
    content.fail_sync(ticket);
    let ticket = content.begin_sync();
    content.end_sync(ticket);
    // Written again and synced: this sector is on disk, the other one never will be.
    content.write(SECTOR_BYTES, &[3; SECTOR_BYTES]);
    let ticket = content.begin_sync();
    content.end_sync(ticket);
    assert_eq!(content.bytes()[0], 2, "reads show it all the same");
    let left = after_loss(content, Keep(|_| true, true));
    assert_eq!((left[0], left[SECTOR_BYTES]), (1, 3));
}

#[test]
fn names_last_once_their_directory_was_synced() {
    let mut names = Names::default();
    names.put("a".as_ref(), 2);
    let ticket = names.begin_sync();
    names.put("b".as_ref(), 3);
    names.end_sync(ticket);
    names.rename("a".as_ref(), "c".as_ref());
    names.remove("b".as_ref());
    let left = |mut names: Names, kept| {
        names.lose_power(kept);
        names.now().keys().map(|name| name.to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    assert_eq!(left(copy(&names), 0), ["a"]);
    assert_eq!(left(copy(&names), 1), ["a", "b"]);
    assert_eq!(left(copy(&names), 2), ["b", "c"]);
    assert_eq!(left(copy(&names), 3), ["c"]);
}

/// The names of the test above, made anew.
fn copy(names: &Names) -> Names {
    assert_eq!(names.pending(), 3);
    let mut made = Names::default();
    made.put("a".as_ref(), 2);
    made.end_sync(made.begin_sync());
    made.put("b".as_ref(), 3);
    made.rename("a".as_ref(), "c".as_ref());
    made.remove("b".as_ref());
    made
}

/// A mounted disk and the folder it is mounted in; `None` where that is not possible.
fn mounted() -> Option<(FaultDisk, tempfile::TempDir)> {
    available().ok()?;
    let folder = tempfile::tempdir().unwrap();
    Some((FaultDisk::mount(folder.path(), 1).unwrap(), folder))
}

fn lose_power(disk: &FaultDisk, how: PowerLoss) {
    disk.power_off();
    disk.power_on(how);
}

fn write_synced(path: &Path, bytes: &[u8]) -> File {
    let mut file = OpenOptions::new().create_new(true).read(true).write(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
    file.sync_all().unwrap();
    file
}

#[test]
fn a_mounted_disk_is_a_file_system_and_forgets_what_was_not_synced() {
    let Some((disk, folder)) = mounted() else { return };
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("sub")).unwrap();
    let file = write_synced(&at("sub/kept"), b"synced");
    File::open(at("sub")).unwrap().sync_all().unwrap();
    File::open(folder.path()).unwrap().sync_all().unwrap();
    file.write_all_at(b"S", 0).unwrap();
    drop(write_synced(&at("sub/nameless"), b"its directory was not synced"));
    fs::rename(at("sub/kept"), at("sub/renamed")).unwrap();
    assert_eq!(fs::read(at("sub/renamed")).unwrap(), b"Synced");
    assert_eq!(fs::read_dir(at("sub")).unwrap().count(), 2);
    drop(file);
    lose_power(&disk, PowerLoss::Dropped);
    assert_eq!(fs::read(at("sub/kept")).unwrap(), b"synced");
    assert_eq!(fs::read_dir(at("sub")).unwrap().count(), 1);
    assert_eq!(disk.files(), BTreeMap::from([(PathBuf::from("sub/kept"), (6, 0))]));
    fs::remove_dir_all(at("sub")).unwrap();
    assert_eq!(disk.used_bytes(), 0);
}

#[test]
fn a_file_with_two_names_is_one_file() {
    let Some((disk, folder)) = mounted() else { return };
    let at = |name: &str| folder.path().join(name);
    let file = write_synced(&at("one"), b"old");
    File::open(folder.path()).unwrap().sync_all().unwrap();
    fs::hard_link(at("one"), at("two")).unwrap();
    file.write_all_at(b"new", 0).unwrap();
    fs::remove_file(at("one")).unwrap();
    assert_eq!(fs::read(at("two")).unwrap(), b"new");
    assert_eq!(disk.used_bytes(), 3);
    drop(file);
    lose_power(&disk, PowerLoss::Dropped);
    assert_eq!(fs::read(at("one")).unwrap(), b"old");
    assert!(!at("two").exists());
}

#[test]
fn room_can_be_reserved() {
    let Some((disk, folder)) = mounted() else { return };
    let file = write_synced(&folder.path().join("file"), b"old");
    let reserve = |bytes| rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes);
    disk.fault(|faults| faults.capacity = Some(1000));
    reserve(1000).unwrap();
    assert_eq!(reserve(1001), Err(rustix::io::Errno::NOSPC));
    assert_eq!(disk.used_bytes(), 1000);
}

#[test]
fn faults_of_a_mounted_disk_are_seen_by_programs() {
    let Some((disk, folder)) = mounted() else { return };
    let path = folder.path().join("file");
    let mut file = write_synced(&path, b"12345678");
    let failing = |call| Some(Failing { call, path: "file", after: 1, times: Some(1) });
    for call in [Call::Write, Call::Sync] {
        disk.fault(|faults| faults.failing = failing(call));
        let results: Vec<_> = (0..3).map(|_| file.write_all(b"x").and_then(|()| file.sync_data())).collect();
        let errors: Vec<_> =
            results.iter().map(|r| r.as_ref().err().and_then(|e| e.raw_os_error())).collect();
        assert_eq!(errors, [None, Some(5), None], "{call:?}");
    }
    disk.fault(|faults| faults.capacity = Some(20));
    assert_eq!(file.write_all(&[0; 20]).unwrap_err().kind(), io::ErrorKind::StorageFull);
    file.write_all_at(b"in place", 0).unwrap();
    disk.fault(|faults| (faults.capacity, faults.read_only) = (None, true));
    assert_eq!(file.write_all(b"x").unwrap_err().kind(), io::ErrorKind::ReadOnlyFilesystem);
    let mut text = String::new();
    File::open(&path).unwrap().read_to_string(&mut text).unwrap();
    assert!(text.starts_with("in place"));
    disk.flip(Path::new("file"), 3, 0x20).unwrap();
    assert!(fs::read(&path).unwrap().starts_with(b"in Place"));
}

#[test]
fn a_slow_sync_holds_nobody_else_up_and_ends_with_the_power() {
    let Some((disk, folder)) = mounted() else { return };
    let path = folder.path().join("file");
    let file = write_synced(&path, b"old");
    disk.fault(|faults| faults.sync_min = Duration::from_secs(60));
    file.write_all_at(b"new", 0).unwrap();
    let began = Instant::now();
    std::thread::scope(|scope| {
        let sync = scope.spawn(|| file.sync_data());
        while disk.files().values().all(|(_, unsynced)| *unsynced == 0) {}
        assert_eq!(fs::read(&path).unwrap(), b"new");
        disk.power_off();
        assert!(sync.join().unwrap().is_err());
    });
    assert!(began.elapsed() < Duration::from_secs(30));
    disk.fault(|faults| faults.sync_min = Duration::ZERO);
    disk.power_on(PowerLoss::Dropped);
}

#[test]
fn the_same_seed_tears_the_same_way() {
    let Some(_) = mounted() else { return };
    let left = |seed| {
        let folder = tempfile::tempdir().unwrap();
        let disk = FaultDisk::mount(folder.path(), seed).unwrap();
        let file = write_synced(&folder.path().join("file"), &[1; 64 * SECTOR_BYTES]);
        File::open(folder.path()).unwrap().sync_all().unwrap();
        file.write_all_at(&[2; 64 * SECTOR_BYTES], 0).unwrap();
        drop(file);
        lose_power(&disk, PowerLoss::Torn);
        disk.read(Path::new("file")).unwrap()
    };
    assert_eq!(left(3), left(3));
    assert!((0..8).any(|seed| left(seed).windows(2).any(|pair| pair[0] != pair[1])), "some are torn inside");
}

#[test]
fn a_panic_unmounts() {
    if available().is_ok() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let thread = std::thread::spawn(move || {
            let _disk = FaultDisk::mount(&path, 1).unwrap();
            panic!("on purpose");
        });
        assert!(thread.join().is_err());
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        assert!(!mounts.contains(&*folder.path().to_string_lossy()), "{mounts}");
    }
}
