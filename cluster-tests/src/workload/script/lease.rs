//! Locks: taken if absent with a time to live, renewed and given up by version, or left to expire. The version is
//! the fencing token. At any group time a lock has one holder at most.

use super::{Script, Step};
use crate::history::{Expect, Input, Operation, Output};
use crate::workload::draw::Draw;
use crate::workload::kind::Kind;

/// Locks at one time: few, so that clients fight for them.
const KEYS: u64 = 3;
/// Shortest time to live, ms.
const TTL_MS_MIN: u64 = 100;
/// Longest time to live, ms.
const TTL_MS_MAX: u64 = 2000;
/// What is left of a lock that is given up, ms.
const GIVEN_UP_MS: u64 = 1;

/// The script: the lock this client holds, as far as it knows, with its token.
#[derive(Debug, Default)]
pub(super) struct Lease {
    held: Option<(String, u64)>,
}

impl Script for Lease {
    fn next(&mut self, draw: &mut Draw) -> Step {
        let ttl_ms = draw.log_between(TTL_MS_MIN, TTL_MS_MAX);
        let Some((key, token)) = &self.held else {
            let key = draw.key(Kind::Lease, KEYS);
            let input = match draw.below(100) {
                0..60 => written(Expect::Absent, ttl_ms, draw),
                _ => Input::Get(draw.consistency()),
            };
            return Step::One(key, input);
        };
        let (key, expect) = (key.clone(), Expect::Version(*token));
        let input = match draw.below(100) {
            0..50 => written(expect, ttl_ms, draw),
            50..60 => {
                self.held = None;
                written(expect, GIVEN_UP_MS, draw)
            }
            60..65 => {
                // Walks away: the lock must become free by itself, and not before its time.
                self.held = None;
                Input::Get(draw.consistency())
            }
            _ => Input::Get(draw.consistency()),
        };
        Step::One(key, input)
    }

    fn learn(&mut self, done: &Operation) {
        match (&done.input, &done.output) {
            (Input::Cas { ttl_ms: Some(GIVEN_UP_MS), .. }, _) | (Input::Get(_), _) => {}
            (Input::Cas { .. }, Some(Output::Written { version: Some(token), .. })) => {
                self.held = Some((done.key.clone(), *token));
            }
            // Somebody else's by now, or nobody can say: whoever is not sure holds nothing.
            _ if self.held.as_ref().is_some_and(|(key, _)| *key == done.key) => self.held = None,
            _ => {}
        }
    }
}

fn written(expect: Expect, ttl_ms: u64, draw: &mut Draw) -> Input {
    Input::Cas { expect, value: draw.value(), ttl_ms: Some(ttl_ms) }
}
