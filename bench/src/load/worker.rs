//! One connection's loop: wait for operations, send them, count what comes back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use parking_lot::Mutex;
use tokio::time::timeout;

use super::arrivals::Arrivals;
use super::choose::{Chooser, Operation};
use super::mix::Kind;
use super::recorder::Recorder;
use crate::driver::{Answer, Answered, Connection, Driver, Request};

/// A batch without all its answers for so long is an error.
const BATCH_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after an error, so that a refusing server is not flooded.
const RECONNECT_PAUSE: Duration = Duration::from_millis(10);

/// One connection.
pub(crate) struct Worker<D: Driver> {
    pub(crate) driver: D,
    pub(crate) index: u64,
    pub(crate) connection: Option<D::Connection>,
    pub(crate) chooser: Chooser,
    /// Most operations at a time.
    pub(crate) pipeline: u64,
    pub(crate) arrivals: Arc<Arrivals>,
    /// Of all connections of the thread.
    pub(crate) recorder: Arc<Mutex<Recorder>>,
}

/// Operations under way, one after the other in all lists.
#[derive(Debug, Default)]
struct Batch {
    /// When each was due.
    due: Vec<Instant>,
    operations: Vec<Operation>,
    /// Which of them are counted.
    settled: Vec<bool>,
    /// What is sent, and of which operation it is.
    requests: Vec<Request>,
    of: Vec<usize>,
    answers: Vec<Answered>,
    /// Whether the server refused one.
    refused: bool,
}

impl Batch {
    /// Draws an operation for each that is due.
    fn draw(&mut self, chooser: &mut Chooser) {
        self.operations.clear();
        self.operations.extend(self.due.iter().map(|_| chooser.next()));
        self.settled.clear();
        self.settled.resize(self.due.len(), false);
        self.requests.clear();
        self.requests.extend(self.operations.iter().map(|operation| operation.request));
        self.of.clear();
        self.of.extend(0..self.due.len());
        self.refused = false;
    }

    /// The writes of read-modify-writes whose read is done: all that is not settled after the first round.
    fn turn_to_writes(&mut self) {
        self.requests.clear();
        self.of.clear();
        for (index, operation) in self.operations.iter().enumerate() {
            if let Operation { kind: Kind::Rmw, request: Request::Get(number) } = operation
                && !self.settled[index]
            {
                self.requests.push(Request::Set(*number));
                self.of.push(index);
            }
        }
    }
}

impl<D: Driver> Worker<D> {
    /// Carries out operations until the run is over.
    pub(crate) async fn run(mut self) -> anyhow::Result<()> {
        let mut batch = Batch::default();
        loop {
            self.arrivals.take(self.pipeline, &mut batch.due).await?;
            if batch.due.is_empty() {
                return Ok(());
            }
            batch.draw(&mut self.chooser);
            if let Err(error) = self.carry_out(&mut batch).await {
                self.connection = None;
                self.fail_rest(&mut batch, &error);
                tokio::time::sleep(RECONNECT_PAUSE).await;
            } else if batch.refused {
                tokio::time::sleep(RECONNECT_PAUSE).await;
            }
        }
    }

    async fn carry_out(&mut self, batch: &mut Batch) -> anyhow::Result<()> {
        if self.connection.is_none() {
            let connect = timeout(BATCH_TIMEOUT, self.driver.connect(self.index));
            let Ok(connection) = connect.await else { bail!("not connected within {BATCH_TIMEOUT:?}") };
            self.connection = Some(connection?);
        }
        let sent = Instant::now();
        batch.due.iter().for_each(|due| self.recorder.lock().sent(*due, sent));
        self.exchange(batch, true).await?;
        batch.turn_to_writes();
        if batch.requests.is_empty() { Ok(()) } else { self.exchange(batch, false).await }
    }

    /// Sends the batch's requests and counts the answers. In the `first` round reads of read-modify-writes count not
    /// yet.
    async fn exchange(&mut self, batch: &mut Batch, first: bool) -> anyhow::Result<()> {
        let Some(connection) = &mut self.connection else { bail!("no connection") };
        batch.answers.clear();
        let asked = timeout(BATCH_TIMEOUT, connection.carry_out(&batch.requests, &mut batch.answers)).await;
        let answers = std::mem::take(&mut batch.answers);
        for answered in &answers {
            let index = batch.of[answered.index];
            let half = first && batch.operations[index].kind == Kind::Rmw && answered.answer == Answer::Done;
            if !half {
                self.settle(batch, index, answered);
            }
        }
        batch.answers = answers;
        let Ok(result) = asked else { bail!("no answer within {BATCH_TIMEOUT:?}") };
        result
    }

    fn settle(&self, batch: &mut Batch, index: usize, answered: &Answered) {
        let (operation, due) = (batch.operations[index], batch.due[index]);
        let mut recorder = self.recorder.lock();
        match &answered.answer {
            Answer::Done => recorder.answered(operation.kind, due, answered.at),
            Answer::Miss => {
                recorder.failed(due, answered.at, || "a key that was written is not there".into())
            }
            Answer::Refused(why) => {
                batch.refused = true;
                recorder.failed(due, answered.at, || why.clone());
            }
        }
        drop(recorder);
        self.chooser.settle(operation, answered.answer == Answer::Done);
        batch.settled[index] = true;
    }

    fn fail_rest(&self, batch: &mut Batch, error: &anyhow::Error) {
        let now = Instant::now();
        for index in 0..batch.due.len() {
            if !std::mem::replace(&mut batch.settled[index], true) {
                self.recorder.lock().failed(batch.due[index], now, || format!("{error:#}"));
                self.chooser.settle(batch.operations[index], false);
            }
        }
    }
}
