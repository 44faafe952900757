//! All clients write at once, then none: queues fill from empty, and batches hold huge values next to small ones.

use std::time::Duration;

use super::{Script, Step};
use crate::history::Input;
use crate::workload::draw::Draw;
use crate::workload::kind::Kind;

/// Keys at one time.
const KEYS: u64 = 12;
/// From one burst to the next.
const PERIOD: Duration = Duration::from_millis(1500);
/// How long a burst lasts.
const BURST: Duration = Duration::from_millis(500);
/// Longest wait at once: the client may have other kinds of work to do.
const WAIT_MAX: Duration = Duration::from_millis(5);
/// Smallest huge value, bytes.
const HUGE_BYTES_MIN: usize = 16 << 10;
/// Largest huge value, bytes: below the largest a node takes unless told otherwise.
const HUGE_BYTES_MAX: usize = 768 << 10;

/// The script.
#[derive(Debug)]
pub(super) struct Bursts;

impl Script for Bursts {
    fn next(&mut self, draw: &mut Draw) -> Step {
        let period = PERIOD.as_nanos() as u64;
        let at = Duration::from_nanos(draw.now_ns % period);
        if at >= BURST {
            return Step::Wait(WAIT_MAX.min(PERIOD - at));
        }
        let key = draw.key(Kind::Bursts, KEYS);
        let input = match draw.below(100) {
            0..5 => {
                let bytes = draw.log_between(HUGE_BYTES_MIN as u64, HUGE_BYTES_MAX as u64);
                Input::Set { value: draw.huge(bytes as usize), ttl_ms: None }
            }
            5..8 => Input::Delete,
            8..70 => Input::Set { value: draw.value(), ttl_ms: None },
            _ => Input::Get(draw.consistency()),
        };
        Step::One(key, input)
    }
}
