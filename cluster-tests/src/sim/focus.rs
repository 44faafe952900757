//! Plans narrowed to one part of what can happen, for faults that need a rare order of rare events: a swarm finds them too,
//! in many more seeds.

use clap::ValueEnum;

use super::clock::MS;
use super::net::Link;
use super::plan::{Fault, Plan};

/// What a simulation is narrowed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Focus {
    /// Nothing: the plan stays as it was drawn.
    #[default]
    All,
    /// Three voters of one group. Cables are cut pair by pair, leaders are isolated and processes stopped, mostly for longer
    /// than an election takes, and processes are killed; many clients at few keys.
    Leases,
    /// Leaders that hand over while answers reach them late; many clients at few keys.
    Handovers,
    /// Leaders that are cut off while the others elect as soon as they may, on clocks that drift as far as they may.
    Gaps,
    /// Leaders that live, and of which the others are told that nobody listens there any more.
    Refusals,
    /// Voters that are back at once, with a leader cut off and a candidate waiting.
    Restarts,
    /// Members that come and go, on cables that break.
    Members,
    /// Snapshots as often as can be, and restarts from them.
    Snapshots,
}

impl Focus {
    /// Its name on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Leases => "leases",
            Self::Handovers => "handovers",
            Self::Gaps => "gaps",
            Self::Refusals => "refusals",
            Self::Restarts => "restarts",
            Self::Members => "members",
            Self::Snapshots => "snapshots",
        }
    }
}

impl Plan {
    /// This plan, narrowed.
    pub(super) fn focused(self, focus: Focus) -> Self {
        let calm = Self { rough_start: false, ..self.clone() };
        let three = Self {
            nodes: 3,
            groups: 1,
            replication: 3,
            timing_ms: [50, 250, 500],
            sync_ns: (MS / 10, MS),
            snapshot_log: 64 << 20,
            clients: 8,
            keys: 1,
            pause_ns: 5 * MS,
            ..calm.clone()
        };
        // Elections may come soon after a lease is over, and a lease is long beside a restart or a connection.
        let link = Link { latency_ns: MS / 10, jitter_ns: 0, ..Link::default() };
        let quick = Self { timing_ms: [60, 200, 1000], clients: 24, link, ..three.clone() };
        match focus {
            Focus::All => self,
            Focus::Leases => Self {
                faults: vec![Fault::Bridge, Fault::IsolateLeader, Fault::Pause, Fault::Kill],
                gap_ns: 300 * MS,
                lasts_ns: 2500 * MS,
                ..three
            },
            Focus::Handovers => Self {
                faults: vec![Fault::LateAnswers],
                timing_ms: [50, 250, 500],
                gap_ns: 500 * MS,
                ..quick
            },
            Focus::Gaps => Self {
                faults: vec![Fault::IsolateLeader, Fault::Drift],
                clients: 33,
                lease_readers: 9,
                gap_ns: 700 * MS,
                lasts_ns: 4000 * MS,
                ..quick
            },
            Focus::Refusals => Self {
                faults: vec![Fault::RefuseLeader, Fault::Drift],
                clients: 33,
                lease_readers: 9,
                gap_ns: 700 * MS,
                lasts_ns: 3000 * MS,
                ..quick
            },
            Focus::Restarts => Self { faults: vec![Fault::ForgetfulVoter], gap_ns: 2000 * MS, ..quick },
            Focus::Members => {
                let faults =
                    vec![Fault::Members, Fault::Members, Fault::Halves, Fault::IsolateLeader, Fault::Kill];
                Self { faults, gap_ns: 600 * MS, ..calm }
            }
            Focus::Snapshots => {
                let faults = vec![Fault::Snapshot, Fault::Kill, Fault::KillMany];
                Self { faults, snapshot_log: 2 << 10, snapshot_interval: 1, gap_ns: 600 * MS, ..calm }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::seed::Seed;
    use super::*;

    #[test]
    fn a_focus_keeps_what_it_does_not_narrow() {
        let drawn = Plan::draw(Seed(3), None);
        assert_eq!(drawn.clone().focused(Focus::All), drawn);
        let narrow = [
            Focus::Leases,
            Focus::Handovers,
            Focus::Gaps,
            Focus::Refusals,
            Focus::Restarts,
            Focus::Members,
            Focus::Snapshots,
        ];
        for focus in narrow {
            let focused = drawn.clone().focused(focus);
            assert_eq!((focused.faults_ns, focused.ttl_ms), (drawn.faults_ns, drawn.ttl_ms));
            assert_ne!(focused, drawn);
        }
    }
}
