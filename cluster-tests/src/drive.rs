//! Workloads against a cluster to which nothing is done: what they cost, and whether every answer was right.

use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};

use crate::cluster::{Cluster, Options, with_cluster};
use crate::report::summary::Summary;
use crate::report::{HISTORY, Report, Run};
use crate::workload::{Mix, Protocol, Workload};
use crate::{binary, history};

/// What the run may take beyond its time: forming the cluster, reading all keys again, judging.
const BESIDES: Duration = Duration::from_secs(300);

/// One run.
#[derive(Debug, Clone)]
pub struct Drive {
    /// What clients do.
    pub mix: Mix,
    /// What they speak.
    pub protocol: Protocol,
    /// For how long.
    pub seconds: u64,
    /// Number of clients.
    pub clients: u64,
    /// Operations, or batches of them, a second; `None`: as many as are answered.
    pub rate: Option<f64>,
    /// Nodes of the cluster.
    pub nodes: u64,
    /// Data groups.
    pub groups: u32,
    /// Keys that registers share.
    pub keys: u64,
    /// Where every choice comes from.
    pub seed: u64,
    /// Where history and report go; beside the nodes' logs, which are kept on failure only, when not given.
    pub out: Option<PathBuf>,
}

/// The command that makes the same choices again.
impl fmt::Display for Drive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mix, protocol, seconds, clients, rate, nodes, groups, keys, seed, .. } = self;
        write!(
            f,
            "cargo run --release -p cluster-tests -- run --workload {mix} --seconds {seconds} --clients {clients} \
             --nodes {nodes} --groups {groups} --keys {keys} --seed {seed} --protocol {protocol}"
        )?;
        rate.map_or(Ok(()), |rate| write!(f, " --rate {rate}"))
    }
}

impl Drive {
    /// Runs, judges, and prints a table with a row for each workload. An error if any answer was wrong.
    pub async fn run(&self, to: &mut impl Write) -> anyhow::Result<()> {
        let cannot: Vec<String> =
            self.mix.kinds().filter(|kind| !self.protocol.can(*kind)).map(|kind| kind.to_string()).collect();
        ensure!(cannot.is_empty(), "{} cannot be done over {}", cannot.join(", "), self.protocol);
        let limit = Duration::from_secs(self.seconds) + BESIDES;
        let options = Options { groups: Some(self.groups), limit: Some(limit), ..Options::default() };
        with_cluster(self.nodes, options, async |cluster| self.on(cluster, to).await)
            .await
            .with_context(|| format!("to try again: {self}"))
    }

    async fn on(&self, cluster: &mut Cluster, to: &mut impl Write) -> anyhow::Result<()> {
        let nodes = cluster.speaking(self.protocol);
        let running = self.workload().start(nodes.clone());
        tokio::time::sleep(Duration::from_secs(self.seconds)).await;
        let history = running.finish(&nodes, 0).await?;
        let folder = self.out.clone().unwrap_or_else(|| cluster.folder().to_owned());
        std::fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        history::write(&folder.join(HISTORY), &history)?;
        let run = self.facts()?;
        run.write(&folder)?;
        let judging = tokio::task::spawn_blocking(move || {
            let verdict = run.check(&history);
            let report = Report::of(run, &history, &verdict, &[]);
            (Summary::of(&history, &verdict), verdict, report)
        });
        let (summary, verdict, report) = judging.await?;
        report.write(&folder)?;
        write!(to, "{summary}")?;
        ensure!(verdict.is_ok(), "{verdict}{}", folder.display());
        Ok(())
    }

    fn workload(&self) -> Workload {
        Workload {
            clients: self.clients,
            mix: self.mix.clone(),
            protocol: self.protocol,
            rate: self.rate,
            keys: self.keys,
            seed: self.seed,
            ..Workload::default()
        }
    }

    fn facts(&self) -> anyhow::Result<Run> {
        let facts = [
            ("workload", self.mix.to_string()),
            ("protocol", self.protocol.to_string()),
            ("nodes", self.nodes.to_string()),
            ("groups", self.groups.to_string()),
            ("clients", self.clients.to_string()),
            ("rate", self.rate.map_or(String::new(), |rate| rate.to_string())),
            ("quorate", binary::version()?),
        ];
        Ok(Run { steady: true, ..Run::here("run", self.seed, self.to_string(), &facts) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_names_every_choice() {
        let drive = Drive {
            mix: "ttl=2,lease".parse().unwrap(),
            protocol: Protocol::RespCluster,
            seconds: 30,
            clients: 8,
            rate: Some(250.5),
            nodes: 3,
            groups: 2,
            keys: 24,
            seed: 7,
            out: None,
        };
        let command = drive.to_string();
        let wanted = "run --workload ttl=2,lease --seconds 30 --clients 8 --nodes 3 --groups 2 --keys 24 --seed 7 --protocol resp-cluster --rate 250.5";
        assert!(command.ends_with(wanted), "{command}");
    }
}
