//! How many entries of a slot are in which namespace, so that counting keys looks at slots and not at keys.

use std::collections::BTreeMap;

use crate::key::{DEFAULT_NAMESPACE, NamespaceId};

/// How many entries of a slot are in each namespace but the default one; most slots have none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Elsewhere(BTreeMap<NamespaceId, u64>);

impl Elsewhere {
    /// Counts one entry more.
    pub(crate) fn add(&mut self, namespace: NamespaceId) {
        if namespace != DEFAULT_NAMESPACE {
            *self.0.entry(namespace).or_default() += 1;
        }
    }

    /// Counts one entry less.
    pub(super) fn subtract(&mut self, namespace: NamespaceId) {
        if let Some(count) = self.0.get_mut(&namespace) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(&namespace);
            }
        }
    }

    /// Entries of a namespace, of `all`.
    pub(super) fn items_of(&self, namespace: NamespaceId, all: u64) -> u64 {
        if namespace == DEFAULT_NAMESPACE {
            return all - self.0.values().sum::<u64>();
        }
        self.0.get(&namespace).copied().unwrap_or(0)
    }
}
