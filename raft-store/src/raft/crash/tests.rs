use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;

use super::history::History;
use super::node::{Machine, Node};
use super::plan::{Step, plan};
use super::replica::Known;
use crate::power::{Chance, Power};

/// Plans of the everyday form.
const PLANS: u64 = 8;
const GROUPS_MAX: u64 = 3;
const STEPS_MIN: u64 = 10;
const STEPS_MAX: u64 = 30;
/// Operations of a start, about: a second loss of power falls within.
const OPERATIONS_OF_A_START: u64 = 8;

/// Groups with their histories, and what is done to them.
struct Case {
    seed: u64,
    histories: Vec<Arc<History>>,
    plan: Vec<(usize, Step)>,
}

impl Case {
    fn draw(seed: u64) -> Self {
        let mut chance = Chance(seed);
        let groups = 1 + chance.below(GROUPS_MAX);
        let histories = (0..groups).map(|group| History::new(group as u32, &mut chance)).collect();
        let steps = STEPS_MIN + chance.below(STEPS_MAX - STEPS_MIN);
        Self { seed, histories, plan: plan(groups, steps, &mut chance) }
    }

    fn nothing(&self) -> Vec<Known> {
        self.histories.iter().cloned().map(Known::nothing).collect()
    }

    /// Leads the plan without a fault; the operations it takes.
    async fn operations(&self) -> u64 {
        let machine = Machine::default().on(Power::default());
        let lived = self.live(&machine, self.nothing(), &mut self.plan.as_slice()).await;
        assert!(lived.end.is_ok(), "seed {}: failed without a fault: {:?}", self.seed, lived.end);
        let operations = machine.power.operations();
        assert!(operations > 0);
        operations
    }

    /// Leads the plan with the power going at operation `cut`, and perhaps once more while the node starts again.
    async fn crash_at(&self, cut: u64) {
        let mut chance = Chance(self.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (cut + 1));
        let mut machine = Machine::default().on(Power::cut_at(cut));
        let (mut known, mut steps) = (self.nothing(), self.plan.as_slice());
        for crashes in 1.. {
            let lived = self.live(&machine, known, &mut steps).await;
            known = lived.known;
            let ended = !machine.power.is_gone();
            assert!(!ended || lived.end.is_ok(), "failed without a fault: {:?}", lived.end);
            let again = crashes == 1 && !ended && chance.below(2) == 0;
            let power =
                if again { Power::cut_at(chance.below(OPERATIONS_OF_A_START)) } else { Power::default() };
            machine = machine.after_crash(power, &mut chance);
            if ended {
                break;
            }
        }
        // All of it was durable.
        Node::open(&machine, known).await.map_err(|(error, _)| error).expect("there is power");
    }

    /// Opens the node and goes on with `steps`, taking off those that are done, then to the end of the histories.
    async fn live(&self, machine: &Machine, known: Vec<Known>, steps: &mut &[(usize, Step)]) -> Life {
        let mut node = match Node::open(machine, known).await {
            Ok(node) => node,
            Err((error, known)) => return Life { known, end: Err(error) },
        };
        let end = async {
            while let Some((&step, rest)) = steps.split_first() {
                node.take(step).await?;
                powered(machine)?;
                *steps = rest;
            }
            node.finish().await?;
            powered(machine)
        };
        let end = end.await;
        Life { known: node.into_known(), end }
    }
}

/// What a life leaves, and why it ended if not by itself.
struct Life {
    known: Vec<Known>,
    end: io::Result<()>,
}

/// Some failures are no error of the call that met them.
fn powered(machine: &Machine) -> io::Result<()> {
    if machine.power.is_gone() { Err(io::Error::other("no power")) } else { Ok(()) }
}

/// Leads `case` once for each of its operations, with the power going there. (`QUORATE_CRASH_SEED` leads a drawn one
/// again.)
async fn crash_everywhere(case: &Case) {
    for cut in 0..case.operations().await {
        let led = AssertUnwindSafe(case.crash_at(cut)).catch_unwind().await;
        assert!(led.is_ok(), "seed {}: power lost at operation {cut}", case.seed);
    }
}

/// A number of the environment.
fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// `QUORATE_CRASH_PLANS` plans, or the one of `QUORATE_CRASH_SEED`.
#[tokio::test]
async fn power_may_go_at_every_operation_of_log_and_snapshots() {
    let one = asked("QUORATE_CRASH_SEED").map(|seed| seed..=seed);
    for seed in one.unwrap_or(1..=asked("QUORATE_CRASH_PLANS").unwrap_or(PLANS)) {
        crash_everywhere(&Case::draw(seed)).await;
    }
}

/// Seeds each of the plans below is tried with.
const SEEDS: u64 = 6;

async fn crash_everywhere_in(plan: &[Step]) {
    for seed in 1..=SEEDS {
        let mut chance = Chance(seed);
        let plan = plan.iter().map(|&step| (0, step)).collect();
        crash_everywhere(&Case { seed, histories: vec![History::new(1, &mut chance)], plan }).await;
    }
}

/// Entries nobody else has stand in the log, of a newer leader than what the snapshot that is installed ends with.
#[tokio::test]
async fn a_short_tail_of_a_newer_leader_goes_with_the_install() {
    use Step::{Append, Apply, Diverge, Flush, Install};
    crash_everywhere_in(&[Append(4), Flush, Apply(3), Diverge(2), Flush, Install(5), Flush, Append(3)]).await;
}

/// What the log lets go of is in a snapshot that is durable.
#[tokio::test]
async fn a_purge_follows_a_durable_snapshot() {
    use Step::{Append, Apply, Build, Flush, Freeze, Purge, Rest};
    let first = [Append(6), Flush, Apply(5), Freeze, Append(3), Apply(2), Build, Purge(0), Flush];
    let second = [Freeze, Append(4), Flush, Build, Purge(1), Flush, Rest];
    crash_everywhere_in(&[first.as_slice(), &second].concat()).await;
}

/// The tail reaches beyond the snapshot, and a snapshot that was begun before ends after the install.
#[tokio::test]
async fn a_long_tail_goes_before_an_install() {
    use Step::{Append, Apply, Build, Diverge, Flush, Freeze, Install};
    let first = [Append(4), Apply(2), Diverge(8), Flush, Install(3), Append(4), Flush];
    let second = [Apply(3), Freeze, Diverge(5), Install(4), Build, Flush];
    crash_everywhere_in(&[first.as_slice(), &second].concat()).await;
}

#[tokio::test]
async fn a_replica_that_was_cleared_begins_anew_with_its_vote() {
    use Step::{Append, Apply, Build, Flush, Freeze, Purge, Retire, Vote};
    let first = [Append(5), Flush, Apply(4), Freeze, Build, Purge(0), Flush, Vote, Append(2), Retire];
    let second = [Append(4), Apply(3), Flush, Retire, Append(2), Flush];
    crash_everywhere_in(&[first.as_slice(), &second].concat()).await;
}
