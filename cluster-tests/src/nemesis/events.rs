//! What was done to a cluster and when: JSON lines on the clock of the history, for reports and for people.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::Context;
use serde::{Deserialize, Serialize};

/// The name of the file, beside `history.jsonl`.
pub const FILE: &str = "faults.jsonl";

/// Whether a fault begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Edge {
    /// It begins.
    Begin,
    /// It ends.
    End,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When, ns on the clock of the history.
    pub t_ns: u64,
    /// Beginning or end.
    pub edge: Edge,
    /// Which fault of the round: the same number at its beginning and its end.
    pub fault: u64,
    /// What kind, such as `partition`.
    pub kind: String,
    /// The nodes concerned; none: all.
    pub nodes: Vec<u64>,
    /// More about it, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// The log of one round.
#[derive(Debug, Clone)]
pub struct Events {
    file: Arc<Mutex<File>>,
    epoch: Instant,
}

impl Events {
    /// A new log in a folder; `epoch` is what the times of the history count from.
    pub fn create(folder: &Path, epoch: Instant) -> anyhow::Result<Self> {
        let path = folder.join(FILE);
        let file = File::create(&path).with_context(|| format!("create {}", path.display()))?;
        Ok(Self { file: Arc::new(Mutex::new(file)), epoch })
    }

    /// Writes that a fault begins or ends now.
    pub fn write(&self, edge: Edge, fault: u64, kind: &str, nodes: &[u64], detail: String) {
        let t_ns = self.epoch.elapsed().as_nanos() as u64;
        let event = Event { t_ns, edge, fault, kind: kind.to_owned(), nodes: nodes.to_vec(), detail };
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // A log that cannot be written takes nothing from the verdict.
        let _ = writeln!(file, "{}", serde_json::to_string(&event).unwrap_or_default());
    }
}

/// Reads a log.
pub fn read(path: &Path) -> anyhow::Result<Vec<Event>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_was_written_reads_back_on_the_clock_given() {
        let folder = tempfile::tempdir().unwrap();
        let epoch = Instant::now().checked_sub(Duration::from_secs(5)).unwrap();
        let events = Events::create(folder.path(), epoch).unwrap();
        events.write(Edge::Begin, 3, "pause", &[1, 2], String::new());
        events.write(Edge::End, 3, "pause", &[1, 2], "late".to_owned());
        let all = read(&folder.path().join(FILE)).unwrap();
        assert_eq!(all.iter().map(|event| event.edge).collect::<Vec<_>>(), [Edge::Begin, Edge::End]);
        assert!(all[0].t_ns >= 5_000_000_000 && all[0].t_ns <= all[1].t_ns);
        assert_eq!((all[1].fault, all[1].nodes.as_slice(), all[1].detail.as_str()), (3, &[1, 2][..], "late"));
    }
}
