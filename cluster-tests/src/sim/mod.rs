//! Whole clusters in one thread, from one seed: deterministic simulation, as FoundationDB and TigerBeetle do it.
//!
//! **Real**: the node, with its groups, openraft, routing, founding, membership, snapshots and expiry; the transport, with
//! its frames, links and queues; the log, the maps and the snapshot store, with their formats and their recovery.
//!
//! **Simulated**: the network below the transport (bytes of connections, see [`net`]), disks (in memory; they lose,
//! tear, fail and fill), the log's writer thread (a step of the schedule; how long a sync takes is drawn), the three
//! clocks of each machine ([`clock`]), every random number ([`seed`], [`entropy`]), blocking work (done in place),
//! processes (a tokio runtime each) and clients ([`plan`] says what happens).
//!
//! **Not in it**: HTTP and the command line (clients call the node's API), sled (its twin is a map in memory), several threads
//! in one process and their races, the time that computing takes, the node's identity file (a real one, always durable), and
//! whatever the kernel does.
//!
//! A simulation is a function of its seed: nothing in it looks at the machine. The same seed gives the same
//! [`Outcome::trace_hash`] in every process of one program, if it is the first simulation there ([`run_apart`]).

mod apart;
mod ask;
mod client;
pub mod clock;
mod cluster;
pub mod entropy;
mod faults;
pub mod focus;
pub mod invariants;
mod keys;
mod liveness;
mod machine;
pub mod net;
mod outcome;
mod panics;
pub mod plan;
mod probe;
mod process;
mod run;
pub mod seed;
pub mod sweep;
pub mod trace;
mod watch;

use std::path::PathBuf;

pub use apart::{history_of, run_apart};
pub use outcome::{Options, Outcome, Violation};

use self::entropy::Seeded;
use self::run::Run;
use self::seed::Seed;
use self::trace::Trace;

/// Stack of a simulation's thread, bytes: futures of a debug build are large.
const STACK_BYTES: usize = 16 << 20;

/// Runs the simulation of one seed here, on a thread of its own. Its trace is that of [`run_apart`] when it is the first
/// in this process.
///
/// # Panics
/// The machine has no thread or no temporary folder to give.
pub fn run(seed: u64, options: &Options) -> Outcome {
    let options = options.clone();
    #[cfg(feature = "mutants")]
    let bug = raft_store::mutants::current();
    let simulate = move || {
        #[cfg(feature = "mutants")]
        let _buggy = raft_store::mutants::enter(bug);
        simulate(seed, &options)
    };
    let thread = std::thread::Builder::new().name(format!("seed {seed}")).stack_size(STACK_BYTES);
    let thread = thread.spawn(simulate).expect("the machine has a thread to give");
    thread.join().unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
        Outcome::without(seed, Violation::new("panic", text.unwrap_or_default()))
    })
}

fn simulate(number: u64, options: &Options) -> Outcome {
    let folder = tempfile::tempdir_in(folder()).expect("the machine has a temporary folder");
    let seed = Seed(number);
    let _seeded = Seeded::begin(seed);
    let _watched = panics::Watched::begin();
    let trace = if options.print { Trace::printing(Box::new(std::io::stdout())) } else { Trace::default() };
    let mut run = Run::new(seed, options, folder.path(), trace.clone());
    let violation = run.run_to_the_end().err();
    let simulated_s = run.cluster.now_ns as f64 / clock::SECOND as f64;
    let history = std::mem::take(&mut run.cluster.history);
    let trace_hash = trace.hash();
    Outcome { seed: number, violation, trace_hash, simulated_s, history }
}

/// Where identities are kept: in memory where that can be, since each change is synced.
fn folder() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}
