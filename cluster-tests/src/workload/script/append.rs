//! Lists to which everybody appends unique elements: all readers must see beginnings of one list.

use std::collections::HashSet;

use super::{Script, Step};
use crate::history::{Input, Operation, Output};
use crate::workload::draw::Draw;
use crate::workload::kind::Kind;

/// Lists at one time.
const KEYS: u64 = 6;
/// Bytes after which a list is left alone by those who saw them: every read of it carries the whole.
const LIST_BYTES_MAX: usize = 2000;
/// Ends an element.
pub(super) const END: char = ',';

/// The script.
#[derive(Debug, Default)]
pub(super) struct Append {
    long: HashSet<String>,
}

impl Script for Append {
    fn next(&mut self, draw: &mut Draw) -> Step {
        let key = draw.key(Kind::Append, KEYS);
        let appends = !self.long.contains(&key) && draw.percent(50);
        let input = if appends {
            Input::Append { value: format!("{}{END}", draw.unique()) }
        } else {
            Input::Get(draw.consistency())
        };
        Step::One(key, input)
    }

    fn learn(&mut self, done: &Operation) {
        if let Some(Output::Read(Some(seen))) = &done.output
            && seen.value.len() > LIST_BYTES_MAX
        {
            self.long.insert(done.key.clone());
        }
    }
}
