//! How many entries there are of each namespace.
//!
//! Those of the default namespace are what the others leave: where nobody uses another one, nothing is allocated.

use std::collections::BTreeMap;

use crate::key::{DEFAULT_NAMESPACE, NamespaceId};

/// Entries, counted by namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    items: u64,
    /// Those of namespaces other than the default one; never 0.
    others: BTreeMap<NamespaceId, u64>,
}

impl Tally {
    /// Number of entries of all namespaces.
    pub(crate) fn items(&self) -> u64 {
        self.items
    }

    /// Number of entries of one namespace.
    pub(crate) fn of(&self, namespace: NamespaceId) -> u64 {
        match namespace {
            DEFAULT_NAMESPACE => self.items - self.others.values().sum::<u64>(),
            other => self.others.get(&other).copied().unwrap_or(0),
        }
    }

    /// Counts an entry that came.
    pub(super) fn add(&mut self, namespace: NamespaceId) {
        self.items += 1;
        if namespace != DEFAULT_NAMESPACE {
            *self.others.entry(namespace).or_default() += 1;
        }
    }

    /// Counts an entry that went.
    pub(super) fn remove(&mut self, namespace: NamespaceId) {
        self.items -= 1;
        if let Some(count) = self.others.get_mut(&namespace) {
            *count -= 1;
            if *count == 0 {
                self.others.remove(&namespace);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_namespace_has_what_the_others_leave() {
        let mut tally = Tally::default();
        [0, 7, 0, 9, 7].into_iter().for_each(|namespace| tally.add(namespace));
        assert_eq!((tally.items(), [0, 7, 8, 9].map(|namespace| tally.of(namespace))), (5, [2, 2, 0, 1]));
        [0, 7, 0, 9, 7].into_iter().for_each(|namespace| tally.remove(namespace));
        assert_eq!(tally, Tally::default());
    }
}
