//! What a run was, as its report tells it.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::checker::bounds::Bounds;
use crate::checker::{self, Verdict};
use crate::history::Operation;

/// The file of a run's folder that holds it.
pub const FILE: &str = "run.json";

/// What a run was. Whoever runs fills in what it knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Run {
    /// What it is called: `nemesis`, `run`, …
    pub name: String,
    /// Where its choices came from.
    pub seed: Option<u64>,
    /// The command that makes the same choices again.
    pub replay: String,
    /// Whether clocks were left alone and no group was long without a leader, so that deadlines can be judged against
    /// real time as well.
    pub steady: bool,
    /// What it ran on and with: nodes, groups, clients, versions, …
    pub environment: BTreeMap<String, String>,
}

impl Run {
    /// A run on this machine, with these facts besides those of the machine.
    pub fn here(name: &str, seed: u64, replay: String, facts: &[(&str, String)]) -> Self {
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let cpus = std::thread::available_parallelism().map_or(0, |count| count.get());
        let machine = [
            ("kernel", kernel.trim().to_owned()),
            ("processors", cpus.to_string()),
            ("tests", env!("CARGO_PKG_VERSION").to_owned()),
        ];
        let all = machine.iter().chain(facts).filter(|(_, value)| !value.is_empty());
        let environment = all.map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        Self { name: name.to_owned(), seed: Some(seed), replay, steady: false, environment }
    }

    /// How a history of this run is judged.
    pub fn check(&self, history: &[Operation]) -> Verdict {
        let bounds = if self.steady { Bounds::STATED } else { Bounds::NONE };
        checker::check_within(history, &bounds)
    }

    /// Writes it into a run's folder.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let path = folder.join(FILE);
        let file = File::create(&path).with_context(|| format!("create {}", path.display()))?;
        serde_json::to_writer_pretty(file, self).with_context(|| format!("write {}", path.display()))
    }

    /// Reads it from a run's folder; an empty one if the folder has none.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(FILE);
        match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            read => {
                let bytes = read.with_context(|| format!("read {}", path.display()))?;
                serde_json::from_slice(&bytes).with_context(|| format!("parse {}", path.display()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_read_as_it_was_written_and_may_be_missing() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Run::read(folder.path()).unwrap(), Run::default());
        let run = Run::here("run", 7, "again".into(), &[("nodes", "3".into()), ("rate", String::new())]);
        run.write(folder.path()).unwrap();
        assert_eq!(Run::read(folder.path()).unwrap(), run);
        assert_eq!(run.environment["nodes"], "3");
        assert!(!run.environment.contains_key("rate"));
    }
}
