//! The load: what is asked for, how it is driven, what is counted. [`run`] brings it together; the command's driver
//! knows how to speak, nothing here does.

pub(crate) mod arguments;
mod arrivals;
mod choose;
mod crew;
mod fill;
mod inserted;
pub(crate) mod keys;
mod measure;
pub(crate) mod mix;
mod progress;
pub(crate) mod recorder;
pub(crate) mod series;
#[cfg(test)]
mod tests;
mod timer;
mod window;
mod worker;
mod zipf;

use std::sync::Arc;

use anyhow::ensure;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use self::arguments::LoadArguments;
use self::choose::Choice;
pub(crate) use self::measure::Measured;
use self::mix::Kind;
use self::progress::Progress;
use crate::driver::Driver;

/// Writes every key if any is read, then drives the load: what was measured.
pub(crate) fn run<D: Driver>(driver: &D, load: &LoadArguments) -> anyhow::Result<Vec<Measured>> {
    let mix = load.mix();
    ensure!(
        D::SCANS || !mix.has(Kind::Scan),
        "this server cannot read keys in order from one on: no workload E"
    );
    raise_open_files();
    let progress = Progress::new();
    if mix.reads() && !load.no_fill {
        progress.say("writing the keys that will be read");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(fill::fill(driver, load.keys))?;
    }
    let choice = Arc::new(Choice::new(mix, load.distribution(), load.keys, load.zipf_theta));
    load.rates().into_iter().map(|rate| measure::measure(driver, load, rate, &choice, &progress)).collect()
}

/// As many sockets as the system lets this process have; too few of them show when connecting.
fn raise_open_files() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

/// ns as µs.
pub(crate) fn us(ns: u64) -> f64 {
    ns as f64 / 1000.0
}
