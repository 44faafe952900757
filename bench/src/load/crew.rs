//! The threads of a run, each with a runtime, connections and a recorder of its own.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Instant;

use anyhow::{Context, anyhow};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::arguments::LoadArguments;
use super::arrivals::Arrivals;
use super::choose::{Choice, Chooser};
use super::recorder::Recorder;
use super::window::Window;
use super::worker::Worker;
use crate::driver::Driver;

/// Connections opened at a time, by each thread.
const CONNECTING_MAX: usize = 128;

/// What a thread is told once all are connected.
#[derive(Debug)]
struct Start {
    window: Window,
    recorder: Arc<Mutex<Recorder>>,
}

/// The threads of a run.
#[derive(Debug)]
pub(crate) struct Crew {
    threads: Vec<JoinHandle<anyhow::Result<u64>>>,
    starts: Vec<oneshot::Sender<Start>>,
    open: bool,
    /// Closed when all threads have ended.
    running: Receiver<()>,
}

impl Crew {
    /// Starts the threads and waits until all their connections are open.
    pub(crate) fn connect<D: Driver>(
        driver: &D,
        load: &LoadArguments,
        rate: Option<u64>,
        choice: &Arc<Choice>,
    ) -> anyhow::Result<Self> {
        let ((ready, connected), (run, running)) = (channel(), channel());
        let mut crew = Self { threads: Vec::new(), starts: Vec::new(), open: rate.is_some(), running };
        for thread in 0..load.threads {
            let (start, started) = oneshot::channel();
            let member = Member {
                driver: driver.clone(),
                choice: choice.clone(),
                connections: (thread..load.connections).step_by(load.threads as usize).collect(),
                pipeline: load.pipeline,
                seed: load.seed,
                rate: rate.map(|rate| share(rate, load.threads, thread)),
            };
            crew.threads.push(std::thread::spawn(member.thread(ready.clone(), run.clone(), started)));
            crew.starts.push(start);
        }
        drop((ready, run));
        // A thread that cannot connect ends without a word.
        let all = crew.threads.len();
        if connected.iter().count() == all { Ok(crew) } else { Err(crew.failure()) }
    }

    /// Starts all threads at once; what each of them sees from now on.
    pub(crate) fn start(&mut self, window: Window) -> anyhow::Result<Vec<Arc<Mutex<Recorder>>>> {
        let mut recorders = Vec::new();
        for start in self.starts.drain(..) {
            let recorder = Arc::new(Mutex::new(Recorder::new(window, self.open)?));
            recorders.push(recorder.clone());
            // One that has ended says why in `finish`.
            let _ = start.send(Start { window, recorder });
        }
        Ok(recorders)
    }

    /// Waits until `at`, or until all threads have ended: whether they have.
    pub(crate) fn ended_by(&self, at: Instant) -> bool {
        let wait = at.saturating_duration_since(Instant::now());
        matches!(self.running.recv_timeout(wait), Err(RecvTimeoutError::Disconnected))
    }

    /// Waits for the threads. Operations that were due and never begun.
    pub(crate) fn finish(self) -> anyhow::Result<u64> {
        self.threads.into_iter().map(joined).sum()
    }

    /// Why a thread could not connect.
    fn failure(self) -> anyhow::Error {
        drop(self.starts);
        let ends = self.threads.into_iter().map(joined);
        ends.filter_map(Result::err).next().unwrap_or_else(|| anyhow!("a thread ended early"))
    }
}

fn joined(thread: JoinHandle<anyhow::Result<u64>>) -> anyhow::Result<u64> {
    thread.join().map_err(|_| anyhow!("a thread of the load ended early"))?
}

/// Part `number` of `whole`, cut into `parts` that differ by one at most.
fn share(whole: u64, parts: u64, number: u64) -> u64 {
    whole / parts + u64::from(number < whole % parts)
}

/// One thread's part.
struct Member<D> {
    driver: D,
    choice: Arc<Choice>,
    connections: Vec<u64>,
    pipeline: u64,
    seed: u64,
    rate: Option<u64>,
}

impl<D: Driver> Member<D> {
    /// What the thread does; `ready` is used once it is connected, `run` is dropped when it ends.
    fn thread(
        self,
        ready: Sender<()>,
        run: Sender<()>,
        started: oneshot::Receiver<Start>,
    ) -> impl FnOnce() -> anyhow::Result<u64> {
        move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let ended = runtime.block_on(self.run(ready, started));
            drop(run);
            ended
        }
    }

    async fn run(self, ready: Sender<()>, started: oneshot::Receiver<Start>) -> anyhow::Result<u64> {
        let connect = |index| {
            let driver = self.driver.clone();
            async move { anyhow::Ok((index, driver.connect(index).await?)) }
        };
        let connecting = stream::iter(self.connections.clone()).map(connect).buffer_unordered(CONNECTING_MAX);
        let connections: Vec<_> = connecting.try_collect().await.context("open the connections")?;
        ready.send(())?;
        drop(ready);
        // Another thread could not connect.
        let Ok(Start { window, recorder }) = started.await else { return Ok(0) };
        let arrivals = Arc::new(Arrivals::new(window, self.rate)?);
        let mut workers = JoinSet::new();
        for (index, connection) in connections {
            let worker = Worker {
                driver: self.driver.clone(),
                index,
                connection: Some(connection),
                chooser: Chooser::new(self.choice.clone(), self.seed.wrapping_add(index)),
                pipeline: self.pipeline,
                arrivals: arrivals.clone(),
                recorder: recorder.clone(),
            };
            workers.spawn(worker.run());
        }
        while let Some(ended) = workers.join_next().await {
            ended.context("a connection's task ended early")??;
        }
        Ok(arrivals.left().await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up() {
        for (whole, parts) in [(10, 3), (2, 2), (100, 7)] {
            assert_eq!((0..parts).map(|number| share(whole, parts, number)).sum::<u64>(), whole);
        }
    }
}
