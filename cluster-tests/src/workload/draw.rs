//! What one client draws: every choice comes from here, and so from the seed.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::kind::Kind;
use super::{Workload, value};
use crate::history::Consistency;

/// Spreads one seed over the clients.
const SEED_STEP: u64 = 0x9E37_79B9_7F4A_7C15;
/// How long most kinds use the same keys: a key's history must stay short enough to be judged.
const WINDOW: Duration = Duration::from_secs(20);

/// One client's choices.
#[derive(Debug)]
pub(super) struct Draw {
    /// The client.
    pub(super) client: u64,
    /// Where choices come from.
    pub(super) random: StdRng,
    /// Number of keys registers have.
    pub(super) keys: u64,
    /// Now, ns on the run's clock.
    pub(super) now_ns: u64,
    first_key: u64,
    value_bytes: usize,
    written: u64,
}

impl Draw {
    /// Of client number `client`.
    pub(super) fn new(client: u64, workload: &Workload) -> Self {
        Self {
            client,
            random: StdRng::seed_from_u64(workload.seed ^ client.wrapping_mul(SEED_STEP)),
            keys: workload.keys,
            now_ns: 0,
            first_key: workload.first_key,
            value_bytes: workload.value_bytes,
            written: 0,
        }
    }

    /// A number below `bound`, which is above 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.random.random_range(0..bound)
    }

    /// Whether something of this many percent happens.
    pub(super) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A number between two bounds, both above 0: each order of magnitude equally likely.
    pub(super) fn log_between(&mut self, least: u64, most: u64) -> u64 {
        let (least, most) = ((least as f64).ln(), (most as f64).ln());
        self.random.random_range(least..=most).exp().round() as u64
    }

    /// How fresh a read asks to be.
    pub(super) fn consistency(&mut self) -> Consistency {
        match self.below(100) {
            0..60 => Consistency::Linearizable,
            60..85 => Consistency::Lease,
            _ => Consistency::Local,
        }
    }

    /// A value that is written once in the whole run.
    pub(super) fn value(&mut self) -> String {
        format!("{:.<width$}", self.unique(), width = self.value_bytes)
    }

    /// The same in few characters: digits and one `-`.
    pub(super) fn unique(&mut self) -> String {
        self.written += 1;
        format!("{}-{}", self.client, self.written)
    }

    /// A value of that many bytes, by its name.
    pub(super) fn huge(&mut self, bytes: usize) -> String {
        value::huge(&self.unique(), bytes)
    }

    /// One of a register's keys.
    pub(super) fn register_key(&mut self) -> String {
        let key = self.first_key + self.below(self.keys);
        super::name(key)
    }

    /// One of `count` keys of a kind. Which ones these are changes with time.
    pub(super) fn key(&mut self, kind: Kind, count: u64) -> String {
        let (window, number) = (self.now_ns / WINDOW.as_nanos() as u64, self.below(count));
        format!("{}-{}.{window}.{number}", kind.prefix(), self.first_key)
    }

    /// The key of an element of the set.
    pub(super) fn element(&self, number: u64) -> String {
        format!("{}-{}.{number}", Kind::Set.prefix(), self.first_key)
    }
}
