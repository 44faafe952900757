//! A network of its own for every node: namespaces with an address each, and wires between them that can be cut,
//! slowed, narrowed and made to lose, repeat and reorder packets, in each direction by itself.
//!
//! Every namespace has one TUN device; a thread of this process is the switch between them (`switch`), since the
//! kernels these tests run on have no `netem`, and no `nfnetlink_queue` either. Clients are at an end of their own,
//! in the namespace of this process, so their links can fail like any other.
//!
//! Needs root, `/dev/net/tun`, `ip` and `nsenter` ([`available`]). Everything is gone when the [`Network`] is
//! dropped. Devices go with this process however it ends; what else a killed process left is removed by the next.

pub mod link;
pub mod partition;
mod reset;
mod shell;
mod sweep;
mod switch;
pub mod weather;

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context;

use self::switch::Switch;
use self::weather::{CLIENTS, End, Weather};

/// Last byte of the clients' address.
const CLIENTS_BYTE: u8 = 254;
/// Bits of the addresses that all ends share.
const PREFIX_BITS: u8 = 24;
/// Port of every node's HTTP API.
const HTTP_PORT: u16 = 7070;
/// Port every node's peers connect to.
const PEER_PORT: u16 = 7170;
/// Where every node speaks the Redis protocol, plain and as a node of a Redis Cluster.
const RESP_PORTS: [u16; 2] = [7270, 7370];
/// Networks one process may have at a time.
const NUMBERS: u32 = 100;
/// What names of namespaces begin with; the id of the process follows.
const NAME_PREFIX: &str = "quorate-";

/// Whether networks can be made here; if not, why.
pub fn available() -> Result<(), String> {
    if !rustix::process::geteuid().is_root() {
        return Err("network namespaces need root".to_owned());
    }
    if let Err(error) = std::fs::OpenOptions::new().read(true).write(true).open("/dev/net/tun") {
        return Err(format!("/dev/net/tun: {error}"));
    }
    for (program, argument) in [("ip", "-V"), ("nsenter", "-V")] {
        shell::run(program, &[argument], "").map_err(|error| format!("{error:#}"))?;
    }
    Ok(())
}

/// The network of one cluster; gone when dropped. Drop it after the processes in it have ended.
pub struct Network {
    switch: Switch,
    /// Tells the networks of this process apart.
    number: u32,
    subnet: [u8; 3],
    nodes: BTreeSet<End>,
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Network").field("subnet", &self.subnet).field("nodes", &self.nodes).finish()
    }
}

impl Network {
    /// A network with nobody but clients. `seed` decides everything random about it. Removes what killed processes
    /// left behind.
    pub fn new(seed: u64) -> anyhow::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        sweep::leftovers()?;
        let number = COUNT.fetch_add(1, Ordering::Relaxed) % NUMBERS;
        let (switch, subnet) = (Switch::start(seed, last_byte)?, subnet(number)?);
        let network = Self { switch, number, subnet, nodes: BTreeSet::new() };
        let device = network.device(CLIENTS);
        network.switch.attach(CLIENTS, &device)?;
        let address = network.address(CLIENTS);
        let up = format!("addr add {address}/{PREFIX_BITS} dev {device}\nlink set {device} up\n");
        shell::run("ip", &["-batch", "-"], &up).context("set up the clients' end")?;
        Ok(network)
    }

    /// Gives a node its namespace.
    pub fn add(&mut self, node: u64) -> anyhow::Result<()> {
        let (name, device) = (self.name(node), self.device(node));
        shell::run("ip", &["netns", "add", &name], "")?;
        self.nodes.insert(node);
        self.switch.attach(node, &device)?;
        shell::run("ip", &["link", "set", &device, "netns", &name], "")?;
        let address = self.address(node);
        let up =
            format!("link set lo up\naddr add {address}/{PREFIX_BITS} dev {device}\nlink set {device} up\n");
        shell::run("ip", &["-n", &name, "-batch", "-"], &up)
            .with_context(|| format!("set up node {node}'s end"))?;
        Ok(())
    }

    /// Takes a node's namespace away.
    pub fn remove(&mut self, node: u64) -> anyhow::Result<()> {
        self.switch.detach(node);
        self.nodes.remove(&node);
        shell::run("ip", &["netns", "del", &self.name(node)], "")?;
        Ok(())
    }

    /// Where a node is to listen: for HTTP, for its peers, and for the Redis protocol, plain and cluster.
    pub fn listeners(&self, node: u64) -> (SocketAddr, SocketAddr, [SocketAddr; 2]) {
        let at = |port| SocketAddr::from((self.address(node), port));
        (at(HTTP_PORT), at(PEER_PORT), RESP_PORTS.map(at))
    }

    /// The command that runs what follows it in a node's namespace, as the same process.
    pub fn enter(&self, node: u64) -> Vec<String> {
        vec!["nsenter".to_owned(), format!("--net=/run/netns/{}", self.name(node)), "--".to_owned()]
    }

    /// Changes what is wrong with the network.
    pub fn weather<T>(&self, change: impl FnOnce(&mut Weather) -> T) -> T {
        self.switch.weather(change)
    }

    fn name(&self, node: u64) -> String {
        format!("{NAME_PREFIX}{}-{}-{node}", std::process::id(), self.number)
    }

    /// Fits the 15 characters of a device's name: process ids have seven digits at most.
    fn device(&self, end: End) -> String {
        format!("q{}x{}n{end}", std::process::id(), self.number)
    }

    fn address(&self, end: End) -> Ipv4Addr {
        let [a, b, c] = self.subnet;
        Ipv4Addr::new(a, b, c, last_byte(end))
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for node in std::mem::take(&mut self.nodes) {
            self.switch.detach(node);
            // What cannot be removed now is swept away by the next network.
            let _ = shell::run("ip", &["netns", "del", &self.name(node)], "");
        }
    }
}

fn last_byte(end: End) -> u8 {
    u8::try_from(end).ok().filter(|byte| (1..CLIENTS_BYTE).contains(byte)).unwrap_or(CLIENTS_BYTE)
}

/// The first three bytes of addresses that nobody here uses; processes side by side begin at different ones.
fn subnet(number: u32) -> anyhow::Result<[u8; 3]> {
    let taken = shell::run("ip", &["-o", "-4", "addr"], "")?;
    let start = std::process::id().wrapping_mul(NUMBERS).wrapping_add(number);
    (0..=u16::MAX)
        .map(|step| (start.wrapping_add(u32::from(step)) % (1 << 14)) as u16 | 1 << 14)
        .map(|number| [10, (number >> 8) as u8, number as u8])
        .find(|[a, b, c]| !taken.contains(&format!(" {a}.{b}.{c}.")))
        .context("every subnet is taken")
}

#[cfg(test)]
mod tests;
