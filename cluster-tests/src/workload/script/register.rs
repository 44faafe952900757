//! Writes and reads by halves; of the writes some are conditional or deletes.

use super::{LastSeen, Script, Step};
use crate::history::{Expect, Input, Operation};
use crate::workload::draw::Draw;

/// The script.
#[derive(Debug, Default)]
pub(super) struct Register {
    seen: LastSeen,
}

impl Script for Register {
    fn next(&mut self, draw: &mut Draw) -> Step {
        // Often the key seen last, so that compare-and-sets have a chance.
        let again = if draw.percent(25) { self.seen.key() } else { None };
        let key = again.unwrap_or_else(|| draw.register_key());
        let input = match draw.below(100) {
            0..50 => Input::Get(draw.consistency()),
            50..58 => Input::Delete,
            58..72 => {
                let expect = self.seen.of(&key).map_or(Expect::Absent, Expect::Version);
                Input::Cas { expect, value: draw.value(), ttl_ms: None }
            }
            _ => Input::Set { value: draw.value(), ttl_ms: None },
        };
        Step::One(key, input)
    }

    fn learn(&mut self, done: &Operation) {
        self.seen.learn(done);
    }
}
