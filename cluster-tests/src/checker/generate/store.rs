//! The store that generated histories come from: a map, a version counter, a clock that the caller sets.

use std::collections::HashMap;

use crate::history::{Expect, Expires, Input, Output, Seen};

/// The store.
#[derive(Debug, Clone, Default)]
pub(in crate::checker) struct Store {
    entries: HashMap<String, Entry>,
    version: u64,
}

#[derive(Debug, Clone)]
struct Entry {
    value: String,
    version: u64,
    deadline_ms: Option<u64>,
}

impl Store {
    /// The version the key has or had last, 0 without one.
    pub(super) fn version_of(&self, key: &str) -> u64 {
        self.entries.get(key).map_or(0, |entry| entry.version)
    }

    /// Carries one operation out at this group time.
    pub(in crate::checker) fn apply(&mut self, now_ms: u64, key: &str, input: &Input) -> (Output, Expires) {
        if self.entries.get(key).is_some_and(|e| e.deadline_ms.is_some_and(|at| at <= now_ms)) {
            self.entries.remove(key);
        }
        let old = self.entries.get(key).cloned();
        let kept = old.as_ref().and_then(|entry| entry.deadline_ms);
        let fresh = |ttl_ms: Option<u64>| ttl_ms.map(|ttl| now_ms + ttl);
        let (value, deadline_ms) = match input {
            Input::Get(_) => return shown(old.as_ref(), now_ms),
            Input::Delete => return (self.delete(key), Expires::Untold),
            Input::Set { value, ttl_ms } => (value.clone(), fresh(*ttl_ms)),
            Input::Cas { expect, .. } if !holds(expect, old.as_ref()) => {
                return (Output::Mismatch { current: old.map(|entry| entry.version) }, Expires::Untold);
            }
            Input::Cas { value, ttl_ms, .. } => (value.clone(), fresh(*ttl_ms)),
            Input::Incr { by } => match old.as_ref().map_or(Ok(0), |entry| entry.value.parse::<i64>()) {
                Ok(number) => ((number + by).to_string(), kept),
                Err(_) => return (Output::NotANumber, Expires::Untold),
            },
            Input::Append { value } => {
                (old.as_ref().map_or(String::new(), |entry| entry.value.clone()) + value, kept)
            }
            Input::Touch { .. } | Input::Persist => match &old {
                Some(entry) => (entry.value.clone(), fresh(input.ttl_ms())),
                None => return (Output::Missing, Expires::Untold),
            },
        };
        let told = matches!(input, Input::Incr { .. }).then(|| value.clone());
        self.version += 1;
        let entry = Entry { value, version: self.version, deadline_ms };
        let expires = left(&entry, now_ms);
        self.entries.insert(key.to_owned(), entry);
        (Output::Written { version: Some(self.version), created: Some(old.is_none()), value: told }, expires)
    }

    fn delete(&mut self, key: &str) -> Output {
        let deleted = self.entries.remove(key).is_some();
        self.version += u64::from(deleted);
        Output::Deleted { deleted, version: Some(self.version) }
    }
}

fn shown(entry: Option<&Entry>, now_ms: u64) -> (Output, Expires) {
    let seen = entry.map(|entry| Seen { value: entry.value.clone(), version: Some(entry.version) });
    (Output::Read(seen), entry.map_or(Expires::Untold, |entry| left(entry, now_ms)))
}

fn left(entry: &Entry, now_ms: u64) -> Expires {
    entry.deadline_ms.map_or(Expires::Never, |at| Expires::In(at - now_ms))
}

fn holds(expect: &Expect, entry: Option<&Entry>) -> bool {
    match expect {
        Expect::Absent => entry.is_none(),
        Expect::Present => entry.is_some(),
        Expect::Version(version) => entry.is_some_and(|e| e.version == *version),
        Expect::Value(value) => entry.is_some_and(|e| e.value == *value),
    }
}
