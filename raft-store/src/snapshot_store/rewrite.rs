//! Copies the database into a fresh one, which then takes its place, to give room back that removed
//! snapshots still take. (`rescue` does so to leave damaged parts behind.)
//!
//! A copy is made a little at a time, so that others get their turn: what they change meanwhile is noted and
//! copied once more, the last of it under the lock that the swap is made under. One copy is made at a time. One
//! that fails is thrown away, and the present database stays.

use std::io;

use bytes::Bytes;

use super::Result;
use super::backend::{Backend, Pairs};
use super::error::SnapshotError;
use super::keeper::Inner;
use super::table::{Table, behind};
use crate::limits::{SNAPSHOT_RESIDENT_BYTES_MAX, SNAPSHOT_UNFLUSHED_BYTES_MAX};

/// Keys changed meanwhile that may be left for the moment of the swap...
const CHANGED_AT_SWAP: usize = 16;
/// ...unless they do not get that few in so many rounds.
const ROUNDS_MAX: u32 = 8;

/// A fresh database being filled.
pub(super) struct Copy<'a> {
    pub(super) table: &'a Table,
    /// `None` once it is closed or given up.
    fresh: Option<Box<dyn Backend>>,
    given_up: bool,
    unflushed: usize,
    resident: usize,
    /// Whether damaged keys are left out; those are noted here then.
    pub(super) left_out: Option<Vec<Vec<u8>>>,
}

impl Table {
    /// Copies everything into a fresh database that takes the present one's place, which gives back the room
    /// of what was removed. Does nothing while another copy is being made, and if writes were lost meanwhile.
    pub(super) fn rewrite(&self) -> Result<()> {
        let Some(_only_one) = self.copying.try_lock() else { return Ok(()) };
        let losses = self.write(|inner| {
            inner.ensure_awake()?;
            inner.note_changes();
            Ok(inner.losses)
        })?;
        let done = self.copy(|copy| {
            copy.take_all()?;
            copy.take_changed()?;
            self.write(|inner| if inner.losses == losses { copy.swap(inner) } else { Ok(()) })
        });
        self.write(|inner| {
            inner.changed = None;
            inner.place.discard_fresh();
            Ok(())
        })?;
        done
    }

    pub(super) fn copy<T>(&self, work: impl FnOnce(&mut Copy) -> Result<T>) -> Result<T> {
        let fresh = self.write(|inner| inner.place.open_fresh(false))?;
        let mut copy = Copy {
            table: self,
            fresh: Some(fresh),
            given_up: false,
            unflushed: 0,
            resident: 0,
            left_out: None,
        };
        let done = work(&mut copy);
        if copy.given_up {
            self.write(|inner| {
                inner.count_abandoned(1);
                Ok(())
            })?;
        }
        done
    }
}

