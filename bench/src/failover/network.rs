//! A network for the nodes alone: each in a network namespace of its own, on one bridge, so that one can be cut off
//! from the others and from the clients as by a pulled cable. Needs root and `ip` (iproute2).

use std::process::Command;

use anyhow::{Context, ensure};
use rustix::process::{geteuid, getpid};

use super::nodes::NODES;

/// First bytes of the addresses; the third is of this process, so that several networks can be beside each other.
const ADDRESSES: &str = "10.213";
/// The clients' own address on it.
const OWN: u64 = 254;

/// The network; taken down when dropped.
pub(super) struct Network {
    /// Begins the names of all its parts.
    name: String,
    third: i32,
}

impl Network {
    /// Sets it up.
    pub(super) fn new() -> anyhow::Result<Self> {
        ensure!(geteuid().is_root(), "a cut needs root, for a network of its own");
        let pid = getpid().as_raw_nonzero().get();
        let network = Self { name: format!("qb{pid}"), third: pid % 256 };
        network.up().context("set up a network for the nodes")?;
        Ok(network)
    }

    fn up(&self) -> anyhow::Result<()> {
        let bridge = &self.name;
        ip(&format!("link add {bridge} type bridge"))?;
        ip(&format!("addr add {}/24 dev {bridge}", self.address(OWN)))?;
        ip(&format!("link set {bridge} up"))?;
        for node in 0..NODES as usize {
            let (space, device) = (self.space(node), self.device(node));
            ip(&format!("netns add {space}"))?;
            ip(&format!("link add {device} type veth peer name eth0 netns {space}"))?;
            ip(&format!("link set {device} master {bridge} up"))?;
            ip(&format!("-n {space} addr add {}/24 dev eth0", self.host(node)))?;
            ip(&format!("-n {space} link set eth0 up"))?;
            ip(&format!("-n {space} link set lo up"))?;
        }
        Ok(())
    }

    /// Address of a node.
    pub(super) fn host(&self, node: usize) -> String {
        self.address(node as u64 + 1)
    }

    /// A command that runs a program where a node is.
    pub(super) fn command(&self, node: usize) -> Command {
        let mut command = Command::new("ip");
        // It becomes the program, so the process that is started is the node.
        command.args(["netns", "exec", &self.space(node)]);
        command
    }

    /// Pulls a node's cable, or plugs it in again.
    pub(super) fn cut(&self, node: usize, cut: bool) -> anyhow::Result<()> {
        ip(&format!("link set {} {}", self.device(node), if cut { "down" } else { "up" }))
    }

    fn address(&self, last: u64) -> String {
        format!("{ADDRESSES}.{}.{last}", self.third)
    }

    fn space(&self, node: usize) -> String {
        format!("{}-{node}", self.name)
    }

    fn device(&self, node: usize) -> String {
        format!("{}v{node}", self.name)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // What is not there any more, or never was, need not go. A device goes with its namespace.
        for node in 0..NODES as usize {
            let _ = ip(&format!("netns del {}", self.space(node)));
        }
        let _ = ip(&format!("link del {}", self.name));
    }
}

fn ip(line: &str) -> anyhow::Result<()> {
    let output = Command::new("ip").args(line.split(' ')).output().context("run ip (iproute2)")?;
    ensure!(output.status.success(), "ip {line}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}
