//! What comes of one simulation.

use serde::{Deserialize, Serialize};

use super::focus::Focus;
use crate::history::Operation;

/// What the caller may say of a simulation beside its seed.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How long faults go on, simulated seconds; drawn from the seed when not given.
    pub seconds: Option<u64>,
    /// What the plan is narrowed to.
    pub focus: Focus,
    /// Whether events are printed on standard output as they happen.
    pub print: bool,
}

/// What must not be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The name of the invariant, or `history`, `shown-expired`, `liveness`, `panic` or `stuck`.
    pub kind: String,
    /// What happened, for people.
    pub detail: String,
}

impl Violation {
    pub(super) fn new(kind: &str, detail: impl Into<String>) -> Self {
        Self { kind: kind.to_owned(), detail: detail.into() }
    }
}

/// What came of a simulation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Its seed.
    pub seed: u64,
    /// What was wrong; `None`: nothing.
    pub violation: Option<Violation>,
    /// Hash of everything that happened: the same for the same seed and program.
    pub trace_hash: u64,
    /// How much time passed in it, seconds.
    pub simulated_s: f64,
    /// What its clients saw; not told to another process.
    #[serde(skip)]
    pub history: Vec<Operation>,
}

impl Outcome {
    /// That of a simulation that told nothing else.
    pub(super) fn without(seed: u64, violation: Violation) -> Self {
        Self { seed, violation: Some(violation), trace_hash: 0, simulated_s: 0.0, history: Vec::new() }
    }
}
