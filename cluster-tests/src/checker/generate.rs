//! Histories that are right by construction, from one seed: to measure the checker, and to try it.
//!
//! Virtual clients ask one store that carries out one operation at a time, at a moment between call and return.
//! The store here is concrete and knows nothing of the checker's model: it is another reading of what Quorate
//! promises. Some answers are lost; such an operation takes effect late or never.

mod store;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

pub(super) use self::store::Store;
use crate::history::{Consistency, Expect, Input, Operation, Outcome};

/// What a generated history is like.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Operations in all.
    pub operations: usize,
    /// Keys they are spread over.
    pub keys: u64,
    /// Clients, each with one operation at a time.
    pub clients: usize,
    /// Share of writes whose outcome is unknown.
    pub unknown: f64,
    /// Which operations there are.
    pub mix: Mix,
    /// Where every choice comes from.
    pub seed: u64,
}

/// Which operations there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Mix {
    /// Sets and reads, by halves.
    Register,
    /// Increments by 1 to 3, and reads.
    Counter,
    /// Appends of unique elements, and reads.
    Append,
    /// All there are, with short times to live.
    #[default]
    Everything,
}

/// Longest an operation takes from call to return, µs; half of it on average. Ten times that when it is late.
const LATENCY_US_MAX: u64 = 2000;
/// Longest a client waits between two operations, µs.
const PAUSE_US_MAX: u64 = 500;
/// Longest time to live, ms.
const TTL_MS_MAX: u64 = 40;
/// Group time when a history begins, ms.
const EPOCH_MS: u64 = 1_700_000_000_000;

/// An operation that will be carried out at `at_ns`, or never.
struct Planned {
    operation: Operation,
    at_ns: Option<u64>,
}

/// A right history.
pub fn generate(shape: &Shape) -> Vec<Operation> {
    let mut random = StdRng::seed_from_u64(shape.seed);
    let mut planned = plan(shape, &mut random);
    planned.sort_by_key(|planned| planned.at_ns);
    let mut store = Store::default();
    let mut history: Vec<Operation> = Vec::with_capacity(planned.len());
    for Planned { mut operation, at_ns } in planned {
        operation.input = draw(shape.mix, &store, &operation, &mut random);
        if let Some(at_ns) = at_ns {
            let now_ms = EPOCH_MS + at_ns / 1_000_000;
            let (output, expires) = store.apply(now_ms, &operation.key, &operation.input);
            if operation.outcome == Outcome::Ok {
                (operation.output, operation.expires) = (Some(output), expires);
                operation.time_ms = Some(now_ms);
            }
        }
        history.push(operation);
    }
    history.sort_by_key(|op| op.call_ns);
    history
}

/// Who asks what key when, and when it is carried out.
fn plan(shape: &Shape, random: &mut StdRng) -> Vec<Planned> {
    let mut free_at = vec![0; shape.clients];
    let mut planned = Vec::with_capacity(shape.operations);
    for _ in 0..shape.operations {
        let client = (0..shape.clients).min_by_key(|client| free_at[*client]).unwrap_or_default();
        let call_ns: u64 = free_at[client] + random.random_range(1..PAUSE_US_MAX * 1000);
        let took_ns = random.random_range(2..LATENCY_US_MAX * 1000);
        let lost = random.random_bool(shape.unknown);
        let at_ns = match lost {
            false => Some(call_ns + random.random_range(1..took_ns)),
            true if random.random() => Some(call_ns + random.random_range(1..took_ns * 10)),
            true => None,
        };
        free_at[client] = call_ns + took_ns;
        let operation = Operation {
            client: client as u64,
            process: client as u64,
            node: 1,
            key: format!("key-{}", random.random_range(0..shape.keys)),
            call_ns,
            return_ns: call_ns + took_ns,
            outcome: if lost { Outcome::Unknown } else { Outcome::Ok },
            ..Operation::default()
        };
        planned.push(Planned { operation, at_ns });
    }
    planned
}

fn draw(mix: Mix, store: &Store, op: &Operation, random: &mut StdRng) -> Input {
    let unique = format!("{}.{};", op.client, op.call_ns);
    let read = op.outcome == Outcome::Ok && random.random();
    let ttl_ms = random.random_range(1..TTL_MS_MAX);
    match mix {
        _ if read => Input::Get(Consistency::Linearizable),
        Mix::Register => Input::Set { value: unique, ttl_ms: None },
        Mix::Counter => Input::Incr { by: random.random_range(1..=3) },
        Mix::Append => Input::Append { value: unique },
        Mix::Everything => match random.random_range(0..9) {
            0 => Input::Set { value: unique, ttl_ms: Some(ttl_ms) },
            1 => Input::Set { value: random.random_range(0..100).to_string(), ttl_ms: None },
            2 => Input::Delete,
            3 => Input::Touch { ttl_ms },
            4 => Input::Persist,
            5 => Input::Append { value: unique },
            6 => Input::Cas { expect: Expect::Absent, value: unique, ttl_ms: Some(ttl_ms) },
            7 => Input::Cas {
                expect: Expect::Version(store.version_of(&op.key).saturating_sub(random.random_range(0..2))),
                value: unique,
                ttl_ms: random.random::<bool>().then_some(ttl_ms),
            },
            _ => Input::Incr { by: random.random_range(-3..=3) },
        },
    }
}
