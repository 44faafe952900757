//! What one client does of each kind of work: a script chooses operations and learns from their answers.

mod append;
mod batch;
mod bursts;
mod cas;
mod counter;
mod lease;
mod register;
mod set;
#[cfg(test)]
mod tests;
mod ttl;

use std::sync::Arc;
use std::time::Duration;

use super::draw::Draw;
use super::kind::Kind;
use super::shared::Shared;
use crate::history::{Input, Operation};

/// What a client does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// One operation in one request.
    One(String, Input),
    /// Several keys in one request; no key twice.
    Batch(Vec<(String, Input)>),
    /// Nothing, for a moment: what it wants to see is about to happen.
    Wait(Duration),
}

/// One client's part in one kind of work.
pub(super) trait Script: Send {
    /// Chooses.
    fn next(&mut self, draw: &mut Draw) -> Step;

    /// Is told what came of each operation it chose.
    fn learn(&mut self, _done: &Operation) {}
}

/// The script of a kind.
pub(super) fn of(kind: Kind, shared: &Arc<Shared>) -> Box<dyn Script> {
    match kind {
        Kind::Register => Box::<register::Register>::default(),
        Kind::Cas => Box::<cas::Cas>::default(),
        Kind::Counter => Box::new(counter::Counter),
        Kind::Set => Box::new(set::Set::new(shared)),
        Kind::Append => Box::<append::Append>::default(),
        Kind::Ttl => Box::<ttl::Ttl>::default(),
        Kind::Lease => Box::<lease::Lease>::default(),
        Kind::Batch => Box::<batch::Batch>::default(),
        Kind::Bursts => Box::new(bursts::Bursts),
    }
}

/// The key this client saw last, with its version: what a compare-and-set can build on.
#[derive(Debug, Default)]
struct LastSeen(Option<(String, u64)>);

impl LastSeen {
    fn learn(&mut self, done: &Operation) {
        if let Some(version) = done.output.as_ref().and_then(crate::history::Output::version) {
            self.0 = Some((done.key.clone(), version));
        }
    }

    /// The version last seen, if it was of this key.
    fn of(&self, key: &str) -> Option<u64> {
        self.0.as_ref().filter(|(seen, _)| seen == key).map(|(_, version)| *version)
    }

    /// The key, if there is one.
    fn key(&self) -> Option<String> {
        self.0.as_ref().map(|(key, _)| key.clone())
    }
}
