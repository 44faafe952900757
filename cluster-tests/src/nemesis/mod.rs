//! Rounds in which everything goes wrong at once: processes, network, disks, clocks and members, drawn from a seed,
//! overlapping, while clients write a history.
//!
//! Each round has a cluster of its own in a [`crate::netns::Network`] on faulty disks. Faults come for the round's
//! time ([`plan`]); then all is mended and the cluster must work again within a bound, the history must fit the model,
//! the replicas must be equal, and no vote may ever have gone back. Nothing depends on what a fault did: a plan is the
//! same for a seed, whom it hits depends on who leads at the time.

pub mod events;
mod faults;
mod heal;
pub mod ledger;
mod members;
pub mod plan;
mod readers;
mod replace;
mod round;
mod stage;
mod starve;
mod undo;

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;
use tokio::time::Instant;

use self::ledger::{Entry, Ledger, Totals};
use self::plan::{Kind, Plan, round_seed};
use crate::cluster::clocks;
use crate::{disk, netns};

/// Rounds that may fail before the rest are not run: something is broken, and folders are large.
const FAILED_MAX: u64 = 5;

/// When to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// After so many rounds.
    Rounds(u64),
    /// When a round ends so long after the start.
    Elapsed(Duration),
}

/// Many rounds.
#[derive(Debug, Clone)]
pub struct Campaign {
    /// Where every choice comes from.
    pub seed: u64,
    /// When to stop.
    pub until: Until,
    /// How long faults come in each round.
    pub lasts: Duration,
    /// What may happen.
    pub kinds: Vec<Kind>,
    /// Where histories and faults of all rounds are kept, good ones too; `None`: nowhere.
    pub out: Option<PathBuf>,
    /// Where folders of failed rounds are kept; `None`: among the temporary files.
    pub keep: Option<PathBuf>,
    /// Rounds already run, and where each new one is noted.
    pub resume: Option<PathBuf>,
}

/// Whether rounds can be run here; if not, why.
pub fn available() -> Result<(), String> {
    netns::available()?;
    disk::available()
}

/// Every kind of fault that can be produced here.
pub fn kinds() -> Vec<Kind> {
    let all = Kind::value_variants().iter().copied();
    all.filter(|kind| *kind != Kind::Wall || clocks::fake_time().is_some()).collect()
}

/// Runs rounds, printing one line each and totals in the end; whether all were good.
pub async fn run(campaign: &Campaign, out: &mut impl Write) -> anyhow::Result<bool> {
    let began = Instant::now();
    let ledger = Ledger::open(campaign.resume.as_deref(), campaign.seed)?;
    let mut totals = Totals::default();
    ledger.earlier().iter().for_each(|entry| totals.add(entry));
    let first = ledger.next_round();
    let mut failed = 0;
    for round in first.. {
        let over = match campaign.until {
            Until::Rounds(count) => round - first >= count,
            Until::Elapsed(time) => began.elapsed() >= time,
        };
        if over || failed >= FAILED_MAX {
            break;
        }
        let plan = Plan::draw(round_seed(campaign.seed, round), campaign.lasts, &campaign.kinds);
        let entry = round::run(&plan, campaign, round).await;
        writeln!(out, "{entry}").context("print a round")?;
        out.flush()?;
        if !entry.is_ok() {
            failed += 1;
            writeln!(out, "  to try again: {}", command(&plan, campaign))?;
        }
        ledger.note(&entry)?;
        totals.add(&entry);
    }
    write!(out, "{totals}")?;
    Ok(failed == 0)
}

/// The command that runs a round's plan again.
pub fn command(plan: &Plan, campaign: &Campaign) -> String {
    let kinds: Vec<String> = campaign.kinds.iter().map(|kind| kind.name()).collect();
    let (seed, seconds) = (plan.seed, plan.lasts.as_secs());
    format!(
        "cargo run --release -p cluster-tests -- nemesis --rounds 1 --seed {seed} --seconds {seconds} --faults {}",
        kinds.join(",")
    )
}

/// Runs one short round and nothing else: an error says what is wrong with it.
pub async fn one(seed: u64, lasts: Duration) -> anyhow::Result<Entry> {
    let campaign = Campaign {
        seed,
        until: Until::Rounds(1),
        lasts,
        kinds: kinds(),
        out: None,
        keep: None,
        resume: None,
    };
    let plan = Plan::draw(seed, lasts, &campaign.kinds);
    let entry = round::run(&plan, &campaign, 0).await;
    anyhow::ensure!(entry.is_ok(), "{entry}\nto try again: {}", command(&plan, &campaign));
    Ok(entry)
}
