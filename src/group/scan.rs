//! Looking through a group's keys instead of looking some up: pages of a walk, and counts.
//!
//! The same rounds as for reads make them linearizable. One page is of one moment; two pages are not.

use raft_store::key::NamespaceId;
use raft_store::map::{Page, SlotSpan, Walk};

use super::Group;
use super::reads::ReadIndexError;

/// What is sought among a group's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sought {
    /// The next page of a walk.
    Page(Walk),
    /// How many keys of a namespace are held in these slots.
    Count(NamespaceId, Vec<SlotSpan>),
}

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sight {
    /// A page.
    Page(Page),
    /// A number of keys.
    Count(u64),
    /// The group does not own all of the slots.
    NotOwner,
}

/// What was seen, and the group time it is true at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Survey {
    pub(crate) time_ms: u64,
    pub(crate) sight: Sight,
}

impl Group {
    /// A linearizable look by the leader. As with single keys, it looks again after a tick when a key is due by the
    /// leader's clock and not in group time yet. The clock is read once: of thousands of keys there may always be one
    /// that has just become due.
    pub(crate) async fn seek(&self, sought: &Sought, lease: bool) -> Result<Survey, ReadIndexError> {
        self.confirm(lease).await?;
        let now_ms = self.now_ms();
        loop {
            let survey = self.seek_here(sought);
            if !survey.shows_due(now_ms) {
                return Ok(Survey { time_ms: survey.time_ms.max(now_ms), ..survey });
            }
            self.tick().await?;
        }
    }

    /// What this replica holds now, however old.
    pub(crate) fn seek_here(&self, sought: &Sought) -> Survey {
        let map = self.map().read();
        let sight = match sought {
            Sought::Page(walk) => map.scan(walk).map(Sight::Page),
            Sought::Count(namespace, slots) => map.count(*namespace, slots).map(Sight::Count),
        };
        Survey { time_ms: map.time_ms(), sight: sight.unwrap_or(Sight::NotOwner) }
    }
}

impl Survey {
    fn shows_due(&self, now_ms: u64) -> bool {
        matches!(&self.sight, Sight::Page(page) if page.deadline.is_some_and(|deadline| deadline <= now_ms))
    }
}
