//! Log matching: "if two logs contain an entry with the same index and term, then the logs are identical in all entries up
//! through the given index" (Ongaro and Ousterhout 2014, figure 3).
//!
//! It is enough that equal entries have equal entries before them, everywhere and for ever.

use std::collections::BTreeMap;

use super::{Broken, Id, Invariant, Replica};

#[derive(Default)]
pub(super) struct LogMatching {
    /// What stands before an entry.
    before: BTreeMap<(u32, Id), Id>,
}

impl Invariant for LogMatching {
    fn name(&self) -> &'static str {
        "log-matching"
    }

    fn see(&mut self, replica: &Replica) -> Broken {
        let entries: Vec<Id> = replica.before_new.into_iter().chain(replica.new_entries.clone()).collect();
        for pair in entries.windows(2) {
            let (first, second) = (pair[0], pair[1]);
            if second.index != first.index + 1 || second.by < first.by {
                return Err(format!("{second:?} stands behind {first:?}"));
            }
            let known = *self.before.entry((replica.group, second)).or_insert(first);
            if known != first {
                return Err(format!("before {second:?} stands {first:?}; elsewhere {known:?} did"));
            }
        }
        Ok(())
    }
}
