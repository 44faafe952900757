//! The names in one directory: as programs see them, and as they are when the power goes. Pure.
//!
//! Creating, removing and renaming are durable once the directory was synced, and not before: syncing the file
//! alone does not do it, which is all that POSIX promises. Changes reach the disk in order, as through the
//! journal of ext4 or XFS, and a rename whole or not at all.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// Number of a file or directory.
pub(super) type Inode = u64;

#[derive(Debug, Clone)]
enum Change {
    Put(OsString, Inode),
    Remove(OsString),
    Rename(OsString, OsString),
}

/// The names in one directory.
#[derive(Debug, Default)]
pub(super) struct Names {
    now: BTreeMap<OsString, Inode>,
    durable: BTreeMap<OsString, Inode>,
    /// Changes not durable yet, in order, each with its number.
    pending: Vec<(u64, Change)>,
    next: u64,
}

impl Names {
    /// What programs see.
    pub(super) fn now(&self) -> &BTreeMap<OsString, Inode> {
        &self.now
    }

    /// Every inode that has a name here, had one on disk, or may get one.
    pub(super) fn referenced(&self) -> impl Iterator<Item = Inode> {
        let pending = self.pending.iter().filter_map(|(_, change)| match change {
            Change::Put(_, inode) => Some(*inode),
            Change::Remove(_) | Change::Rename(..) => None,
        });
        self.now.values().chain(self.durable.values()).copied().chain(pending)
    }

    /// Gives an inode a name.
    pub(super) fn put(&mut self, name: &OsStr, inode: Inode) {
        self.change(Change::Put(name.to_owned(), inode));
    }

    /// Takes a name away.
    pub(super) fn remove(&mut self, name: &OsStr) {
        self.change(Change::Remove(name.to_owned()));
    }

    /// Renames; what had the new name loses it.
    pub(super) fn rename(&mut self, from: &OsStr, to: &OsStr) {
        self.change(Change::Rename(from.to_owned(), to.to_owned()));
    }

    /// Begins a sync of every change so far; its ticket.
    pub(super) fn begin_sync(&self) -> u64 {
        self.next
    }

    /// Changes made before this ticket are on disk now.
    pub(super) fn end_sync(&mut self, ticket: u64) {
        let synced = self.pending.partition_point(|(number, _)| *number < ticket);
        self.persist(synced);
    }

    /// How many changes are not durable.
    pub(super) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// The power goes: the first `kept` of the changes not durable yet still reached the disk.
    pub(super) fn lose_power(&mut self, kept: usize) {
        self.persist(kept);
        self.pending.clear();
        self.now = self.durable.clone();
    }

    fn change(&mut self, change: Change) {
        apply(&mut self.now, &change);
        self.pending.push((self.next, change));
        self.next += 1;
    }

    fn persist(&mut self, count: usize) {
        self.pending.drain(..count).for_each(|(_, change)| apply(&mut self.durable, &change));
    }
}

fn apply(names: &mut BTreeMap<OsString, Inode>, change: &Change) {
    match change {
        Change::Put(name, inode) => {
            names.insert(name.clone(), *inode);
        }
        Change::Remove(name) => {
            names.remove(name);
        }
        Change::Rename(from, to) => {
            if let Some(inode) = names.remove(from) {
                names.insert(to.clone(), inode);
            }
        }
    }
}
