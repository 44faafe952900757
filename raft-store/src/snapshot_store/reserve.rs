//! What the keeper asks before it writes: whether there is room, and whether it still may.

use super::Result;
use super::error::SnapshotError;
use super::keeper::Inner;
use super::room::with_reserve;
use crate::limits::SNAPSHOT_ABANDONED_MAX;

impl Inner {
    /// So many more were given up that keep their memory. Past the bound the store rests.
    pub(super) fn count_abandoned(&mut self, more: u32) {
        self.abandoned_count += more;
        if self.abandoned_count >= SNAPSHOT_ABANDONED_MAX && self.resting.is_none() {
            let why = format!(
                "{} was given up {} times with writes in it: it takes no more until a restart",
                self.place.name(),
                self.abandoned_count
            );
            tracing::error!(why, "the snapshot store rests");
            self.room.rest(&why);
            self.resting = Some(why);
        }
    }

    /// Fails if the store rests.
    pub(super) fn ensure_awake(&self) -> Result<()> {
        self.resting.as_ref().map_or(Ok(()), |why| Err(SnapshotError::Full(why.clone())))
    }

    /// Makes the reserve anew after one was used, as soon as there is room.
    pub(super) fn keep_reserve(&mut self) {
        if !self.reserved && self.room.ensure(0).is_ok() {
            self.reserved = self.place.keep_reserve().is_ok();
        }
    }

    /// Whether what waits to be flushed, and `more`, has room.
    pub(super) fn ensure_room(&self, more: usize) -> Result<()> {
        let bytes = (self.unflushed + more) as u64;
        let room = self.ensure_awake().and_then(|()| self.room.ensure(bytes));
        room.and_then(|()| self.try_room(bytes))
            .map_err(|error| error.within(format_args!("writing in {}", self.place.name())))
    }

    /// Tries for the room of `bytes`, where the system was wrong about it before: a quota, another writer.
    fn try_room(&self, bytes: u64) -> Result<()> {
        if self.abandoned_count == 0 {
            return Ok(());
        }
        let tried = self.place.try_room(with_reserve(bytes));
        tried.map_err(|error| SnapshotError::failed("trying for room".to_owned(), error)).inspect_err(
            |error| {
                if let SnapshotError::Full(why) = error {
                    self.room.met(why);
                }
            },
        )
    }
}
