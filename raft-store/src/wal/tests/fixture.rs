//! The format as it is: `fixtures/wal-v2` was written by this program and must open for ever.
//!
//! To write one of a new format, into a folder that must not exist yet:
//! `QUORATE_WAL_FIXTURE=raft-store/fixtures/wal-vN cargo test -p raft-store wal::tests::fixture`

use std::fs;
use std::path::{Path, PathBuf};

use tokio::sync::oneshot;

use super::rig::{OPTIONS, id};
use crate::GroupId;
use crate::wal::{Entry, EntryId, SharedLog, WalOptions};

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/wal-v2");
const SMALL: WalOptions = WalOptions { segment_bytes: 4 << 10, ..OPTIONS };
const LARGE: usize = 6000;

fn entry(id: EntryId, len: usize) -> Entry {
    Entry { id, kind: (id.index % 3) as u8, payload: vec![id.index as u8; len].into() }
}

async fn append(log: &SharedLog, group: GroupId, entry: Entry) {
    let (tell, told) = oneshot::channel();
    log.append(group, vec![entry], Box::new(move |result| tell.send(result).unwrap())).await.unwrap();
    told.await.unwrap().unwrap();
}

/// Every kind of record, over several segments, one of them larger than the others.
async fn write(dir: &Path) {
    let log = SharedLog::open(dir, SMALL).unwrap();
    log.save_vote(2, (&b"vote of group 2"[..]).into()).await.unwrap();
    for index in 0..30 {
        append(&log, 0, entry(id(index, 1), 100)).await;
    }
    for index in 5..15 {
        append(&log, 1, entry(id(index, 2), 50)).await;
    }
    log.truncate(1, 13).await.unwrap();
    append(&log, 1, entry(id(13, 3), LARGE)).await;
    log.purge(1, id(9, 2)).await.unwrap();
    log.purge(3, id(100, 7)).await.unwrap();
    log.save_vote(0, (&b"vote of group 0"[..]).into()).await.unwrap();
    append(&log, 1, entry(id(14, 3), 0)).await;
    log.close().unwrap();
}

fn read(dir: &Path) {
    let log = SharedLog::open(dir, SMALL).unwrap();
    let all = |group| log.read(group, 0, u64::MAX, u64::MAX).unwrap();
    assert_eq!(log.groups(), [0, 1, 2, 3]);
    assert_eq!(all(0), (0..30).map(|index| entry(id(index, 1), 100)).collect::<Vec<_>>());
    let mut one: Vec<Entry> = (10..13).map(|index| entry(id(index, 2), 50)).collect();
    one.extend([entry(id(13, 3), LARGE), entry(id(14, 3), 0)]);
    assert_eq!(all(1), one);
    let votes = [0, 1, 2, 3].map(|group| log.vote(group).unwrap());
    assert_eq!(
        votes,
        [Some((&b"vote of group 0"[..]).into()), None, Some((&b"vote of group 2"[..]).into()), None]
    );
    assert_eq!(log.bounds(1).unwrap(), (Some(id(9, 2)), Some(id(14, 3))));
    assert_eq!(log.bounds(3).unwrap(), (Some(id(100, 7)), Some(id(100, 7))));
}

#[tokio::test]
async fn what_is_written_now_is_read() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path()).await;
    read(dir.path());
    if let Some(new) = std::env::var_os("QUORATE_WAL_FIXTURE").map(PathBuf::from) {
        // The tests run in the crate's own folder, the command in the one above.
        let new = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(new);
        fs::create_dir(&new).expect("a fixture that exists is not written over");
        write(&new).await;
    }
}

#[test]
fn the_fixture_is_read_whole() {
    let dir = tempfile::tempdir().unwrap();
    for file in fs::read_dir(FIXTURE).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), dir.path().join(file.file_name())).unwrap();
    }
    read(dir.path());
}
