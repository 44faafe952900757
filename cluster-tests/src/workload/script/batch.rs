//! Several keys in one request, of several groups: each operation has its own result and is judged alone.

use std::collections::{HashMap, HashSet};

use super::{Script, Step};
use crate::history::{Consistency, Expect, Input, Operation, Output};
use crate::workload::draw::Draw;
use crate::workload::kind::Kind;

/// Keys at one time; the first of them hold numbers, the rest values.
const KEYS: u64 = 24;
/// Most operations of one batch.
const OPERATIONS_MAX: u64 = 12;
/// Versions a client keeps in mind.
const SEEN_MAX: usize = 64;
/// Names of keys that hold numbers end in this.
const NUMBER: &str = "n";

/// The script.
#[derive(Debug, Default)]
pub(super) struct Batch {
    seen: HashMap<String, u64>,
}

impl Script for Batch {
    fn next(&mut self, draw: &mut Draw) -> Step {
        let how = draw.consistency();
        let count = 1 + draw.below(OPERATIONS_MAX);
        let mut keys = HashSet::new();
        let operations = (0..count).filter_map(|_| {
            let (key, input) = self.one(how, draw);
            keys.insert(key.clone()).then_some((key, input))
        });
        Step::Batch(operations.collect())
    }

    fn learn(&mut self, done: &Operation) {
        if let Some(version) = done.output.as_ref().and_then(Output::version) {
            if self.seen.len() == SEEN_MAX {
                self.seen.clear();
            }
            self.seen.insert(done.key.clone(), version);
        }
    }
}

impl Batch {
    fn one(&self, how: Consistency, draw: &mut Draw) -> (String, Input) {
        let mut key = draw.key(Kind::Batch, KEYS);
        if draw.percent(20) {
            key.push_str(NUMBER);
            let input = if draw.percent(70) { Input::Incr { by: 1 } } else { Input::Get(how) };
            return (key, input);
        }
        let input = match draw.below(100) {
            0..40 => Input::Get(how),
            40..50 => Input::Delete,
            50..70 => {
                let expect = self.seen.get(&key).map_or(Expect::Absent, |version| Expect::Version(*version));
                Input::Cas { expect, value: draw.value(), ttl_ms: None }
            }
            _ => Input::Set { value: draw.value(), ttl_ms: None },
        };
        (key, input)
    }
}
