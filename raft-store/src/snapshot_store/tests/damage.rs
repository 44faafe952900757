//! Damage is named, never served, and can be left behind.

use super::*;

#[test]
fn a_damaged_chunk_is_named_and_never_served() {
    let (_dir, store) = open();
    let snapshot = write_current(&store, 4, 10, &[b"zero", b"one", b"two"]);
    let id = snapshot.id();
    let mut sealed = snapshot.read_raw(1).unwrap().to_vec();
    *sealed.last_mut().unwrap() ^= 1;
    store.0.table.insert(&key::chunk(id, 1), &sealed).unwrap();
    store.0.table.insert(&key::chunk(id, 2), &snapshot.read_raw(0).unwrap()).unwrap();
    let error = |index| snapshot.read_chunk(index).unwrap_err().to_string();
    assert_eq!(
        error(1),
        format!("chunk 1 of snapshot {} of group 4 is corrupt: wrong checksum", id.sequence)
    );
    assert!(error(2).ends_with("it belongs elsewhere"));
    assert!(snapshot.read_raw(1).is_err());
    assert_eq!(snapshot.read_chunk(0).unwrap(), b"zero");
    assert!(store.0.table.change(&key::chunk(id, 0), None).is_ok());
    assert!(error(0).ends_with("it is missing"));
}

#[test]
fn a_damaged_record_stops_the_start_and_names_its_group() {
    let (home, store) = open();
    write_current(&store, 9, 10, &[b"x"]);
    let (key, sealed) = store.0.table.scan(key::CURRENT).unwrap().remove(0);
    let mut sealed = sealed.to_vec();
    sealed[12] ^= 0x10;
    store.0.table.insert(&key, &sealed).unwrap();
    drop(store);
    let error = home.try_open().unwrap_err();
    assert!(matches!(error, SnapshotError::CorruptRecord { group: 9, reason: CorruptReason::Checksum }));
}

/// Whatever byte of the database's files is not what was written: opening or reading says so, or the data is
/// right. Bytes are sampled, as many from small files as from large ones.
#[test]
fn a_flipped_byte_anywhere_is_reported_or_harmless() {
    let home = Home::folder();
    let store = home.open();
    let contents = [noise(3000), vec![7; 50_000], b"{}".to_vec()];
    let contents: Vec<&[u8]> = contents.iter().map(Vec::as_slice).collect();
    write_current(&store, 1, 10, &contents);
    write_current(&store, 2, 20, &[b"two"]);
    let crashed = home.crashed();
    let Home::Folder(dir) = &crashed else { unreachable!() };
    let mut files = Vec::new();
    list_files(dir.path(), &mut files);
    let mut reported = 0;
    for file in files {
        let good = fs::read(&file).unwrap();
        for at in (0..good.len()).step_by(good.len() / 10 + 1) {
            let mut bad = good.clone();
            bad[at] ^= 1 << (at % 8);
            fs::write(&file, &bad).unwrap();
            let copy = crashed.crashed();
            fs::write(&file, &good).unwrap();
            reported += usize::from(!is_right(&copy, &contents));
        }
    }
    assert!(reported > 10, "only {reported} flips were seen at all");
}

fn list_files(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(io::Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => list_files(&entry.path(), files),
            false => files.push(entry.path()),
        }
    }
}

/// Whether all is there as it was written. The alternative is an error, or that the last flush is undone as by
/// a crash; anything else fails the test.
fn is_right(home: &Home, contents: &[&[u8]]) -> bool {
    let Ok(store) = home.try_open() else { return false };
    let mut right = true;
    for (group, contents) in [(1, contents), (2, &[b"two".as_slice()][..])] {
        let Ok(Some(snapshot)) = store.current(group) else {
            right = false;
            continue;
        };
        assert_eq!(
            (snapshot.covers(), snapshot.chunks() as usize),
            (&covers(u64::from(group) * 10), contents.len())
        );
        for (index, content) in (0..).zip(contents) {
            match snapshot.read_chunk(index) {
                Ok(read) => assert_eq!(read, *content),
                Err(error) => {
                    assert!(error.to_string().contains(&format!("of group {group}")), "{error}");
                    right = false;
                }
            }
        }
    }
    right
}

/// Overwrites the middle of the file that holds the large chunk.
pub(super) fn damage_a_chunk(dir: &TempDir) {
    let mut files = Vec::new();
    list_files(dir.path(), &mut files);
    let large = files.iter().filter(|file| file.parent().unwrap().ends_with("slabs"));
    let large = large.max_by_key(|file| fs::metadata(file).unwrap().len()).unwrap();
    let mut bytes = fs::read(large).unwrap();
    // In whichever slot it stands.
    bytes.iter_mut().step_by(4096).for_each(|byte| *byte ^= 1);
    fs::write(large, bytes).unwrap();
}

