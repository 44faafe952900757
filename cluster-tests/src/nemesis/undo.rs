//! The end of each kind of fault.

use std::os::unix::process::ExitStatusExt as _;

use anyhow::ensure;

use super::stage::{Stage, Undo};
use crate::disk::PowerLoss;
use crate::process::LAUNCHED;

/// What a node says whose disk fails, or is read-only.
const SAYS: [&str; 2] = ["os error 5)", "os error 30)"];

const SIGTERM: i32 = 15;

impl Stage<'_> {
    /// Undoes a fault; more about its end, for people.
    pub(super) async fn undo(&mut self, undo: Undo) -> anyhow::Result<String> {
        match undo {
            Undo::Start(ids) => ids.iter().try_for_each(|&id| self.start(id))?,
            Undo::Restart(id) => return self.restart(id),
            Undo::Resume(ids) => {
                for id in ids {
                    self.cluster.resume(id)?;
                    self.held.remove(&id);
                }
            }
            Undo::Mend(layer) => self.cluster.network()?.weather(|weather| weather.take_off(layer)),
            Undo::Disk(ids) => {
                for disk in ids.iter().filter_map(|&id| self.cluster.disk(id).ok()) {
                    disk.fault(|faults| (faults.sync_extra, faults.capacity) = Default::default());
                }
            }
            Undo::FailedDisk(id) => return self.new_disk(id),
            Undo::Wall(ids) => {
                let there = self.cluster.ids();
                ids.iter()
                    .filter(|id| there.contains(id))
                    .try_for_each(|&id| self.cluster.step_wall(id, 0))?;
            }
            Undo::Replace(id, ghost) => return self.replace(id, ghost).await,
            Undo::Itself => {}
        }
        Ok(String::new())
    }

    fn start(&mut self, id: u64) -> anyhow::Result<()> {
        self.held.remove(&id);
        self.cluster.start(id)
    }

    /// Starts a node that was told to end; one that takes its time is killed.
    fn restart(&mut self, id: u64) -> anyhow::Result<String> {
        let ended = self.cluster.try_exited(id)?;
        match ended {
            // A process that was told to end before it had begun could not listen yet.
            Some(status) if status.signal() == Some(SIGTERM) && !self.has_begun(id)? => {}
            Some(status) => ensure!(status.success(), "node {id} after SIGTERM: {status}"),
            None => self.cluster.kill(id)?,
        }
        self.start(id)?;
        Ok(if ended.is_some() { "ended cleanly" } else { "had not ended yet: killed" }.to_owned())
    }

    /// Whether the process that was started last came so far as to say so.
    fn has_begun(&self, id: u64) -> anyhow::Result<bool> {
        let log = self.cluster.log_text(id)?;
        Ok(log.rsplit(LAUNCHED).next().is_some_and(|last| last.contains("starting")))
    }

    /// A node on a failing disk has stopped and said why, or has not asked much of its disk.
    fn new_disk(&mut self, id: u64) -> anyhow::Result<String> {
        let ended = self.cluster.try_exited(id)?;
        match ended {
            Some(status) => {
                ensure!(!status.success(), "node {id} ended with {status} after its disk failed");
                let log = self.cluster.log_text(id)?;
                ensure!(
                    SAYS.iter().any(|says| log.contains(says)),
                    "node {id} does not say that its disk failed"
                );
            }
            None => self.cluster.kill(id)?,
        }
        self.cluster.disk(id)?.fault(|faults| (faults.failing, faults.read_only) = Default::default());
        self.cluster.lose_power(id, PowerLoss::Dropped)?;
        self.start(id)?;
        Ok(if ended.is_some() { "stopped by itself" } else { "had not stopped: killed" }.to_owned())
    }
}
