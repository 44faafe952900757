//! A crash is played by opening a copy of what is durable, with the store still open: what was not flushed
//! is not in it. Most lives are led twice, on a real folder and on the faulty twin in memory.

mod commit;
mod damage;
mod fixture;
mod frames;
mod full;
mod rot;
mod simulated;
mod space;

use std::fs;
use std::io;

use bytes::Bytes;
use tempfile::TempDir;

use super::faulty::FaultySnapshots;
use super::*;

/// Where a store under test lives.
enum Home {
    Folder(TempDir),
    Memory(FaultySnapshots),
}

impl Home {
    fn folder() -> Self {
        Self::Folder(tempfile::tempdir().unwrap())
    }

    fn memory() -> Self {
        Self::Memory(FaultySnapshots::default())
    }

    fn both() -> [Self; 2] {
        [Self::folder(), Self::memory()]
    }

    fn open(&self) -> SnapshotStore {
        self.try_open().unwrap()
    }

    fn try_open(&self) -> Result<SnapshotStore> {
        match self {
            Self::Folder(dir) => SnapshotStore::open(dir.path()),
            Self::Memory(faulty) => SnapshotStore::open_at(Box::new(faulty.clone())),
        }
    }

    /// What a power loss at this moment leaves.
    fn crashed(&self) -> Self {
        match self {
            Self::Folder(dir) => {
                let after = tempfile::tempdir().unwrap();
                copy_folder(dir.path(), after.path());
                Self::Folder(after)
            }
            Self::Memory(faulty) => Self::Memory(faulty.crashed()),
        }
    }
}

fn copy_folder(from: &Path, to: &Path) {
    for file in fs::read_dir(from).unwrap().map(|file: io::Result<_>| file.unwrap()) {
        let to = to.join(file.file_name());
        if file.file_type().unwrap().is_dir() {
            fs::create_dir(&to).unwrap();
            copy_folder(&file.path(), &to);
        } else {
            fs::copy(file.path(), to).unwrap();
        }
    }
}

fn open() -> (Home, SnapshotStore) {
    let home = Home::folder();
    let store = home.open();
    (home, store)
}

fn covers(index: u64) -> Covers {
    let last = Some(Position { term: 1, node: 1, index });
    Covers { last, rest: Bytes::from_static(b"members") }
}

fn write(store: &SnapshotStore, group: GroupId, index: u64, chunks: &[&[u8]]) -> StoredSnapshot {
    try_write(store, group, index, chunks).unwrap()
}

fn try_write(store: &SnapshotStore, group: GroupId, index: u64, chunks: &[&[u8]]) -> Result<StoredSnapshot> {
    let mut writer = store.begin(group)?;
    chunks.iter().try_for_each(|chunk| writer.put(chunk))?;
    writer.finish(covers(index))
}

fn write_current(store: &SnapshotStore, group: GroupId, index: u64, chunks: &[&[u8]]) -> StoredSnapshot {
    let snapshot = write(store, group, index, chunks);
    assert!(store.commit(&snapshot).unwrap());
    snapshot
}

fn chunks(snapshot: &StoredSnapshot) -> Vec<Vec<u8>> {
    (0..snapshot.chunks()).map(|index| snapshot.read_chunk(index).unwrap()).collect()
}

fn current(store: &SnapshotStore, group: GroupId) -> StoredSnapshot {
    store.current(group).unwrap().unwrap()
}

/// Ids of all snapshots that have chunks in the database, once it is swept.
fn stored(store: &SnapshotStore) -> Vec<SnapshotId> {
    store.sweep().unwrap();
    stored_now(store)
}

fn stored_now(store: &SnapshotStore) -> Vec<SnapshotId> {
    let pairs = store.0.table.scan(key::CHUNK).unwrap();
    let mut ids: Vec<_> = pairs.iter().map(|(_, sealed)| frame::Frame::decode(sealed).unwrap().id).collect();
    ids.dedup();
    ids
}

/// Bytes that no compression makes smaller.
fn noise(len: usize) -> Vec<u8> {
    let mut x = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        x
    };
    (0..len.div_ceil(8)).flat_map(|_| next().to_le_bytes()).take(len).collect()
}
