//! The sequential specification of one key of the TTL map: a register with a version and a deadline.
//!
//! An operation first finds the key present or expired (`State::met`), as its time and the deadline allow; what
//! it does then is certain. What an operation of unknown outcome leaves behind is known in part: its version is
//! learned from the first answer that tells it, its deadline is kept within bounds. Versions that were told only
//! grow, over deletes as well, and so does group time. A store without versions or times (a public history) is
//! checked by values alone.

use std::fmt;
use std::sync::Arc;

use super::deadline::{Deadline, When};
use super::model::Model;
use super::observed::Observed;
use crate::history::{Expect, Expires, Input, Operation, Outcome, Output, Seen};

/// The register, by the value it starts with.
#[derive(Debug, Clone, Default)]
pub struct Register {
    initial: Option<String>,
    observed: Option<Observed>,
}

impl Register {
    /// A register that holds `value` before the first operation.
    pub fn holding(value: &str) -> Self {
        Self { initial: Some(value.to_owned()), observed: None }
    }

    fn keep(&self, value: String) -> Value {
        let matters = self.observed.as_ref().is_none_or(|observed| observed.matters(&value));
        if matters { Value::Known(value.into()) } else { Value::Unseen }
    }
}

/// The key between two operations.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    entry: Option<Entry>,
    /// The largest version told so far.
    floor: u64,
    /// The least that group time can be, ms.
    now: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Entry {
    value: Value,
    version: Option<u64>,
    deadline: Deadline,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Value {
    Known(Arc<str>),
    /// One that no answer shows, nor any that could be made of it by appending. It is no number.
    Unseen,
}

impl Value {
    fn is(&self, text: &str) -> bool {
        matches!(self, Self::Known(value) if **value == *text)
    }

    /// The number this is, written as Quorate and Redis write numbers.
    fn number(&self) -> Option<i64> {
        let Self::Known(text) = self else { return None };
        text.parse::<i64>().ok().filter(|number| *number.to_string() == **text)
    }
}

impl Model for Register {
    type Op = Operation;
    type State = State;

    fn narrowed(&self, operations: &[&Operation]) -> Self {
        Self { initial: self.initial.clone(), observed: Some(Observed::in_operations(operations)) }
    }

    fn initial(&self) -> State {
        let value = |text: &String| Value::Known(text.as_str().into());
        let entry = |text| Entry { value: value(text), version: None, deadline: Deadline::Never };
        State { entry: self.initial.as_ref().map(entry), floor: 0, now: 0 }
    }

    fn step(&self, state: &State, op: &Operation) -> [Option<State>; 2] {
        let [present, absent] = state.met(When::of(op));
        if present.is_some() && !tells_presence(op) {
            // Whether the key had expired makes no difference then, but for what is known of group time.
            return [present.and_then(|state| state.after(self, op)), None];
        }
        [present, absent].map(|state| state?.after(self, op))
    }

    fn alike(&self, one: &Operation, other: &Operation) -> bool {
        (&one.input, &one.output, one.time_ms) == (&other.input, &other.output, other.time_ms)
    }
}

/// Whether what the operation does or answers depends on the key's presence.
fn tells_presence(op: &Operation) -> bool {
    match (&op.input, &op.output) {
        (Input::Set { .. }, Some(Output::Written { created, .. })) => created.is_some(),
        (Input::Set { .. } | Input::Delete, None) => false,
        _ => true,
    }
}

impl State {
    /// The key as an operation meets it `when`: present, and absent, as far as either can be.
    fn met(&self, when: When) -> [Option<Self>; 2] {
        let Some(now) = when.advance(self.now) else { return [None, None] };
        let Some(entry) = &self.entry else { return [None, Some(Self { now, ..self.clone() })] };
        let deadline = entry.deadline.capped(when.latest());
        let alive = deadline.not_passed(when, now).map(|deadline| Self {
            entry: Some(Entry { deadline, ..entry.clone() }),
            floor: self.floor,
            now: now.max(deadline.written()),
        });
        let gone = deadline.passed(when, now).map(|now| Self { entry: None, floor: self.floor, now });
        [alive, gone]
    }

    /// The state after an operation on a key that is certainly present or absent.
    fn after(mut self, register: &Register, op: &Operation) -> Option<Self> {
        let output = op.output.as_ref().filter(|_| op.outcome == Outcome::Ok);
        match (&op.input, output) {
            (Input::Get(_), Some(Output::Read(seen))) => self.shows(seen.as_ref(), op),
            (Input::Get(_), _) => None,
            (Input::Cas { expect, .. }, Some(Output::Mismatch { current })) => self.refuses(expect, *current),
            (Input::Touch { .. } | Input::Persist | Input::Incr { .. }, Some(Output::Missing)) => {
                self.entry.is_none().then_some(self)
            }
            (Input::Incr { .. }, Some(Output::NotANumber)) => {
                let number = self.entry.as_ref()?.value.number();
                number.is_none().then_some(self)
            }
            (Input::Delete, output) => self.delete(output),
            (_, output) => {
                let (value, deadline) = self.new_entry(register, op)?;
                self.write(value, deadline, op, output)
            }
        }
    }

    /// A read of what is there.
    fn shows(mut self, seen: Option<&Seen>, op: &Operation) -> Option<Self> {
        let Some(seen) = seen else { return self.entry.is_none().then_some(self) };
        let entry = self.entry.as_mut()?;
        entry.deadline = entry.deadline.told(op.expires, op.time_ms)?;
        self.now = self.now.max(entry.deadline.written());
        let same_value = entry.value.is(&seen.value);
        let same_version = seen.version.is_none_or(|version| self.has_version(version));
        (same_value && same_version).then_some(self)
    }

    /// A condition that did not hold.
    fn refuses(mut self, expect: &Expect, current: Option<u64>) -> Option<Self> {
        let entry = self.entry.as_ref();
        let holds = match expect {
            Expect::Absent => entry.is_none(),
            Expect::Present => entry.is_some(),
            Expect::Value(value) => entry.is_some_and(|e| e.value.is(value)),
            Expect::Version(version) => entry.is_some_and(|e| e.version == Some(*version)),
        };
        let told =
            current.is_none_or(|version| *expect != Expect::Version(version) && self.has_version(version));
        (!holds && told).then_some(self)
    }

    /// Value and deadline a write leaves; `None`: it changes nothing here.
    fn new_entry(&mut self, register: &Register, op: &Operation) -> Option<(Value, Deadline)> {
        let old = self.entry.as_ref();
        let kept = old.map_or(Deadline::Never, |entry| entry.deadline);
        // What had to be there was written to before its time was up.
        let before = if tells_presence(op) { kept } else { Deadline::Never };
        let fresh = Deadline::set(op.input.ttl_ms(), When::of(op), self.now, before);
        Some(match &op.input {
            Input::Get(_) | Input::Delete => return None,
            Input::Set { value, .. } => (register.keep(value.clone()), fresh),
            Input::Cas { expect, value, .. } => {
                let holds = match expect {
                    Expect::Absent => old.is_none(),
                    Expect::Present => old.is_some(),
                    Expect::Value(value) => old.is_some_and(|e| e.value.is(value)),
                    Expect::Version(version) => self.has_version(*version),
                };
                holds.then(|| (register.keep(value.clone()), fresh))?
            }
            Input::Incr { by } => {
                let number = old.map_or(Some(0), |entry| entry.value.number())?;
                (register.keep(number.checked_add(*by)?.to_string()), kept)
            }
            Input::Append { value } => match old.map(|entry| &entry.value) {
                None => (register.keep(value.clone()), kept),
                Some(Value::Known(old)) => (register.keep(format!("{old}{value}")), kept),
                Some(Value::Unseen) => (Value::Unseen, kept),
            },
            Input::Touch { .. } | Input::Persist => (old?.value.clone(), fresh),
        })
    }

    fn write(
        mut self,
        value: Value,
        deadline: Deadline,
        op: &Operation,
        output: Option<&Output>,
    ) -> Option<Self> {
        let (version, created, told) = match output {
            None => (None, None, None),
            Some(Output::Written { version, created, value }) => (*version, *created, value.as_deref()),
            Some(_) => return None,
        };
        let fits = created.is_none_or(|created| created == self.entry.is_none())
            && told.is_none_or(|told| value.is(told))
            && version.is_none_or(|version| version > self.floor);
        if !fits {
            return None;
        }
        let expires = if output.is_some() { op.expires } else { Expires::Untold };
        let deadline = deadline.told(expires, op.time_ms)?;
        self.now = self.now.max(deadline.written());
        self.floor = version.unwrap_or(self.floor);
        self.entry = Some(Entry { value, version, deadline });
        Some(self)
    }

    fn delete(mut self, output: Option<&Output>) -> Option<Self> {
        match output {
            None => {}
            Some(Output::Deleted { deleted, version }) => {
                let grown = version.is_none_or(|v| v >= self.floor + u64::from(*deleted));
                if *deleted != self.entry.is_some() || !grown {
                    return None;
                }
                self.floor = version.unwrap_or(self.floor);
            }
            Some(_) => return None,
        }
        self.entry = None;
        Some(self)
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

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Entry { value, version, deadline }) = &self.entry else { return write!(f, "absent") };
        match value {
            Value::Known(text) => write!(f, "{text:?}")?,
            Value::Unseen => write!(f, "a value that nobody saw")?,
        }
        if let Some(version) = version {
            write!(f, " of version {version}")?;
        }
        write!(f, "{deadline}")
    }
}
