//! How one machine's packets reach another: one direction of a cable.

use std::collections::BTreeMap;

use rand::Rng;
use rand::rngs::StdRng;

use crate::sim::clock::MS;

/// Bytes between two machines of one data centre: about 1 Gbit/s.
const BYTES_PER_MS: u64 = 125_000;
/// How long TCP waits before it sends again what was lost: Linux's shortest retransmission timeout.
const RETRANSMIT_NS: u64 = 200 * MS;

/// One direction of a connection between two machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Nothing gets through.
    pub cut: bool,
    /// Something on the way answers in the place of the machine behind it, that nobody listens there, and ends what stood.
    pub refuses: bool,
    /// Shortest time on the way, ns.
    pub latency_ns: u64,
    /// Most that is added to it, ns.
    pub jitter_ns: u64,
    /// Bytes in a millisecond.
    pub bytes_per_ms: u64,
    /// How many in a million pieces are lost and sent again.
    pub loss_ppm: u32,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            cut: false,
            refuses: false,
            latency_ns: MS / 4,
            jitter_ns: MS / 4,
            bytes_per_ms: BYTES_PER_MS,
            loss_ppm: 0,
        }
    }
}

impl Link {
    /// How long a piece is on its way once its last byte has left.
    pub(super) fn delay_ns(&self, random: &mut StdRng) -> u64 {
        let jitter = random.random_range(0..=self.jitter_ns);
        let lost = random.random_ratio(self.loss_ppm.min(1_000_000), 1_000_000);
        self.latency_ns + jitter + if lost { retransmit_ns(random) } else { 0 }
    }

    /// How long the line is busy with so many bytes.
    pub(super) fn busy_ns(&self, bytes: usize) -> u64 {
        bytes as u64 * MS / self.bytes_per_ms.max(1)
    }
}

/// How long after a cable works again TCP finds out: its timeout doubles meanwhile.
pub(super) fn retransmit_ns(random: &mut StdRng) -> u64 {
    random.random_range(MS..=RETRANSMIT_NS)
}

/// Every link, by sender and receiver.
#[derive(Debug, Default)]
pub(super) struct Links {
    all: BTreeMap<(u64, u64), Link>,
    usual: Link,
}

impl Links {
    pub(super) fn get(&self, from: u64, to: u64) -> Link {
        self.all.get(&(from, to)).copied().unwrap_or(self.usual)
    }

    pub(super) fn set(&mut self, from: u64, to: u64, link: Link) {
        self.all.insert((from, to), link);
    }

    /// What links are unless they were set, from now on; forgets what was set.
    pub(super) fn reset(&mut self, usual: Link) {
        self.all.clear();
        self.usual = usual;
    }

    /// Whether a connection is refused on its way.
    pub(super) fn refuses(&self, a: u64, b: u64) -> bool {
        self.get(a, b).refuses || self.get(b, a).refuses
    }

    /// Whether packets get through both ways.
    pub(super) fn both_ways(&self, a: u64, b: u64) -> bool {
        !self.get(a, b).cut && !self.get(b, a).cut
    }
}
