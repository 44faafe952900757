//! A node leaves for good and a new one takes its place. Some come back as ghosts: under the id that is gone, with
//! their old disk or an empty one. Clients go on asking them; they must not be let in, and stop.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::ensure;
use rand::Rng;
use rand::rngs::StdRng;
use tokio::time::timeout;

use super::events::Edge;
use super::members;
use super::plan::Kind;
use super::stage::{Begun, Stage, Undo};
use crate::admin;

/// How long a node may take to say who is in the cluster.
const LOOK_TIMEOUT: Duration = Duration::from_secs(1);
/// Clusters of no more nodes than this lose one half as often.
const SMALL: usize = 3;

/// What becomes of a node that has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// It is never seen again.
    Gone,
    /// It starts again as it was.
    Ghost,
    /// It starts again with an empty disk.
    WipedGhost,
}

impl Stage<'_> {
    /// Tells a node to leave, through another one. One leaves at a time.
    pub(super) async fn leave(&mut self, number: u64, random: &mut StdRng) -> anyhow::Result<Option<Begun>> {
        let free = self.free(random).await;
        let &[id, through, ..] = free.as_slice() else { return Ok(None) };
        let spared = self.cluster.ids().len() <= SMALL && random.random();
        if spared || !self.leaving.is_empty() {
            return Ok(None);
        }
        self.leaving.insert(id);
        self.refused = Arc::default();
        let (node, events) = (self.cluster.http(through)?, self.events.clone());
        let refusals = self.refused.clone();
        self.jobs.spawn(async move {
            let (refused, answer) = members::remove_member(node, id).await;
            if refused {
                refusals.store(true, Ordering::Relaxed);
            }
            events.write(Edge::End, number, &Kind::Replace.name(), &[id], format!("leave: {answer}"));
        });
        let after = [After::Gone, After::Ghost, After::WipedGhost][random.random_range(0..3)];
        Ok(Some((vec![id], Undo::Replace(id, after), format!("through {through}, {after:?} then"))))
    }

    /// Puts a new node in the place of one that has left; one that is still a member stays.
    pub(super) async fn replace(&mut self, id: u64, after: After) -> anyhow::Result<String> {
        match self.is_member(id).await {
            Some(false) => {}
            Some(true) => {
                if self.refused.load(Ordering::Relaxed) {
                    self.leaving.remove(&id);
                }
                return Ok("still a member".to_owned());
            }
            None => return Ok("nobody says whether it left".to_owned()),
        }
        self.leaving.remove(&id);
        match after {
            After::Gone => self.cluster.discard(id)?,
            After::Ghost | After::WipedGhost => self.haunt(id, after == After::WipedGhost)?,
        }
        let new = self.newcomer()?;
        Ok(format!("replaced by {new}"))
    }

    fn haunt(&mut self, id: u64, wiped: bool) -> anyhow::Result<()> {
        if self.cluster.try_exited(id)?.is_none() && self.cluster.runs(id) {
            self.cluster.kill(id)?;
        }
        if wiped {
            self.cluster.wipe(id)?;
        }
        self.held.insert(id);
        self.ghosts.insert(id);
        self.cluster.start(id)
    }

    /// Starts a new node, and asks every group to take it as a voter once it has joined.
    fn newcomer(&mut self) -> anyhow::Result<u64> {
        let new = self.cluster.enlist()?;
        self.cluster.start(new)?;
        self.tell_clients();
        self.jobs.spawn(members::welcome(self.cluster.http(new)?, self.groups.clone(), new));
        Ok(new)
    }

    /// Has clients use every node there is, running or not.
    fn tell_clients(&self) {
        self.running.use_nodes(self.cluster.everyone(self.running.protocol()));
    }

    /// Whether a node belongs to the cluster, by the first node that says.
    async fn is_member(&self, id: u64) -> Option<bool> {
        let others = self.cluster.endpoints().into_iter();
        for (_, node) in others.filter(|(other, _)| *other != id && !self.ghosts.contains(other)) {
            if let Ok(Ok(view)) = timeout(LOOK_TIMEOUT, admin::cluster(node)).await {
                return Some(view.nodes.iter().any(|node| node.id == id));
            }
        }
        None
    }

    /// After everything was mended: discards nodes that have left after all, and ghosts that have stopped. An error
    /// while there are ghosts.
    pub(super) async fn settle(&mut self) -> anyhow::Result<()> {
        for id in self.leaving.clone() {
            match self.is_member(id).await {
                Some(false) => {
                    self.leaving.remove(&id);
                    self.cluster.discard(id)?;
                    self.tell_clients();
                }
                Some(true) if !self.cluster.runs(id) => self.cluster.start(id)?,
                _ => {}
            }
        }
        for id in self.ghosts.clone() {
            let stopped = self.cluster.try_exited(id)?.is_some() || !self.cluster.runs(id);
            ensure!(stopped, "node {id} has left the cluster, came back under its old id, and does not stop");
            self.ghosts.remove(&id);
            self.cluster.discard(id)?;
            self.tell_clients();
        }
        Ok(())
    }
}
