//! One run: connect, warm up, measure, and what was seen while it went on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::arguments::LoadArguments;
use super::choose::Choice;
use super::crew::Crew;
use super::progress::Progress;
use super::recorder::Recorder;
use super::series::{Sample, Sampler};
use super::window::Window;
use crate::driver::Driver;

/// What was measured in one run.
#[derive(Debug)]
pub(crate) struct Measured {
    /// Operations that came due each second; none in a closed loop.
    pub(crate) rate: Option<u64>,
    /// Length of the window.
    pub(crate) elapsed: Duration,
    /// What all connections saw.
    pub(crate) recorder: Recorder,
    /// Open loop: operations that were due and never begun, as no connection was free.
    pub(crate) unsent: u64,
    /// What was seen over time.
    pub(crate) series: Vec<Sample>,
}

/// Connects, pushes and measures; `rate` makes it an open loop.
pub(crate) fn measure<D: Driver>(
    driver: &D,
    load: &LoadArguments,
    rate: Option<u64>,
    choice: &Arc<Choice>,
    progress: &Progress,
) -> anyhow::Result<Measured> {
    progress.say("connecting");
    let mut crew = Crew::connect(driver, load, rate, choice)?;
    let window = Window::from_now(load.warmup, load.duration);
    progress.say("warming up");
    let recorders = crew.start(window)?;
    let mut sampler = Sampler::new(window.start, load.interval);
    while !crew.ended_by(sampler.next_at()) {
        progress.sample(rate, sampler.sample(&recorders, sampler.next_at())?);
    }
    sampler.sample(&recorders, Instant::now())?;
    let unsent = crew.finish()?;
    let mut all = Recorder::new(window, rate.is_some())?;
    for recorder in recorders {
        all.add(recorder.lock().clone())?;
    }
    Ok(Measured { rate, elapsed: load.duration, recorder: all, unsent, series: sampler.finish() })
}
