//! What came of each round: one JSON line each, so that a run can be resumed, and sums for people.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use super::plan::Plan;

/// What is wrong with a round. Ordered: the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Finding {
    /// Nothing.
    Ok,
    /// The search for an order reached its bound on some key.
    Undecided,
    /// The cluster did not work again in time, a node ended by itself, or the round could not be run.
    Failed,
    /// Clients were told something wrong, replicas differ, or a vote was forgotten.
    Violation,
}

/// A round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The seed of the whole run.
    pub seed: u64,
    /// The number of the round in it.
    pub round: u64,
    /// The round's own seed.
    pub round_seed: u64,
    /// Nodes at first.
    pub nodes: u64,
    /// Data groups.
    pub groups: u32,
    /// What clients spoke.
    #[serde(default)]
    pub protocol: String,
    /// Faults that began, by kind.
    pub faults: BTreeMap<String, u64>,
    /// Operations of clients.
    pub operations: usize,
    /// Of them, those certainly not done.
    pub failed: usize,
    /// Of them, those nobody knows of.
    pub unknown: usize,
    /// How long the whole round took, s.
    pub seconds: f64,
    /// How long after the last fault the cluster worked again, s.
    pub healed_s: f64,
    /// What is wrong.
    pub finding: Finding,
    /// More about that.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// Logs, disks and history of a round that was not good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
}

impl Entry {
    pub(super) fn new(seed: u64, round: u64, plan: &Plan) -> Self {
        Self {
            seed,
            round,
            round_seed: plan.seed,
            nodes: plan.nodes,
            groups: plan.groups,
            protocol: plan.protocol.to_string(),
            faults: BTreeMap::new(),
            operations: 0,
            failed: 0,
            unknown: 0,
            seconds: 0.0,
            healed_s: 0.0,
            finding: Finding::Ok,
            detail: String::new(),
            folder: None,
        }
    }

    /// Whether nothing is wrong.
    pub fn is_ok(&self) -> bool {
        self.finding == Finding::Ok
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { round, round_seed, nodes, groups, protocol, operations, failed, unknown, .. } = self;
        write!(
            f,
            "round {round} ({round_seed}): {:?}; {nodes} nodes, {groups} groups, {protocol}; ",
            self.finding
        )?;
        let faults: Vec<String> = self.faults.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        write!(f, "{operations} operations, {failed} failed, {unknown} unknown; {}; ", faults.join(", "))?;
        write!(f, "healed in {:.1} s; {:.1} s", self.healed_s, self.seconds)?;
        if self.is_ok() {
            return Ok(());
        }
        write!(f, "\n  {}", self.detail.trim_end())?;
        self.folder.iter().try_for_each(|folder| write!(f, "\n  kept in {}", folder.display()))
    }
}

/// The rounds of a run.
#[derive(Debug)]
pub struct Ledger {
    earlier: Vec<Entry>,
    file: Option<Mutex<File>>,
}

impl Ledger {
    /// Reads the rounds a file holds, to add to it; without a file nothing is kept.
    pub fn open(path: Option<&Path>, seed: u64) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self { earlier: Vec::new(), file: None }) };
        let context = || format!("the ledger {}", path.display());
        let mut file =
            OpenOptions::new().create(true).read(true).append(true).open(path).with_context(context)?;
        let text = std::fs::read_to_string(path).with_context(context)?;
        if !text.is_empty() && !text.ends_with('\n') {
            // The last line of a run that was killed while it wrote.
            file.write_all(b"\n")?;
        }
        let whole = text.lines().filter_map(|line| serde_json::from_str(line).ok());
        let earlier: Vec<Entry> = whole.collect();
        let other = earlier.iter().find(|entry| entry.seed != seed);
        ensure!(
            other.is_none(),
            "{} is of another seed: {:?}",
            path.display(),
            other.map(|entry| entry.seed)
        );
        Ok(Self { earlier, file: Some(Mutex::new(file)) })
    }

    /// Rounds run before.
    pub fn earlier(&self) -> &[Entry] {
        &self.earlier
    }

    /// The number of the first round to be run.
    pub fn next_round(&self) -> u64 {
        self.earlier.iter().map(|entry| entry.round + 1).max().unwrap_or(0)
    }

    /// Adds a round.
    pub fn note(&self, entry: &Entry) -> anyhow::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut file = file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        writeln!(file, "{}", serde_json::to_string(entry)?).context("add to the ledger")
    }
}

/// Sums over rounds.
#[derive(Debug, Default)]
pub struct Totals {
    rounds: BTreeMap<String, u64>,
    faults: BTreeMap<String, u64>,
    operations: usize,
    unknown: usize,
    seconds: f64,
    healed_max_s: f64,
}

impl Totals {
    /// Adds a round.
    pub fn add(&mut self, entry: &Entry) {
        *self.rounds.entry(format!("{:?}", entry.finding).to_lowercase()).or_default() += 1;
        for (kind, count) in &entry.faults {
            *self.faults.entry(kind.clone()).or_default() += count;
        }
        self.operations += entry.operations;
        self.unknown += entry.unknown;
        self.seconds += entry.seconds;
        self.healed_max_s = self.healed_max_s.max(entry.healed_s);
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounds: u64 = self.rounds.values().sum();
        let hours = self.seconds / 3600.0;
        let list = |map: &BTreeMap<String, u64>| {
            map.iter().map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
        };
        writeln!(
            f,
            "{rounds} rounds ({}) in {hours:.2} h: {:.1} rounds/h",
            list(&self.rounds),
            rounds as f64 / hours
        )?;
        writeln!(
            f,
            "{} operations, {} unknown; {} faults: {}",
            self.operations,
            self.unknown,
            self.faults.values().sum::<u64>(),
            list(&self.faults)
        )?;
        writeln!(f, "longest until the cluster worked again after the last fault: {:.1} s", self.healed_max_s)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_run_is_resumed_where_it_ended_even_in_the_middle_of_a_line() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let plan = Plan::draw(9, Duration::from_secs(20), &[]);
        let ledger = Ledger::open(Some(file.path()), 9).unwrap();
        assert_eq!(ledger.next_round(), 0);
        ledger.note(&Entry::new(9, 0, &plan)).unwrap();
        ledger.note(&Entry::new(9, 1, &plan)).unwrap();
        std::fs::write(file.path(), format!("{}{{\"seed\":", std::fs::read_to_string(file.path()).unwrap()))
            .unwrap();
        let again = Ledger::open(Some(file.path()), 9).unwrap();
        assert_eq!((again.earlier().len(), again.next_round()), (2, 2));
        again.note(&Entry::new(9, 2, &plan)).unwrap();
        assert_eq!(Ledger::open(Some(file.path()), 9).unwrap().next_round(), 3);
        assert!(Ledger::open(Some(file.path()), 8).is_err());
    }

    #[test]
    fn sums_name_what_was_found() {
        let mut totals = Totals::default();
        let plan = Plan::draw(9, Duration::from_secs(20), &[]);
        let good = Entry {
            seconds: 60.0,
            operations: 5,
            faults: [("kill".to_owned(), 2)].into(),
            ..Entry::new(1, 0, &plan)
        };
        totals.add(&good);
        totals.add(&Entry { finding: Finding::Violation, ..good });
        let text = totals.to_string();
        assert!(
            text.starts_with("2 rounds (1 ok, 1 violation) in 0.03 h: 60.0 rounds/h\n10 operations"),
            "{text}"
        );
        assert!(text.contains("4 faults: 4 kill"), "{text}");
    }
}
