//! The sequential specification of one key of the TTL map: a register with a version and a deadline.
//!
//! What an operation of unknown outcome leaves behind is known in part only: its version is learned from the
//! first answer that tells it. Versions that were told may only grow, over deletes as well: `floor` keeps the
//! largest. A store without versions (a public history) is checked by values alone.

use std::sync::Arc;

use super::model::Model;
use crate::history::{Expect, Input, Operation, Outcome, Output, Seen};

/// The register, by the value it starts with.
#[derive(Debug, Clone, Default)]
pub struct Register {
    initial: Option<String>,
}

impl Register {
    /// A register that holds `value` before the first operation.
    pub fn holding(value: &str) -> Self {
        Self { initial: Some(value.to_owned()) }
    }
}

/// The key between two operations.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    entry: Option<Entry>,
    /// The largest version told so far.
    floor: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Entry {
    value: Arc<str>,
    version: Option<u64>,
    deadline: Deadline,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Deadline {
    Never,
    /// Group time, ms.
    At(u64),
    /// There is one, but no answer told the group time it counts from.
    Untold,
}

impl Model for Register {
    type Op = Operation;
    type State = State;

    fn initial(&self) -> State {
        let entry =
            |value: &String| Entry { value: value.as_str().into(), version: None, deadline: Deadline::Never };
        State { entry: self.initial.as_ref().map(entry), floor: 0 }
    }

    fn step(&self, state: &State, op: &Operation) -> Option<State> {
        if op.outcome == Outcome::Unknown {
            return state.clone().effect(op, None);
        }
        match (&op.input, op.output.as_ref()?) {
            (Input::Get(_), Output::Read(seen)) => state.clone().read(seen.as_ref(), op.time_ms),
            (Input::Cas { expect, .. }, Output::Mismatch { current }) => {
                state.clone().mismatch(expect, *current)
            }
            (Input::Get(_), _) | (_, Output::Read(_) | Output::Mismatch { .. }) => None,
            (_, output) => state.clone().effect(op, Some(output)),
        }
    }
}

impl State {
    /// Whether the key can be absent at group time `now`: it is, or its deadline may have passed.
    fn may_be_absent(&self, now: Option<u64>) -> bool {
        self.entry.as_ref().is_none_or(|entry| match entry.deadline {
            Deadline::Never => false,
            Deadline::At(at) => now.is_none_or(|now| at <= now),
            Deadline::Untold => true,
        })
    }

    /// Whether the key can be present at group time `now`.
    fn may_be_present(&self, now: Option<u64>) -> bool {
        self.entry.as_ref().is_some_and(|entry| match entry.deadline {
            Deadline::At(at) => now.is_none_or(|now| now < at),
            Deadline::Never | Deadline::Untold => true,
        })
    }

    /// Whether `present`, as told at group time `now`, can be so.
    fn may_be(&self, present: bool, now: Option<u64>) -> bool {
        if present { self.may_be_present(now) } else { self.may_be_absent(now) }
    }

    /// A read that saw `seen` at group time `now`. What expired stays gone.
    fn read(mut self, seen: Option<&Seen>, now: Option<u64>) -> Option<Self> {
        if !self.may_be(seen.is_some(), now) {
            return None;
        }
        let Some(seen) = seen else {
            self.entry = None;
            return Some(self);
        };
        let same_value = self.has_value(&seen.value);
        let same_version = seen.version.is_none_or(|version| self.has_version(version));
        (same_value && same_version).then_some(self)
    }

    fn mismatch(mut self, expect: &Expect, current: Option<u64>) -> Option<Self> {
        let holds = match expect {
            Expect::Absent => self.entry.is_none(),
            Expect::Present => self.entry.as_ref().is_some_and(|e| e.deadline == Deadline::Never),
            Expect::Value(value) => self.has_value(value),
            Expect::Version(version) => {
                let same = |e: &Entry| e.version == Some(*version) && e.deadline == Deadline::Never;
                self.entry.as_ref().is_some_and(same)
            }
        };
        let told =
            current.is_none_or(|version| *expect != Expect::Version(version) && self.has_version(version));
        (!holds && told).then_some(self)
    }

    /// The operation's effect, with its answer if there was one.
    fn effect(mut self, op: &Operation, output: Option<&Output>) -> Option<Self> {
        let now = op.time_ms.filter(|_| output.is_some());
        match &op.input {
            Input::Get(_) => Some(self),
            Input::Delete => self.delete(now, output),
            Input::Set { value, ttl_ms } => self.write(value, deadline(*ttl_ms, now), now, output),
            Input::Cas { expect, value, ttl_ms } => {
                let holds = match expect {
                    Expect::Absent => self.may_be_absent(now),
                    Expect::Present => self.may_be_present(now),
                    Expect::Value(value) => self.has_value(value),
                    Expect::Version(version) => self.has_version(*version),
                };
                if holds { self.write(value, deadline(*ttl_ms, now), now, output) } else { None }
            }
            Input::Incr { by } => {
                let old = self.entry.as_ref().map_or(Some(0), |e| e.value.parse::<i64>().ok())?;
                self.compute(&old.checked_add(*by)?.to_string(), now, output)
            }
            Input::Append { value } => {
                let old = self.entry.as_ref().map_or("", |e| &e.value);
                let new = format!("{old}{value}");
                self.compute(&new, now, output)
            }
            Input::Touch { .. } | Input::Persist => self.keep(deadline(op.input.ttl_ms(), now), now, output),
        }
    }

    /// Writes a value made from the old one; the deadline stays. (Workloads do not mix this with deadlines:
    /// an old value that may have expired counts as present here.)
    fn compute(self, value: &str, now: Option<u64>, output: Option<&Output>) -> Option<Self> {
        if let Some(Output::Written { value: Some(told), .. }) = output
            && told != value
        {
            return None;
        }
        let deadline = self.entry.as_ref().map_or(Deadline::Never, |e| e.deadline);
        self.write(value, deadline, now, output)
    }

    /// Gives the value that is there another deadline.
    fn keep(self, deadline: Deadline, now: Option<u64>, output: Option<&Output>) -> Option<Self> {
        if output == Some(&Output::Missing) {
            return self.may_be_absent(now).then_some(self);
        }
        let value = self.entry.as_ref().filter(|_| self.may_be_present(now))?.value.clone();
        self.write(&value, deadline, now, output)
    }

    fn write(
        mut self,
        value: &str,
        deadline: Deadline,
        now: Option<u64>,
        output: Option<&Output>,
    ) -> Option<Self> {
        let (version, created) = match output {
            None => (None, None),
            Some(Output::Written { version, created, .. }) => (*version, *created),
            Some(_) => return None,
        };
        let possible = created.is_none_or(|created| self.may_be(!created, now));
        if !possible || version.is_some_and(|v| v <= self.floor) {
            return None;
        }
        self.floor = version.unwrap_or(self.floor);
        self.entry = Some(Entry { value: value.into(), version, deadline });
        Some(self)
    }

    fn delete(mut self, now: Option<u64>, output: Option<&Output>) -> Option<Self> {
        match output {
            None => {}
            Some(Output::Deleted { deleted, version }) => {
                let grown = version.is_none_or(|v| v >= self.floor + u64::from(*deleted));
                if !self.may_be(*deleted, now) || !grown {
                    return None;
                }
                self.floor = version.unwrap_or(self.floor);
            }
            Some(_) => return None,
        }
        self.entry = None;
        Some(self)
    }

    fn has_value(&self, value: &str) -> bool {
        self.entry.as_ref().is_some_and(|entry| *entry.value == *value)
    }

    /// Whether the key is present with this version; learns it if it was not told before.
    fn has_version(&mut self, version: u64) -> bool {
        let floor = self.floor;
        let Some(entry) = self.entry.as_mut() else { return false };
        let known = *entry.version.get_or_insert_with(|| version.max(floor + 1));
        self.floor = floor.max(known);
        known == version
    }
}

fn deadline(ttl_ms: Option<u64>, now: Option<u64>) -> Deadline {
    match (ttl_ms, now) {
        (None, _) => Deadline::Never,
        (Some(ttl), Some(now)) => Deadline::At(now.saturating_add(ttl)),
        (Some(_), None) => Deadline::Untold,
    }
}