impl Copy<'_> {
    fn take_all(&mut self) -> Result<()> {
        let mut next = Vec::new();
        loop {
            let some = self.table.write(|inner| inner.pairs(&next))?;
            let Some((last, _)) = some.last() else { return Ok(()) };
            next = behind(last);
            self.put(&some)?;
            self.refresh()?;
        }
    }

    /// What others changed since, until little is left of it.
    pub(super) fn take_changed(&mut self) -> Result<()> {
        for _ in 0..ROUNDS_MAX {
            let changed = self.table.write(|inner| Ok(inner.take_changed(CHANGED_AT_SWAP)))?;
            for key in &changed {
                let table = self.table;
                let value = table.write(|inner| self.value(inner, key))?;
                self.set(key, value)?;
                self.refresh()?;
            }
            if changed.is_empty() {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn put(&mut self, pairs: &Pairs) -> Result<()> {
        pairs.iter().try_for_each(|(key, value)| self.set(key, Some(value.clone())))
    }

    fn value(&mut self, inner: &mut Inner, key: &[u8]) -> Result<Option<Bytes>> {
        match (inner.value(key), &mut self.left_out) {
            (Err(error), Some(left_out)) if error.is_damage() => {
                left_out.push(key.to_vec());
                Ok(None)
            }
            (value, _) => value,
        }
    }

    /// Sets or removes `key`; flushed and opened afresh as the present database is.
    pub(super) fn set(&mut self, key: &[u8], value: Option<Bytes>) -> Result<()> {
        self.apply(|fresh| match &value {
            Some(value) => fresh.insert(key, value),
            None => fresh.remove(key).map(drop),
        })?;
        let bytes = value.map_or(0, |value| value.len());
        (self.unflushed, self.resident) = (self.unflushed + bytes, self.resident + bytes);
        if self.unflushed >= SNAPSHOT_UNFLUSHED_BYTES_MAX {
            self.unflushed = 0;
            self.apply(|fresh| fresh.flush())?;
        }
        Ok(())
    }

    /// Opens it afresh if its memory is due. Not under the lock.
    pub(super) fn refresh(&mut self) -> Result<()> {
        if self.resident >= SNAPSHOT_RESIDENT_BYTES_MAX {
            (self.unflushed, self.resident) = (0, 0);
            self.close()?;
            self.fresh = Some(self.table.write(|inner| inner.place.open_fresh(true))?);
        }
        Ok(())
    }

    /// One that failed a write is given up.
    fn apply(&mut self, work: impl FnOnce(&mut dyn Backend) -> io::Result<()>) -> Result<()> {
        let Some(fresh) = self.fresh.as_deref_mut() else { return Ok(()) };
        work(fresh).map_err(|error| {
            self.fresh.take().into_iter().for_each(|fresh| fresh.abandon(true));
            self.given_up = true;
            failed(error)
        })
    }

    fn close(&mut self) -> Result<()> {
        let given_up = || Err(io::Error::other("it was given up before"));
        let closed = self.fresh.take().map_or_else(given_up, Backend::close);
        self.given_up |= closed.is_err();
        closed.map_err(failed)
    }

    /// Takes the last changes, and puts the copy in the present database's place.
    pub(super) fn swap(&mut self, inner: &mut Inner) -> Result<()> {
        for key in inner.take_changed(0) {
            let value = self.value(inner, &key)?;
            self.set(&key, value)?;
        }
        self.close()?;
        // What is in the present one counts no longer, so neither does its failure to write more.
        if let Some(Err(error)) = inner.backend.take().map(Backend::close) {
            tracing::debug!(%error, "the database that was rewritten did not close");
        }
        (inner.dirty, inner.unflushed, inner.resident) = (false, 0, 0);
        inner.rot.take_waiting();
        inner.replace()?;
        inner.forget_rot();
        inner.open_if_need_be()
    }
}

fn failed(error: io::Error) -> SnapshotError {
    SnapshotError::failed("writing a rewritten database".to_owned(), error)
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind::{Other, StorageFull};

    use super::super::faulty::FaultySnapshots;
    use super::*;
    use crate::limits::SNAPSHOT_ABANDONED_MAX;

    fn table() -> (FaultySnapshots, Table) {
        let faulty = FaultySnapshots::default();
        let table = Table::open(Box::new(faulty.clone())).unwrap();
        for at in 0..20 {
            table.insert(&[at], &[at]).unwrap();
        }
        table.flush().unwrap();
        (faulty, table)
    }

    fn keys(faulty: &FaultySnapshots) -> Vec<u8> {
        faulty.0.lock().durable.keys().map(|key| key[0]).collect()
    }

    #[test]
    fn what_others_change_while_a_copy_is_made_is_in_it() {
        let (faulty, table) = table();
        table
            .write(|inner| {
                inner.note_changes();
                Ok(())
            })
            .unwrap();
        let change =
            |key: u8, value: Option<&[u8]>| table.change(&[key], value).map_err(|e| e.error).unwrap();
        let swapped = table.copy(|copy| {
            copy.take_all()?;
            change(3, None);
            (100..150).for_each(|key| change(key, Some(b"new")));
            copy.take_changed()?;
            change(5, Some(b"changed"));
            change(7, None);
            change(149, None);
            table.write(|inner| copy.swap(inner))
        });
        swapped.unwrap();
        let expected: Vec<u8> = (0..20).filter(|key| ![3, 7].contains(key)).chain(100..149).collect();
        assert_eq!(keys(&faulty), expected);
        assert_eq!(table.get(&[5]).unwrap().unwrap(), &b"changed"[..]);
    }

    #[test]
    fn others_are_served_while_a_copy_is_made() {
        let (_faulty, table) = table();
        let served = table.copy(|copy| {
            copy.take_all()?;
            table.get(&[1])
        });
        assert!(served.unwrap().is_some());
    }

    #[test]
    fn writes_lost_meanwhile_leave_the_present_database() {
        let (faulty, table) = table();
        table.insert(&[1], b"lost").unwrap();
        faulty.0.lock().flush_fault = Some((0, super::super::faulty::FlushFault::Before(StorageFull)));
        assert!(table.rewrite().is_err(), "it flushes first");
        assert_eq!(table.losses(), 1);
        assert_eq!(table.get(&[1]).unwrap().unwrap(), &[1][..]);
        table.rewrite().unwrap();
        assert_eq!(keys(&faulty), (0..20).collect::<Vec<u8>>());
    }

    #[test]
    fn a_copy_that_fails_is_thrown_away_and_counted() {
        let (faulty, table) = table();
        for _ in 0..SNAPSHOT_ABANDONED_MAX {
            faulty.0.lock().write_fault = Some((10, StorageFull));
            assert!(table.rewrite().unwrap_err().may_pass());
            assert!(faulty.0.lock().fresh.is_empty());
            assert_eq!(keys(&faulty), (0..20).collect::<Vec<u8>>());
        }
        assert!(table.room().full().unwrap().ends_with("until a restart"));
        assert!(table.rewrite().is_err() && table.get(&[0]).unwrap().is_some());
    }

    #[test]
    fn a_swap_of_which_nobody_knows_whether_it_is_durable_ends_the_store() {
        for (kind, goes_on) in [(StorageFull, true), (Other, false)] {
            let (faulty, table) = table();
            faulty.0.lock().replace_fault = Some(kind);
            assert_eq!(table.rewrite().unwrap_err().may_pass(), goes_on);
            assert_eq!(table.insert(&[30], b"x").is_ok(), goes_on);
            assert_eq!(table.get(&[0]).is_ok(), goes_on);
        }
    }
}
