//! What a demo will start: nodes, ports, folders, command lines. Nothing runs here.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use raft_store::NodeId;

use crate::cli::fail::{Exit, Failure, quote};

/// Nodes a demo starts unless told otherwise.
const NODES_DEFAULT: u16 = 3;
/// Most nodes of a demo, so that HTTP ports stay below the peer ports.
pub(super) const NODES_MAX: u16 = 9;
/// Size of a segment of a demo node's log: several nodes share one disk.
const LOG_SEGMENT: &str = "16MiB";

/// The ports of node 1: for HTTP, peers, the Redis protocol, and the same for clients of Redis Cluster.
pub(super) type Ports = [u16; 4];
/// The flags of `demo` that choose them.
const PORT_FLAGS: [&str; 4] = ["--http-port", "--peer-port", "--resp-port", "--resp-cluster-port"];

/// One node of the plan.
#[derive(Debug, Clone)]
pub(super) struct NodePlan {
    /// Its id.
    pub(super) id: NodeId,
    /// Where its HTTP API will listen.
    pub(super) http: SocketAddr,
    /// Where its peers will connect.
    pub(super) peer: SocketAddr,
    /// Where it will speak the Redis protocol.
    pub(super) resp: SocketAddr,
    /// Where it will speak it as a node of a Redis Cluster.
    pub(super) resp_cluster: SocketAddr,
    /// Its folder; the data and the log file are in it.
    pub(super) folder: PathBuf,
    /// How its HTTP API is spoken to.
    scheme: &'static str,
}

impl NodePlan {
    /// The base address of its HTTP API.
    pub(super) fn endpoint(&self) -> String {
        format!("{}://{}", self.scheme, self.http)
    }

    /// The file its log lines go to.
    pub(super) fn log(&self) -> PathBuf {
        self.folder.join("log")
    }
}

/// The whole plan.
#[derive(Debug)]
pub(super) struct Plan {
    /// Every node, by id.
    pub(super) nodes: Vec<NodePlan>,
    /// This program.
    pub(super) program: PathBuf,
    /// The folder of certificates, if the nodes have any.
    pub(super) certs: Option<PathBuf>,
    groups: Option<u32>,
    ports: Ports,
}

impl Plan {
    /// Plans nodes 1 to `nodes` in `folder`; `ports` are those of node 1.
    ///
    /// # Errors
    /// When the folder holds a demo of another size, or ports overlap or end past 65,535.
    pub(super) fn new(
        folder: &Path,
        nodes: Option<u16>,
        groups: Option<u32>,
        ports: Ports,
    ) -> Result<Self, Failure> {
        let count = count(nodes, found_in(folder), folder)?;
        refuse_overlap(&ports, count)?;
        let nodes: Option<Vec<NodePlan>> = (0..count).map(|i| node(folder, i, ports)).collect();
        let nodes = nodes
            .ok_or_else(|| Failure::usage("No such port", "the last node's port would be past 65535"))?;
        Ok(Self { nodes, program: std::env::current_exe()?, certs: None, groups, ports })
    }

    /// The same with the certificates in this folder.
    pub(super) fn secured(mut self, certs: PathBuf) -> Self {
        self.nodes.iter_mut().for_each(|node| node.scheme = "https");
        Self { certs: Some(certs), ..self }
    }

    /// The file of the authority that signed the nodes' certificates, if they have any.
    pub(super) fn ca(&self) -> Option<PathBuf> {
        self.certs.as_ref().map(|certs| certs.join("ca.pem"))
    }

    /// Makes sure that every port is free, to say so before anything is started.
    pub(super) fn check_ports(&self) -> Result<(), Failure> {
        for node in &self.nodes {
            for (what, address) in [
                ("HTTP", node.http),
                ("peer", node.peer),
                ("Redis", node.resp),
                ("Redis Cluster", node.resp_cluster),
            ] {
                check_port(address, node.id, what).map_err(|failure| failure.hint(self.elsewhere()))?;
            }
        }
        Ok(())
    }

    /// The command that starts a demo on other ports.
    fn elsewhere(&self) -> String {
        let ports = self.ports.map(|port| if port < 30_000 { port + 10_000 } else { port - 10_000 });
        format!("{} demo {}", self.program_word(), port_flags(ports))
    }

