use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;

use super::history::History;
use super::node::{Machine, Node, nothing};
use super::plan::{Step, plan};
use super::replica::Left;
use super::{Chance, Power};

/// Plans of the everyday form.
const PLANS: u64 = 40;
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

    /// Leads the plan without a fault; the operations it takes.
    async fn operations(&self) -> u64 {
        let machine = Machine::default();
        let mut steps = self.plan.as_slice();
        let node = self.live(&machine, &mut nothing(&self.histories), &mut steps).await;
        node.unwrap_or_else(|(error, _)| panic!("seed {}: failed without a fault: {error}", self.seed));
        machine.power.operations()
    }

    /// Leads the plan with the power going at operation `cut`.
    async fn crash_at(&self, cut: u64) {
        let mut chance = Chance(self.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (cut + 1));
        let mut machine = Machine::default().on(Power::cut_at(cut));
        let mut left = nothing(&self.histories);
        let mut steps = self.plan.as_slice();
        let mut crashes = 0;
        loop {
            let lived = self.live(&machine, &mut left, &mut steps).await;
            let node = match lived {
                Ok(node) => Some(node),
                Err((error, node)) => {
                    assert!(machine.power.is_gone(), "failed without a fault: {error}");
                    node
                }
            };
            // Another life after the one that led to the end: all of it was durable.
            let ended = node.is_some() && !machine.power.is_gone();
            if let Some(node) = node {
                left = node.into_left();
            }
            crashes += 1;
            let again = crashes == 1 && !ended && chance.below(2) == 0;
            let power = if again { Power::cut_at(chance.below(OPERATIONS_OF_A_START)) } else { Power::default() };
            machine = machine.after_crash(power, &mut chance);
            if ended {
                Node::open(&machine, &mut left).await.unwrap();
                return;
            }
        }
    }

    /// Opens the node and goes on with `steps`, taking off those that are done.
    async fn live(
        &self,
        machine: &Machine,
        left: &mut Vec<Left>,
        steps: &mut &[(usize, Step)],
    ) -> Result<Node, (io::Error, Option<Node>)> {
        let mut node = Node::open(machine, left).await.map_err(|error| (error, None))?;
        while let Some((&step, rest)) = steps.split_first() {
            let taken = node.take(step).await.and_then(|()| powered(machine));
            if let Err(error) = taken {
                return Err((error, Some(node)));
            }
            *steps = rest;
        }
        match node.finish().await.and_then(|()| powered(machine)) {
            Ok(()) => Ok(node),
            Err(error) => Err((error, Some(node))),
        }
    }
}

/// Some failures are no error of the call that met them.
fn powered(machine: &Machine) -> io::Result<()> {
    if machine.power.is_gone() { Err(io::Error::other("no power")) } else { Ok(()) }
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
        let case = Case::draw(seed);
        for cut in 0..case.operations().await {
            let led = AssertUnwindSafe(case.crash_at(cut)).catch_unwind().await;
            assert!(led.is_ok(), "power lost at operation {cut}; again: QUORATE_CRASH_SEED={seed}");
        }
    }
}
