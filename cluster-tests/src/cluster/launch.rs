//! How a node's process is started.

use anyhow::Context;

use super::Cluster;
use super::clocks::{self, Clocks};
use crate::binary;
use crate::process::Launch;

impl Cluster {
    /// Has the boot clock of a node's next process be so far ahead of the machine's, s.
    pub fn set_boot_clock(&mut self, id: u64, ahead_s: u32) -> anyhow::Result<()> {
        self.member_mut(id)?.clocks.boot_ahead_s = Some(ahead_s);
        Ok(())
    }

    /// Sets how far a node's wall clock is off from now on, s; only with [`super::Options::fake_wall`].
    pub fn step_wall(&self, id: u64, off_s: i64) -> anyhow::Result<()> {
        let file = self.member(id)?.clocks.wall.as_ref();
        clocks::step_wall(file.context("the nodes' wall clocks are the machine's")?, off_s)
    }

    pub(super) fn make_clocks(&self, id: u64) -> anyhow::Result<Clocks> {
        if !self.options.fake_wall {
            return Ok(Clocks::default());
        }
        let file = self.folder().join(format!("wall-{id}"));
        clocks::step_wall(&file, 0)?;
        Ok(Clocks { boot_ahead_s: None, wall: Some(file) })
    }

    pub(super) fn launch(&self, id: u64) -> anyhow::Result<Launch> {
        let clocks = &self.member(id)?.clocks;
        let mut through = self.network.as_ref().map(|network| network.enter(id)).unwrap_or_default();
        through.extend(clocks.through());
        Ok(Launch {
            through,
            program: binary::quorate()?,
            arguments: self.arguments(id)?,
            environment: clocks.environment(),
            litter: clocks.litter(),
        })
    }

    fn arguments(&self, id: u64) -> anyhow::Result<Vec<String>> {
        let member = self.member(id)?;
        let seeds: Vec<String> = self.members.values().map(|member| member.peer.to_string()).collect();
        let pairs = [
            ("--id", id.to_string()),
            ("--data-dir", self.data(id).display().to_string()),
            ("--http", member.http.to_string()),
            ("--peer", member.peer.to_string()),
            ("--seeds", seeds.join(",")),
            ("--resp", member.resp[0].to_string()),
            ("--resp-cluster", member.resp[1].to_string()),
        ];
        let mut arguments = vec!["serve".to_owned()];
        arguments.extend(pairs.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]));
        if id <= self.founders {
            arguments.extend(["--bootstrap-expect".to_owned(), self.founders.to_string()]);
        }
        if self.network.is_some() {
            // Its addresses are no loopback ones, and nothing but this test reaches them.
            arguments.push("--allow-insecure=yes".to_owned());
        }
        arguments.extend(self.options.arguments());
        Ok(arguments)
    }
}