    /// The command that goes on with the data in `folder`.
    pub(super) fn resume(&self, folder: &Path) -> String {
        let folder = quote(&folder.display().to_string());
        format!("{} demo --data-dir {folder} {}", self.program_word(), port_flags(self.ports))
    }

    /// The arguments that start a node, now and again.
    pub(super) fn arguments(&self, node: &NodePlan) -> Vec<String> {
        let seeds: Vec<String> = self.nodes.iter().map(|node| node.peer.to_string()).collect();
        let mut arguments = vec!["serve".to_owned()];
        let mut flag = |name: &str, value: String| arguments.extend([format!("--{name}"), value]);
        flag("id", node.id.to_string());
        flag("data-dir", node.folder.join("data").display().to_string());
        flag("http", node.http.to_string());
        flag("peer", node.peer.to_string());
        flag("resp", node.resp.to_string());
        flag("resp-cluster", node.resp_cluster.to_string());
        flag("seeds", seeds.join(","));
        flag("bootstrap-expect", self.nodes.len().to_string());
        flag("log-segment", LOG_SEGMENT.to_owned());
        if let Some(groups) = self.groups {
            flag("groups", groups.to_string());
        }
        if let Some(certs) = &self.certs {
            let file = |name: String| certs.join(name).display().to_string();
            flag("tls-cert", file(format!("node-{}.pem", node.id)));
            flag("tls-key", file(format!("node-{}.key", node.id)));
            flag("tls-ca", file("ca.pem".into()));
        }
        arguments
    }

    /// The same as one line for a shell.
    pub(super) fn command(&self, node: &NodePlan) -> String {
        let words: Vec<String> = self.arguments(node).iter().map(|word| quote(word)).collect();
        format!("{} {}", self.program_word(), words.join(" "))
    }

    /// This program as a shell finds it, short when it is below the current folder.
    pub(super) fn program_word(&self) -> String {
        let here = std::env::current_dir().ok();
        let below = here.and_then(|here| self.program.strip_prefix(here).ok());
        let path = below.map_or_else(|| self.program.clone(), |path| Path::new(".").join(path));
        quote(&path.display().to_string())
    }
}

fn node(folder: &Path, i: u16, ports: Ports) -> Option<NodePlan> {
    let id = NodeId::from(i) + 1;
    let at = |port: u16| Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port.checked_add(i)?)));
    let [http, peer, resp, resp_cluster] = ports;
    let (resp, resp_cluster) = (at(resp)?, at(resp_cluster)?);
    let folder = folder.join(format!("node-{id}"));
    let (http, peer) = (at(http)?, at(peer)?);
    Some(NodePlan { id, http, peer, resp, resp_cluster, folder, scheme: "http" })
}

fn port_flags(ports: Ports) -> String {
    let flags = PORT_FLAGS.iter().zip(ports).map(|(flag, port)| format!("{flag} {port}"));
    flags.collect::<Vec<_>>().join(" ")
}

fn refuse_overlap(ports: &Ports, count: u16) -> Result<(), Failure> {
    for (at, port) in ports.iter().enumerate() {
        if let Some(other) = ports[..at].iter().position(|other| other.abs_diff(*port) < count) {
            let (other, flag) = (PORT_FLAGS[other], PORT_FLAGS[at]);
            let detail = format!("{other} and {flag} must be {count} apart");
            return Err(Failure::usage("The ports overlap", detail));
        }
    }
    Ok(())
}

/// Nodes whose folders are there.
fn found_in(folder: &Path) -> u16 {
    (1..=NODES_MAX).take_while(|id| folder.join(format!("node-{id}")).is_dir()).count() as u16
}

fn count(asked: Option<u16>, found: u16, folder: &Path) -> Result<u16, Failure> {
    match (asked, found) {
        (asked, 0) => Ok(asked.unwrap_or(NODES_DEFAULT)),
        (Some(asked), found) if asked != found => {
            let detail = format!("{} holds a cluster of {found} nodes, not {asked}", folder.display());
            Err(Failure::usage("Another cluster is there", detail)
                .hint(format!("quorate demo --data-dir {}", quote(&folder.display().to_string()))))
        }
        (_, found) => Ok(found),
    }
}

