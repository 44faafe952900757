//! The end of each kind of fault.

use std::time::Duration;

use anyhow::ensure;
use tokio::time::timeout;

use super::events::Edge;
use super::members;
use super::plan::Kind;
use super::stage::{Begun, Stage, Undo};
use crate::admin;
use crate::disk::PowerLoss;

/// How long a node may take to say who is in the cluster.
const LOOK_TIMEOUT: Duration = Duration::from_secs(1);
/// Fewest nodes that stay when one leaves.
const STAY_MIN: usize = 3;

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
            Undo::Replace(id) => return self.replace(id).await,
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
            Some(status) => ensure!(status.success(), "node {id} after SIGTERM: {status}"),
            None => self.cluster.kill(id)?,
        }
        self.start(id)?;
        Ok(if ended.is_some() { "ended cleanly" } else { "had not ended yet: killed" }.to_owned())
    }

    /// A node on a failing disk has stopped and said why, or has not asked much of its disk.
    fn new_disk(&mut self, id: u64) -> anyhow::Result<String> {
        let ended = self.cluster.try_exited(id)?;
        match ended {
            Some(status) => {
                ensure!(!status.success(), "node {id} ended with {status} after its disk failed");
                let says = self.cluster.log_text(id)?.contains("os error 5");
                ensure!(says, "node {id} does not say that its disk failed");
            }
            None => self.cluster.kill(id)?,
        }
        self.cluster.disk(id)?.fault(|faults| faults.failing = None);
        self.cluster.lose_power(id, PowerLoss::Dropped)?;
        self.start(id)?;
        Ok(if ended.is_some() { "stopped by itself" } else { "had not stopped: killed" }.to_owned())
    }

    /// Tells a node to leave, through another one.
    pub(super) fn leave(&mut self, number: u64, die: u64, free: &[u64]) -> anyhow::Result<Option<Begun>> {
        let staying = self.cluster.ids().len() - self.leaving.len();
        let &[id, through, ..] = free else { return Ok(None) };
        if staying <= STAY_MIN && die.is_multiple_of(2) {
            return Ok(None);
        }
        if !self.leaving.is_empty() {
            return Ok(None);
        }
        self.leaving.insert(id);
        let (node, events) = (self.cluster.http(through)?, self.events.clone());
        self.jobs.spawn(async move {
            let answer = members::remove_member(node, id).await;
            events.write(Edge::End, number, &Kind::Replace.name(), &[id], format!("leave: {answer}"));
        });
        Ok(Some((vec![id], Undo::Replace(id), format!("through {through}"))))
    }

    /// Puts a new node in the place of one that has left; one that is still a member stays.
    async fn replace(&mut self, id: u64) -> anyhow::Result<String> {
        match self.is_member(id).await {
            Some(false) => {}
            Some(true) => return Ok("still a member".to_owned()),
            None => return Ok("nobody says whether it left".to_owned()),
        }
        self.leaving.remove(&id);
        self.cluster.discard(id)?;
        let new = self.newcomer()?;
        Ok(format!("replaced by {new}"))
    }

    /// Starts a new node, and asks every group to take it as a voter.
    pub(super) fn newcomer(&mut self) -> anyhow::Result<u64> {
        let new = self.cluster.enlist()?;
        self.cluster.start(new)?;
        self.tell_clients()?;
        let through = self.cluster.http(new)?;
        let groups = self.groups.clone();
        self.jobs.spawn(async move {
            for group in groups {
                // Refused while it has not joined: then it stays without a vote.
                members::add_voter(through, group, new).await;
            }
        });
        Ok(new)
    }

    /// Has clients use every node there is, running or not.
    pub(super) fn tell_clients(&self) -> anyhow::Result<()> {
        let ids = self.cluster.ids();
        let all = ids.into_iter().map(|id| Ok((id, self.cluster.http(id)?)));
        self.running.use_nodes(all.collect::<anyhow::Result<_>>()?);
        Ok(())
    }

    /// Whether a node belongs to the cluster, by the first node that says.
    pub(super) async fn is_member(&self, id: u64) -> Option<bool> {
        for (_, node) in self.cluster.endpoints().into_iter().filter(|(other, _)| *other != id) {
            if let Ok(Ok(view)) = timeout(LOOK_TIMEOUT, admin::cluster(node)).await {
                return Some(view.nodes.iter().any(|node| node.id == id));
            }
        }
        None
    }
}
