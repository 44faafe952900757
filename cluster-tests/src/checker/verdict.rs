//! What a judgement says: which faults were found, on which keys.

use std::fmt;

use super::STEPS_MAX;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A read returned what had been replaced before the read began.
    StaleRead,
    /// An acknowledged write is gone, and nothing can have taken it.
    LostWrite,
    /// A read returned a value that nobody wrote.
    Phantom,
    /// A write that was said never to happen was seen.
    FailedWriteVisible,
    /// A value was seen again after its delete had been acknowledged.
    Resurrected,
    /// A key's version did not grow with a write.
    VersionOrder,
    /// One version stood for two values.
    VersionReused,
    /// One write took effect twice.
    AppliedTwice,
    /// A counter is outside of what can have been added to it.
    CounterOff,
    /// Two reads of a list that is only appended to disagree about its order.
    ListOrder,
    /// A lock or lease was granted while it was held.
    HeldTwice,
    /// Local reads of one node went backwards.
    LocalBackwards,
    /// A local read was older than it said.
    LocalStale,
    /// Group time went back.
    TimeBackwards,
    /// A key was gone before its time.
    ExpiredEarly,
    /// A key was there after its time.
    ExpiredLate,
    /// No order of the operations explains the answers.
    NotLinearizable,
}

/// One fault found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The key.
    pub key: String,
    /// What is wrong.
    pub kind: Kind,
    /// The operations that show it, for people.
    pub detail: String,
}

/// The judgement on a history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Operations judged.
    pub operations: usize,
    /// Keys judged.
    pub keys: usize,
    /// Every fault found.
    pub violations: Vec<Violation>,
    /// Keys on which the search reached its bound.
    pub undecided: Vec<String>,
}

impl Verdict {
    /// Whether the history is shown to be right: no fault, nothing undecided.
    pub fn is_ok(&self) -> bool {
        self.violations.is_empty() && self.undecided.is_empty()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operations, keys, violations, undecided } = self;
        writeln!(f, "{operations} operations on {keys} keys: {} violations", violations.len())?;
        for Violation { key, kind, detail } in violations {
            writeln!(f, "  {kind:?} on key {key}: {detail}")?;
        }
        for key in undecided {
            writeln!(f, "  undecided on key {key}: more than {STEPS_MAX} steps")?;
        }
        Ok(())
    }
}
