//! What a cluster's nodes store on, and power cuts.

use std::path::PathBuf;

use anyhow::{Context, ensure};

use super::{Cluster, Storage};
use crate::disk::{FaultDisk, PowerLoss};

impl Cluster {
    /// The faulty disk under a node.
    pub fn disk(&self, id: u64) -> anyhow::Result<&FaultDisk> {
        self.member(id)?.disk.as_ref().with_context(|| format!("node {id} stores in a plain folder"))
    }

    fn disks(&self, ids: &[u64]) -> anyhow::Result<Vec<&FaultDisk>> {
        ids.iter().map(|&id| self.disk(id)).collect()
    }

    /// kill -9 of running nodes at once: all are stopped before any is killed. With `power` their disks lose power
    /// at the same moment; it is back when this returns. A node that ended by itself before is an error.
    pub fn crash(&mut self, ids: &[u64], power: Option<PowerLoss>) -> anyhow::Result<()> {
        for &id in ids {
            let ended = self.process(id)?.try_exited()?;
            ensure!(ended.is_none(), "node {id} ended by itself: {ended:?}");
            self.pause(id)?;
        }
        if power.is_some() {
            self.disks(ids)?.into_iter().for_each(FaultDisk::power_off);
        }
        ids.iter().try_for_each(|&id| self.kill(id))?;
        if let Some(how) = power {
            self.disks(ids)?.into_iter().for_each(|disk| disk.power_on(how));
        }
        Ok(())
    }

    /// Cuts the power of the disk of a node that does not run.
    pub fn lose_power(&mut self, id: u64, how: PowerLoss) -> anyhow::Result<()> {
        ensure!(self.member(id)?.process.is_none(), "node {id} runs");
        let disk = self.disk(id)?;
        disk.power_off();
        disk.power_on(how);
        Ok(())
    }

    /// Everything a node has logged so far.
    pub fn log_text(&self, id: u64) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(self.log(id))?)
    }

    /// The folder of a node's data.
    pub(super) fn data(&self, id: u64) -> PathBuf {
        match self.member(id).ok().and_then(|member| member.disk.as_ref()) {
            Some(disk) => disk.folder().join("data"),
            None => self.folder().join(format!("node-{id}")),
        }
    }

    /// Mounts the disk of a new node, if it is to have one of its own.
    pub(super) fn make_disk(&self, id: u64) -> anyhow::Result<Option<FaultDisk>> {
        let Storage::Faulty { seed } = self.options.storage else { return Ok(None) };
        let folder = self.folder().join(format!("disk-{id}"));
        std::fs::create_dir(&folder).with_context(|| format!("create {}", folder.display()))?;
        Ok(Some(FaultDisk::mount(&folder, seed.wrapping_add(id))?))
    }
}
