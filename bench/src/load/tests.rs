//! The load against a driver that answers from this process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::bail;
use parking_lot::Mutex;

use super::arguments::{LoadArguments, parsed};
use super::*;
use crate::driver::{Answer, Answered, Connection, Request};

const ANSWER_TIME: Duration = Duration::from_millis(2);

/// What the fake does wrong.
#[derive(Clone, Copy, Default, PartialEq)]
enum Fault {
    #[default]
    None,
    /// Every tenth request ends its connection.
    Breaks,
    /// Every tenth request is refused.
    Refuses,
    /// One pause of 100 ms at the 20th batch.
    Stalls,
}

/// Answers after a fixed time, and remembers what it was asked.
#[derive(Clone, Default)]
struct Fake {
    connects: Arc<AtomicU64>,
    batches: Arc<AtomicU64>,
    asked: Arc<Mutex<Vec<Request>>>,
    fault: Fault,
}

impl Driver for Fake {
    type Connection = Self;

    async fn connect(&self, _: u64) -> anyhow::Result<Self> {
        self.connects.fetch_add(1, Ordering::Relaxed);
        Ok(self.clone())
    }
}

impl Connection for Fake {
    async fn carry_out(&mut self, requests: &[Request], answers: &mut Vec<Answered>) -> anyhow::Result<()> {
        tokio::time::sleep(ANSWER_TIME).await;
        let batch = self.batches.fetch_add(1, Ordering::Relaxed);
        if self.fault == Fault::Stalls && batch == 20 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        for (index, request) in requests.iter().enumerate() {
            let count = {
                let mut asked = self.asked.lock();
                asked.push(*request);
                asked.len()
            };
            let answer = match self.fault {
                Fault::Breaks if count % 10 == 0 => bail!("broken"),
                Fault::Refuses if count % 10 == 0 => Answer::Refused("busy".into()),
                _ => Answer::Done,
            };
            answers.push(Answered { index, answer, at: Instant::now() });
        }
        Ok(())
    }
}

fn load(more: &str) -> LoadArguments {
    parsed(&format!("http --connections 4 --duration 1s --warmup 50ms --keys 8 {more}")).unwrap()
}

fn measured(fake: &Fake, more: &str) -> Measured {
    run(fake, &load(more)).unwrap().remove(0)
}

fn count(measured: &Measured, kind: Kind) -> u64 {
    measured.recorder.kinds[kind as usize].latencies.len()
}

#[test]
fn answers_count_within_the_window_only() {
    let fake = Fake::default();
    let measured = measured(&fake, "--seed 2");
    let sets = count(&measured, Kind::Set);
    assert_eq!((count(&measured, Kind::Get), measured.recorder.errors), (0, 0));
    assert!(sets > 0 && sets < fake.asked.lock().len() as u64);
    assert!(measured.recorder.kinds[Kind::Set as usize].latencies.min() >= ANSWER_TIME.as_nanos() as u64);
    assert_eq!(measured.series.iter().map(|sample| sample.errors).sum::<u64>(), 0);
}

#[test]
fn reads_are_of_keys_written_before() {
    let fake = Fake::default();
    let measured = measured(&fake, "--read-ratio 1.0");
    let asked = fake.asked.lock();
    let mut first: Vec<Request> = asked[..8].to_vec();
    first.sort_by_key(|request| format!("{request:?}"));
    assert_eq!(first, (0..8).map(Request::Set).collect::<Vec<_>>());
    assert!(asked[8..].iter().all(|request| matches!(request, Request::Get(0..8))));
    assert!(count(&measured, Kind::Get) > 0 && count(&measured, Kind::Set) == 0);
}

#[test]
fn a_broken_connection_is_an_error_and_opened_again() {
    let fake = Fake { fault: Fault::Breaks, ..Fake::default() };
    let measured = measured(&fake, "--pipeline 3");
    assert!(measured.recorder.errors > 0);
    assert_eq!(measured.recorder.error_samples, ["broken"]);
    assert!(fake.connects.load(Ordering::Relaxed) > 4);
}

#[test]
fn a_refusal_is_an_error_on_a_connection_that_stays() {
    let fake = Fake { fault: Fault::Refuses, ..Fake::default() };
    let measured = measured(&fake, "--threads 2");
    assert!(measured.recorder.errors > 0 && count(&measured, Kind::Set) > measured.recorder.errors);
    assert_eq!(measured.recorder.error_samples, ["busy"]);
    assert_eq!(fake.connects.load(Ordering::Relaxed), 4);
}

#[test]
fn a_read_modify_write_is_one_operation_of_two_requests() {
    let fake = Fake::default();
    let measured = measured(&fake, "--ycsb f --connections 1 --seed 3");
    let rmw = &measured.recorder.kinds[Kind::Rmw as usize].latencies;
    assert!(!rmw.is_empty() && rmw.min() >= 2 * ANSWER_TIME.as_nanos() as u64);
    let asked = fake.asked.lock();
    // After the keys were written, each write is of the key read just before.
    for (before, request) in asked[7..].iter().zip(&asked[8..]) {
        if let Request::Set(number) = request {
            assert_eq!(*before, Request::Get(*number));
        }
    }
}

#[test]
fn a_stall_makes_all_that_was_due_meanwhile_late() {
    let fake = Fake { fault: Fault::Stalls, ..Fake::default() };
    let measured = measured(&fake, "--rate 200 --connections 1 --duration 400ms");
    let sets = &measured.recorder.kinds[Kind::Set as usize].latencies;
    // 200 a second for 0.4 s, each counted; with 100 ms of stall about 20 of them were due while it lasted.
    assert_eq!((sets.len(), measured.unsent, measured.recorder.errors), (80, 0, 0));
    let late = sets.len() - sets.count_between(0, 20_000_000);
    assert!(late >= 12, "{late} late");
    assert!(measured.recorder.waits.max() >= 50_000_000);
}

#[test]
fn a_rate_beyond_the_server_is_seen_as_such() {
    let fake = Fake::default();
    let measured = measured(&fake, "--rate 2000 --connections 1 --duration 100ms --warmup 0s");
    let set = &measured.recorder.kinds[Kind::Set as usize];
    // One connection carries out fewer than 500 a second: all are carried out in the end, late, few within.
    assert_eq!(set.latencies.len(), 200);
    assert!(set.within <= 50 && set.latencies.max() >= 200_000_000);
}

#[test]
fn a_scan_is_refused_where_there_is_none() {
    let refused = run(&Fake::default(), &load("--ycsb e")).unwrap_err();
    assert!(refused.to_string().contains("workload E"), "{refused}");
}
