//! The faulty twin of a disk: in memory, fails or loses power at any operation, and forgets at a crash
//! what was not synced, in the ways real disks do.

mod chance;
mod content;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use super::disk::{Disk, DiskFile};
pub use chance::Chance;
use content::Content;

/// What happens at a given operation (write, sync, create, rename, remove) of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// This operation fails half done, the later ones work.
    Fail(io::ErrorKind),
    /// This one and all later ones fail: the power is gone.
    PowerLoss,
    /// The program panics.
    Panic,
}

#[derive(Debug, Default)]
struct State {
    files: Vec<Content>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    operations: u64,
    fault: Option<(u64, Fault)>,
    /// Bytes of all files that have a name, at most.
    capacity: Option<usize>,
}

/// A directory in memory. Clones are the same directory.
#[derive(Debug, Default, Clone)]
pub struct FaultyDisk(Arc<Mutex<State>>);

#[derive(Debug)]
struct FaultyFile {
    state: Arc<Mutex<State>>,
    number: usize,
}

impl FaultyDisk {
    /// Operations so far: writes, syncs, and changes of names.
    pub fn operations(&self) -> u64 {
        self.0.lock().operations
    }

    /// Lets `fault` happen at the `nth` operation from now (0: the next one).
    pub fn fault_at(&self, nth: u64, fault: Fault) {
        let mut state = self.0.lock();
        state.fault = Some((state.operations + nth, fault));
    }

    /// Gives the disk room for `bytes` in all, from now on; `None`: for everything.
    pub fn set_capacity(&self, bytes: Option<usize>) {
        self.0.lock().capacity = bytes;
    }

    /// Files made so far.
    pub fn files_made(&self) -> usize {
        self.0.lock().files.len()
    }

    /// Bytes of all files that have a name.
    pub fn used(&self) -> usize {
        self.0.lock().used()
    }

    /// The directory as a machine finds it after losing power now. Names that were not synced are either
    /// way; of the writes to a file that were not synced a prefix is there, the last one torn at any byte, or
    /// any of their sectors.
    pub fn crash(&self, chance: &mut Chance) -> Self {
        let state = self.0.lock();
        let files = state.files_named(|content| content.crash(chance));
        let names = if chance.below(2) == 0 { &state.names } else { &state.durable_names };
        let (names, durable_names, capacity) = (names.clone(), names.clone(), state.capacity);
        Self(Arc::new(Mutex::new(State { files, names, durable_names, capacity, ..State::default() })))
    }

    /// The directory as the next process finds it after this one was killed: nothing is lost, and nothing
    /// more is durable. Handles of the old process no longer reach it.
    pub fn after_kill(&self) -> Self {
        let state = self.0.lock();
        Self(Arc::new(Mutex::new(State {
            files: state.files_named(Content::clone),
            names: state.names.clone(),
            durable_names: state.durable_names.clone(),
            capacity: state.capacity,
            ..State::default()
        })))
    }

    /// Flips one bit of a file, on disk and in its cache. Panics if there is no such file or bit.
    pub fn flip(&self, name: &str, bit: usize) {
        let mut state = self.0.lock();
        let number = state.names[name];
        let content = &mut state.files[number];
        content.durable[bit / 8] ^= 1 << (bit % 8);
        content.current[bit / 8] ^= 1 << (bit % 8);
    }

    /// What a file holds. Panics if there is none of that name.
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        let state = self.0.lock();
        state.files[state.names[name]].current.clone()
    }

    fn file(&self, number: usize) -> Arc<dyn DiskFile> {
        Arc::new(FaultyFile { state: self.0.clone(), number })
    }
}

impl State {
    fn operate(&mut self) -> io::Result<()> {
        let now = self.operations;
        self.operations += 1;
        match self.fault {
            Some((at, Fault::Fail(kind))) if at == now => Err(kind.into()),
            Some((at, Fault::Panic)) if at == now => panic!("a panic that a test asked for"),
            Some((at, Fault::PowerLoss)) if at <= now => Err(io::Error::other("no power")),
            _ => Ok(()),
        }
    }

    /// What `kept` makes of every file; of those without a name nothing stays.
    fn files_named(&self, mut kept: impl FnMut(&Content) -> Content) -> Vec<Content> {
        let named: BTreeSet<usize> =
            self.names.values().chain(self.durable_names.values()).copied().collect();
        let all = self.files.iter().enumerate();
        all.map(|(at, file)| if named.contains(&at) { kept(file) } else { Content::default() }).collect()
    }

    fn used(&self) -> usize {
        self.names.values().map(|&number| self.files[number].current.len()).sum()
    }

    /// Fails if a file cannot grow to `len`.
    fn grow(&self, number: usize, len: usize) -> io::Result<()> {
        let more = len.saturating_sub(self.files[number].current.len());
        let free = self.capacity.map_or(usize::MAX, |capacity| capacity.saturating_sub(self.used()));
        if more > free { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn number(&self, name: &str) -> io::Result<usize> {
        self.names.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Disk for FaultyDisk {
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.0.lock();
        state.operate()?;
        let number = state.files.len();
        state.files.push(Content::default());
        state.names.insert(name.to_owned(), number);
        drop(state);
        Ok(self.file(number))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let number = self.0.lock().number(name)?;
        Ok(self.file(number))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.0.lock();
        state.operate()?;
        let number = state.number(from)?;
        state.names.remove(from);
        state.names.insert(to.to_owned(), number);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.0.lock();
        state.operate()?;
        state.number(name)?;
        state.names.remove(name);
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.0.lock().names.keys().cloned().collect())
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut state = self.0.lock();
        state.operate()?;
        state.durable_names = state.names.clone();
        Ok(())
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let state = self.0.lock();
        Ok(state.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(state.used()) as u64))
    }
}

impl DiskFile for FaultyFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.state.lock().files[self.number].current.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let state = self.state.lock();
        let at = offset as usize;
        let bytes = state.files[self.number].current.get(at..at + buffer.len());
        buffer.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state.lock();
        let outcome = state.operate();
        state.grow(self.number, offset as usize + bytes.len())?;
        // Without power any part of the write may be there; that is for the crash to say.
        let half = matches!(state.fault, Some((_, Fault::Fail(_)))) && outcome.is_err();
        let written = if half { &bytes[..bytes.len() / 2] } else { bytes };
        let content = &mut state.files[self.number];
        Content::write(&mut content.current, offset as usize, written);
        content.pending.push((offset as usize, written.to_vec()));
        outcome
    }

    /// Like a file system that cannot: room is missed when it is written to.
    fn allocate(&self, _bytes: u64) -> io::Result<()> {
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        let outcome = state.operate();
        let power_loss = matches!(state.fault, Some((_, Fault::PowerLoss))) && outcome.is_err();
        if power_loss {
            return outcome;
        }
        let content = &mut state.files[self.number];
        // After a failed sync the cache looks clean, but the disk has nothing (fsyncgate).
        for (at, written) in std::mem::take(&mut content.pending) {
            if outcome.is_ok() {
                Content::write(&mut content.durable, at, &written);
            }
        }
        outcome
    }
}