#[test]
fn a_group_set_aside_leaves_the_others_whole() {
    let home = Home::folder();
    let store = home.open();
    let others: Vec<_> =
        (1..5).map(|group| (group, write_current(&store, group, 10, &[b"a", b"b", b"c"]).id())).collect();
    write_current(&store, 5, 10, &[b"0", b"1", b"2", b"3", b"4", b"5", &noise(300_000)]);
    drop(store);
    let Home::Folder(dir) = &home else { unreachable!() };
    damage_a_chunk(dir);
    let store = home.open();
    let error = store.check(5).unwrap_err();
    assert!(error.is_damage(), "{error}");
    assert!(error.to_string().contains("of snapshot 5 of group 5 is unreadable"), "{error}");
    let (held, mut writer) = (current(&store, 5), store.begin(9).unwrap());
    assert!(store.set_aside(5).unwrap());
    assert!(!store.set_aside(5).unwrap());
    assert!(store.current(5).unwrap().is_none());
    assert!(matches!(writer.put(b"x"), Err(SnapshotError::Lost(_))));
    assert!(held.read_chunk(6).is_err());
    drop((held, writer));
    for (group, id) in others {
        assert_eq!(current(&store, group).id(), id);
        assert_eq!(chunks(&current(&store, group)), [b"a", b"b", b"c"]);
    }
    write_current(&store, 5, 20, &[b"from a peer"]);
    drop(store);
    let store = home.open();
    assert_eq!(store.groups(), [1, 2, 3, 4, 5]);
    assert_eq!(chunks(&current(&store, 5)), [b"from a peer"]);
    assert_eq!(chunks(&current(&store, 1)), [b"a", b"b", b"c"]);
}

#[test]
fn a_snapshot_finished_before_a_rescue_cannot_become_current_after_it() {
    for home in Home::both() {
        let store = home.open();
        write_current(&store, 1, 10, &[b"damaged"]);
        let finished = write(&store, 2, 10, &[b"finished"]);
        assert!(store.set_aside(1).unwrap());
        assert!(store.commit(&finished).unwrap_err().may_pass(), "it is to be made again");
        assert!(store.current(2).unwrap().is_none());
    }
}

#[test]
fn damage_found_while_reading_costs_nobody_else_anything() {
    let faulty = FaultySnapshots::default();
    let store = Home::Memory(faulty.clone()).open();
    let one = write_current(&store, 1, 10, &[b"one"]);
    let two = write_current(&store, 2, 10, &[b"two"]);
    faulty.0.lock().damaged.insert(key::chunk(one.id(), 0));
    assert!(one.read_chunk(0).unwrap_err().is_damage());
    assert_eq!(chunks(&two), [b"two"]);
    assert!(store.check(1).is_err() && store.check(2).is_ok() && store.check(3).is_ok());
    assert!(store.set_aside(1).unwrap());
    assert_eq!(chunks(&current(&store, 2)), [b"two"]);
}

#[test]
fn a_damaged_database_is_set_aside_and_only_the_newest_is_kept() {
    let outer = tempfile::tempdir().unwrap();
    let path = outer.path().join("snapshots");
    for round in 1..=2 {
        let (store, aside) = SnapshotStore::open_or_set_aside(&path).unwrap();
        assert!(aside.is_none());
        write_current(&store, 1, 10, &[b"x"]);
        let refused = SnapshotStore::open_or_set_aside(&path).map(drop);
        assert!(matches!(refused, Err(SnapshotError::InUse(_))), "one in use is left alone");
        drop(store);
        let metadata = fs::read_dir(path.join("db-1/metadata")).unwrap();
        let snapshot =
            metadata.map(|file| file.unwrap().path()).find(|file| name(file).starts_with("snapshot_"));
        let snapshot = snapshot.unwrap();
        fs::write(&snapshot, b"garbage").unwrap();
        let (store, aside) = SnapshotStore::open_or_set_aside(&path).unwrap();
        let aside = aside.unwrap();
        assert!(matches!(&aside.error, SnapshotError::Damaged(damage) if damage.path == snapshot));
        assert_eq!(name(&aside.kept), format!("snapshots.damaged-{round}"));
        assert!(aside.kept.join("LOCK").exists());
        assert_eq!(store.groups(), []);
    }
    let kept = fs::read_dir(outer.path()).unwrap().count();
    assert_eq!(kept, 2, "the store and the newest damaged one");
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

#[test]
fn an_unknown_version_is_refused_and_not_set_aside() {
    let home = Home::folder();
    drop(home.open());
    let Home::Folder(dir) = &home else { unreachable!() };
    let cookie = dir.path().join("db-1/durability_cookie");
    let mut bytes = fs::read(&cookie).unwrap();
    bytes[0] = 2;
    let crc = (crc32fast::hash(&bytes[..60]) ^ 0xAF).to_le_bytes();
    bytes[60..].copy_from_slice(&crc);
    fs::write(&cookie, bytes).unwrap();
    let error = SnapshotStore::open_or_set_aside(dir.path()).map(drop).unwrap_err();
    assert!(matches!(&error, SnapshotError::UnknownVersion { version: 2, .. }), "{error}");
    assert!(error.to_string().ends_with("has the unknown format version 2"), "{error}");
}

#[test]
fn a_damaged_frame_inside_the_log_is_named_and_a_torn_end_is_not() {
    let home = Home::folder();
    let store = home.open();
    for index in 1..4 {
        write_current(&store, 1, index, &[b"x"]);
    }
    let crashed = home.crashed();
    let Home::Folder(dir) = &crashed else { unreachable!() };
    let log = fs::read_dir(dir.path().join("db-1/metadata")).unwrap().map(|file| file.unwrap().path());
    let log = log.filter(|file| name(file).starts_with("log_")).max().unwrap();
    let good = fs::read(&log).unwrap();
    let mut bad = good.clone();
    bad[20] ^= 1;
    fs::write(&log, bad).unwrap();
    let error = crashed.crashed().try_open().unwrap_err();
    assert!(error.is_damage());
    assert!(error.to_string().contains("at offset 0: a frame's checksum is wrong"), "{error}");
    fs::write(&log, &good[..good.len() - 3]).unwrap();
    assert_eq!(chunks(&current(&crashed.crashed().open(), 1)), [b"x"]);
}
