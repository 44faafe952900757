//! Nodes come and go.

use anyhow::Context;

use super::{Cluster, Member};
use crate::ports;

impl Cluster {
    /// Makes place for one more node, under an id never used before.
    pub fn enlist(&mut self) -> anyhow::Result<u64> {
        self.last_id += 1;
        let id = self.last_id;
        let (http, peer, resp) = match &mut self.network {
            None => (ports::free()?, ports::free()?, [ports::free()?, ports::free()?]),
            Some(network) => {
                network.add(id)?;
                network.listeners(id)
            }
        };
        let (disk, clocks) = (self.make_disk(id)?, self.make_clocks(id)?);
        self.members.insert(id, Member { http, peer, resp, process: None, disk, clocks });
        Ok(id)
    }

    /// Forgets a node: what runs of it is killed, its disk and its place in the network are gone for good.
    pub fn discard(&mut self, id: u64) -> anyhow::Result<()> {
        self.members.remove(&id).with_context(|| format!("there is no node {id}"))?;
        self.network.as_mut().map_or(Ok(()), |network| network.remove(id))
    }

    /// Starts one more node under the next id, which joins through the others; waits until it is ready.
    pub async fn add_node(&mut self) -> anyhow::Result<u64> {
        let id = self.enlist()?;
        self.restart(id).await?;
        Ok(id)
    }
}
