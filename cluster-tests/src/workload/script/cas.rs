//! Everybody reads a few hot keys and replaces what was read: of those that saw one version, one may win.

use super::{LastSeen, Script, Step};
use crate::history::{Expect, Input, Operation};
use crate::workload::draw::Draw;
use crate::workload::kind::Kind;

/// Keys at one time.
const KEYS: u64 = 3;

/// The script.
#[derive(Debug, Default)]
pub(super) struct Cas {
    seen: LastSeen,
}

impl Script for Cas {
    fn next(&mut self, draw: &mut Draw) -> Step {
        let again = if draw.percent(70) { self.seen.key() } else { None };
        let key = again.unwrap_or_else(|| draw.key(Kind::Cas, KEYS));
        let input = match (self.seen.of(&key), draw.below(100)) {
            (_, 0..3) => Input::Delete,
            (Some(version), 3..60) => self.replace(Expect::Version(version), draw),
            (_, 3..6) => self.replace(Expect::Present, draw),
            (None, 6..40) => self.replace(Expect::Absent, draw),
            _ => Input::Get(draw.consistency()),
        };
        Step::One(key, input)
    }

    fn learn(&mut self, done: &Operation) {
        self.seen.learn(done);
    }
}

impl Cas {
    fn replace(&self, expect: Expect, draw: &mut Draw) -> Input {
        Input::Cas { expect, value: draw.value(), ttl_ms: None }
    }
}
