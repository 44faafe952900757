//! What clients of a simulation ask for: a small mix over few keys, so that operations meet.
//!
//! Each key is of one kind, and a kind's operations are those whose results can be told apart: registers, counters,
//! lists, and registers with a time to live, whose lives end while clients look.

use rand::Rng;
use rand::rngs::StdRng;

use super::plan::Plan;
use crate::history::{Consistency, Expect, Input};

/// Between two processes of one client, so that no two clients share one.
pub(super) const PROCESSES_STEP: u64 = 1000;
/// Most operations in one batch.
const BATCH_MAX: usize = 4;
/// Keys probed for each group: with that many it is all but certain that none is left out.
const PROBES_PER_GROUP: u32 = 4;
/// What a key's name begins with, by its kind.
const KINDS: [&str; 4] = ["register", "counter", "list", "lease"];

/// What one client chose and saw so far.
pub(super) struct Chosen {
    client: u64,
    keys: u64,
    ttl_ms: u64,
    lease_reads_only: bool,
    written: u64,
    last_seen: Option<(String, u64)>,
}

impl Chosen {
    pub(super) fn new(client: u64, plan: &Plan) -> Self {
        let lease_reads_only = client < plan.lease_readers;
        Self { client, keys: plan.keys, ttl_ms: plan.ttl_ms, lease_reads_only, written: 0, last_seen: None }
    }

    /// An answer told a key's version.
    pub(super) fn saw(&mut self, key: &str, version: Option<u64>) {
        if let Some(version) = version {
            self.last_seen = Some((key.to_owned(), version));
        }
    }

    /// The next operations: one, or a batch of reads or of writes on different keys.
    pub(super) fn choose(&mut self, random: &mut StdRng) -> Vec<(String, Input)> {
        if self.lease_reads_only {
            return vec![(self.key(random), Input::Get(Consistency::Lease))];
        }
        let count = if random.random_bool(0.15) { random.random_range(2..=BATCH_MAX) } else { 1 };
        let reads = random.random_bool(0.5);
        let consistency = match random.random_range(0..10) {
            0..5 => Consistency::Linearizable,
            5..8 => Consistency::Lease,
            _ => Consistency::Local,
        };
        let mut asked: Vec<(String, Input)> = Vec::new();
        for _ in 0..count {
            let key = self.key(random);
            if asked.iter().any(|(other, _)| *other == key) {
                continue;
            }
            let input = if reads { Input::Get(consistency) } else { self.write(&key, random) };
            asked.push((key, input));
        }
        asked
    }

    /// Often the key seen last, so that compare-and-sets have a chance.
    fn key(&self, random: &mut StdRng) -> String {
        match &self.last_seen {
            Some((key, _)) if random.random_bool(0.3) => key.clone(),
            _ => {
                let kind = KINDS[random.random_range(0..KINDS.len())];
                format!("{kind}-{}", random.random_range(0..self.keys))
            }
        }
    }

    fn write(&mut self, key: &str, random: &mut StdRng) -> Input {
        if key.starts_with("counter") {
            return Input::Incr { by: random.random_range(1..=9) };
        }
        if key.starts_with("list") {
            return Input::Append { value: format!("{},", self.value()) };
        }
        match random.random_range(0..10) {
            0 => Input::Delete,
            1..4 => {
                Input::Cas { expect: self.expect(key), value: self.value(), ttl_ms: self.ttl(key, random) }
            }
            _ => Input::Set { value: self.value(), ttl_ms: self.ttl(key, random) },
        }
    }

    fn expect(&self, key: &str) -> Expect {
        match &self.last_seen {
            Some((seen, version)) if seen == key => Expect::Version(*version),
            _ => Expect::Absent,
        }
    }

    fn ttl(&self, key: &str, random: &mut StdRng) -> Option<u64> {
        key.starts_with("lease").then(|| random.random_range(1..=self.ttl_ms))
    }

    fn value(&mut self) -> String {
        self.written += 1;
        format!("{}-{}", self.client, self.written)
    }
}

/// Every key clients use.
pub(super) fn all(plan: &Plan) -> Vec<String> {
    KINDS.iter().flat_map(|kind| (0..plan.keys).map(move |number| format!("{kind}-{number}"))).collect()
}

/// Keys of their own for probes, so many that with any slot table each group has some.
pub(super) fn for_each_group(groups: u32) -> Vec<String> {
    (0..groups * PROBES_PER_GROUP).map(|number| format!("probe-{number}")).collect()
}