fn check_port(address: SocketAddr, id: NodeId, what: &str) -> Result<(), Failure> {
    let Err(error) = TcpListener::bind(address) else { return Ok(()) };
    let port = address.port();
    let title = format!("Port {port} is taken");
    let detail = format!("the {what} port of node {id}: {error}; stop what uses it or choose other ports");
    Err(Failure::new(Exit::Error, title, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(folder: &Path, nodes: Option<u16>) -> Result<Plan, Failure> {
        Plan::new(folder, nodes, Some(8), [7070, 7170, 7270, 7370])
    }

    #[test]
    fn node_i_adds_i_less_one_to_each_port() {
        let folder = tempfile::tempdir().unwrap();
        let plan = plan(folder.path(), None).unwrap();
        let ports: Vec<_> = plan.nodes.iter().map(|n| (n.id, n.http.port(), n.peer.port())).collect();
        assert_eq!(ports, [(1, 7070, 7170), (2, 7071, 7171), (3, 7072, 7172)]);
    }

    #[test]
    fn the_command_starts_exactly_that_node() {
        let plan = plan(Path::new("/tmp/a b"), Some(2)).unwrap();
        let expected = "serve --id 2 --data-dir '/tmp/a b/node-2/data' --http 127.0.0.1:7071 --peer 127.0.0.1:7171 \
                        --resp 127.0.0.1:7271 --resp-cluster 127.0.0.1:7371 \
                        --seeds 127.0.0.1:7170,127.0.0.1:7171 --bootstrap-expect 2 --log-segment 16MiB --groups 8";
        let command = plan.command(&plan.nodes[1]);
        assert!(command.ends_with(expected), "{command}");
    }

    #[test]
    fn with_certificates_every_node_has_its_own() {
        let plan = plan(Path::new("/tmp/a"), Some(2)).unwrap().secured("/tmp/a/tls".into());
        let expected =
            " --tls-cert /tmp/a/tls/node-2.pem --tls-key /tmp/a/tls/node-2.key --tls-ca /tmp/a/tls/ca.pem";
        let command = plan.command(&plan.nodes[1]);
        assert!(command.ends_with(expected), "{command}");
        assert_eq!(plan.nodes[0].endpoint(), "https://127.0.0.1:7070");
    }

    #[test]
    fn a_folder_decides_the_size() {
        let folder = tempfile::tempdir().unwrap();
        for id in 1..=5 {
            std::fs::create_dir(folder.path().join(format!("node-{id}"))).unwrap();
        }
        assert_eq!(plan(folder.path(), None).unwrap().nodes.len(), 5);
        assert_eq!(plan(folder.path(), Some(5)).unwrap().nodes.len(), 5);
        assert_eq!(plan(folder.path(), Some(3)).unwrap_err().exit, Exit::Usage);
    }

    #[test]
    fn ports_that_cannot_be_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let with = |ports| Plan::new(folder.path(), None, None, ports).map(|_| ()).map_err(|f| f.title);
        assert_eq!(with([7070, 7072, 7270, 7370]), Err("The ports overlap".into()));
        assert_eq!(with([65_534, 7170, 7270, 7370]), Err("No such port".into()));
        assert_eq!(with([7070, 7170, 7270, 7171]), Err("The ports overlap".into()));
        assert_eq!(with([7070, 7073, 7076, 7079]), Ok(()));
    }

    #[test]
    fn a_taken_port_is_named_with_what_to_do() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let holder = TcpListener::bind(taken).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let others = if taken.port() > 30_000 { [7170, 7270, 7370] } else { [37_170, 37_270, 37_370] };
        let [peer, resp, resp_cluster] = others;
        let ports = [taken.port(), peer, resp, resp_cluster];
        let plan = Plan::new(folder.path(), Some(1), None, ports).unwrap();
        let failure = plan.check_ports().unwrap_err();
        assert_eq!(failure.title, format!("Port {} is taken", taken.port()));
        assert!(failure.detail.starts_with("the HTTP port of node 1"), "{}", failure.detail);
        assert!(failure.hint.unwrap().to_string().contains(" demo --http-port "));
        drop(holder);
    }
}
