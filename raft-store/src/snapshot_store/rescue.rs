//! Copies what is whole of a damaged database into a fresh one, which then takes its place.
//!
//! Of each snapshot the chunks before the first that cannot be read are copied, so that what is left has no holes.

use super::backend::Pairs;
use super::rewrite::Copy;
use super::table::Table;
use super::{Record, Result, SnapshotId, frame, key};

/// What a rescue takes along.
#[derive(Default)]
pub(super) struct Keep {
    /// Small records, written anew from memory.
    records: Pairs,
    /// Snapshots, with the number of their chunks.
    snapshots: Vec<(SnapshotId, u32)>,
}

impl Keep {
    /// Takes along the record of a current snapshot.
    pub(super) fn record(&mut self, record: &Record) {
        self.records.push((key::current(record.id.group).into(), frame::encode_record(record).into()));
    }

    /// Takes along the chunks of a snapshot, and the note that it was begun.
    pub(super) fn chunks(&mut self, id: SnapshotId, chunks: u32) {
        self.records.push((key::begun(id).into(), frame::encode_begun(id).into()));
        self.snapshots.push((id, chunks));
    }
}

impl Table {
    /// Moves what it says of the database, as far as that can be read, to a fresh one. Says which
    /// snapshots are not whole. Everything else is lost, what is being written too.
    pub(super) fn rescue(&self, keep: &Keep) -> Result<Vec<SnapshotId>> {
        let _only_one = self.copying.lock();
        let done = self.copy(|copy| {
            let damaged = copy.take_kept(keep)?;
            self.write(|inner| copy.swap(inner))?;
            Ok(damaged)
        });
        self.write(|inner| {
            inner.losses += 1;
            inner.place.discard_fresh();
            Ok(())
        })?;
        done
    }

    /// As [`Self::rescue`], if damage was met and nobody else moved it since; and nothing is lost of what others write
    /// meanwhile, unless that is damaged. What to keep is asked for once that is certain; it must name all
    /// snapshots that are written or read. `None` if there is nothing to leave behind.
    pub(super) fn heal(&self, keep: impl FnOnce() -> Keep) -> Result<Option<Vec<SnapshotId>>> {
        let _only_one = self.copying.lock();
        if !self.is_rotten() {
            return Ok(None);
        }
        self.write(|inner| {
            inner.ensure_awake()?;
            inner.note_changes();
            Ok(())
        })?;
        let keep = keep();
        let done = self.copy(|copy| {
            copy.left_out = Some(Vec::new());
            let mut damaged = copy.take_kept(&keep)?;
            copy.take_changed()?;
            self.write(|inner| copy.swap(inner))?;
            let left_out = copy.left_out.take().unwrap_or_default();
            let is_of = |id| left_out.iter().any(|left: &Vec<u8>| left.starts_with(&key::chunks(id)));
            damaged.extend(keep.snapshots.iter().map(|(id, _)| *id).filter(|id| is_of(*id)));
            Ok(Some(damaged))
        });
        self.write(|inner| {
            inner.changed = None;
            inner.place.discard_fresh();
            Ok(())
        })?;
        done
    }

    /// Whether damage was met in the present database.
    pub(super) fn is_rotten(&self) -> bool {
        self.write(|inner| Ok(inner.rot.found)).is_ok_and(|found| found)
    }
}

impl Copy<'_> {
    fn take_kept(&mut self, keep: &Keep) -> Result<Vec<SnapshotId>> {
        self.put(&keep.records)?;
        let mut damaged = Vec::new();
        for &(id, chunks) in &keep.snapshots {
            if self.take_chunks(id, chunks)? < chunks {
                damaged.push(id);
            }
        }
        Ok(damaged)
    }

    /// Says how many chunks could be read before the first that could not.
    fn take_chunks(&mut self, id: SnapshotId, chunks: u32) -> Result<u32> {
        for index in 0..chunks {
            let key = key::chunk(id, index);
            match self.table.write(|inner| inner.value(&key)) {
                Ok(Some(value)) => self.set(&key, Some(value)).and_then(|()| self.refresh())?,
                Ok(None) => return Ok(index),
                Err(error) if error.is_damage() => return Ok(index),
                Err(error) => return Err(error),
            }
        }
        Ok(chunks)
    }
}

#[cfg(test)]
mod tests {
    use super::super::faulty::FaultySnapshots;
    use super::*;

    #[test]
    fn what_others_write_during_a_rescue_is_in_the_fresh_database() {
        let faulty = FaultySnapshots::default();
        let table = Table::open(Box::new(faulty.clone())).unwrap();
        (0..4).for_each(|at| table.insert(&[at], &[at]).unwrap());
        table.flush().unwrap();
        faulty.0.lock().damaged.insert(vec![2]);
        assert!(table.heal(Keep::default).unwrap().is_none(), "nobody has met it");
        assert!(table.get(&[2]).unwrap_err().is_damage());
        let keep = || {
            table.insert(&[9], b"meanwhile").unwrap();
            Keep::default()
        };
        assert_eq!(table.heal(keep).unwrap(), Some(Vec::new()));
        assert_eq!(table.get(&[9]).unwrap().unwrap(), &b"meanwhile"[..]);
        assert_eq!(table.get(&[2]).unwrap(), None);
        assert_eq!((table.losses(), table.is_rotten()), (0, false));
    }
}
