//! Everybody adds to and takes from a few numbers. An addition lost or done twice shows in every sum after it.

use super::{Script, Step};
use crate::history::Input;
use crate::workload::draw::Draw;
use crate::workload::kind::Kind;

/// Numbers at one time.
const KEYS: u64 = 4;
/// Most that is added at once: sums then tell apart which additions are in them.
const BY_MAX: u64 = 1000;

/// The script.
#[derive(Debug)]
pub(super) struct Counter;

impl Script for Counter {
    fn next(&mut self, draw: &mut Draw) -> Step {
        let key = draw.key(Kind::Counter, KEYS);
        let by = 1 + draw.below(BY_MAX) as i64;
        let input = match draw.below(100) {
            0..60 => Input::Incr { by },
            60..70 => Input::Incr { by: -by },
            _ => Input::Get(draw.consistency()),
        };
        Step::One(key, input)
    }
}
