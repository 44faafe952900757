//! Copies the database into a fresh one, which then takes its place: to give room back that removed
//! snapshots still take, and to leave damaged parts behind.

use super::Result;
use super::backend::{Backend, Pairs};
use super::error::SnapshotError;
use super::keeper::{Inner, Kind};
use super::table::{Table, behind};
use crate::limits::{SNAPSHOT_RESIDENT_BYTES_MAX, SNAPSHOT_UNFLUSHED_BYTES_MAX};

impl Table {
    /// Copies everything into a fresh database that takes the present one's place, which gives back the room
    /// of what was removed.
    pub(super) fn rewrite(&self) -> Result<()> {
        self.write(|inner| {
            inner.ensure_awake()?;
            inner.flush()?;
            let mut next = Vec::new();
            let copied = copy(inner, |inner| {
                let some = inner.pairs(&next)?;
                if let Some((last, _)) = some.last() {
                    next = behind(last);
                }
                Ok(some)
            })?;
            inner.swap(copied)
        })
    }

    /// Puts `records`, and what the database still holds of `keys`, into a fresh database that takes the
    /// present one's place. Says how many of `keys` could not be read. Everything else is lost, what is being
    /// written too.
    pub(super) fn rescue(&self, records: Vec<(Vec<u8>, Vec<u8>)>, keys: Vec<Vec<u8>>) -> Result<usize> {
        let mut lost = 0;
        self.write(|inner| {
            inner.losses += 1;
            let mut records = records.into_iter();
            let mut keys = keys.into_iter();
            let copied = copy(inner, |inner| {
                if let Some((key, value)) = records.next() {
                    return Ok(vec![(key.into(), value.into())]);
                }
                for key in keys.by_ref() {
                    match inner.run(Kind::Read, "reading", |backend| backend.get(&key)) {
                        Ok(Some(value)) => return Ok(vec![(key.into(), value)]),
                        Ok(None) => lost += 1,
                        Err(error) if error.is_damage() => lost += 1,
                        Err(error) => return Err(error),
                    }
                }
                Ok(Vec::new())
            })?;
            inner.swap(copied)
        })?;
        Ok(lost)
    }
}

impl Inner {
    /// Puts the fresh, closed database in the present one's place.
    fn swap(&mut self, fresh: Box<dyn Backend>) -> Result<()> {
        let doing = |error| SnapshotError::failed("closing a rewritten database".to_owned(), error);
        fresh.close().map_err(doing)?;
        // What is in the present one counts no longer, so neither does its failure to write more.
        if let Some(Err(error)) = self.backend.take().map(Backend::close) {
            tracing::debug!(%error, "the database that was rewritten did not close");
        }
        (self.dirty, self.unflushed, self.resident) = (false, 0, 0);
        self.place.replace()?;
        self.abandoned = false;
        self.open_if_need_be()
    }
}

/// Writes what `more` gives, until that is nothing, to a fresh database: flushed and bounded as the present one.
fn copy(inner: &mut Inner, mut more: impl FnMut(&mut Inner) -> Result<Pairs>) -> Result<Box<dyn Backend>> {
    let doing = |error| SnapshotError::failed("writing a rewritten database".to_owned(), error);
    let mut fresh = inner.place.open_fresh(false)?;
    let (mut unflushed, mut resident) = (0, 0);
    loop {
        let some = match more(inner) {
            Ok(some) if some.is_empty() => break,
            Ok(some) => some,
            Err(error) => {
                fresh.abandon(true);
                return Err(error);
            }
        };
        let mut written = some.iter().try_for_each(|(key, value)| fresh.insert(key, value));
        let bytes: usize = some.iter().map(|(_, value)| value.len()).sum();
        (unflushed, resident) = (unflushed + bytes, resident + bytes);
        if written.is_ok() && unflushed >= SNAPSHOT_UNFLUSHED_BYTES_MAX {
            unflushed = 0;
            written = fresh.flush();
        }
        if let Err(error) = written {
            fresh.abandon(true);
            return Err(doing(error));
        }
        if resident >= SNAPSHOT_RESIDENT_BYTES_MAX {
            resident = 0;
            fresh.close().map_err(doing)?;
            fresh = inner.place.open_fresh(true)?;
        }
    }
    Ok(fresh)
}
