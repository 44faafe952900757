//! `quorate status`: the cluster at a glance.

mod watch;

use hyper::Method;
use raft_store::slot::SLOTS;

use super::client::Request;
use super::fail::{About, Failure};
use super::output::Format;
use super::session::Session;
use super::table::{Table, human, human_of, ids, maybe};
use crate::views::{ClusterView, GroupSummary, NodeView};

/// Room for an IPv4 address and port of most clusters.
const ADDRESS_WIDTH: usize = 15;
/// Room for `3.1/8.0G` and a digit more.
const MEMORY_WIDTH: usize = 9;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Go on showing it: drawn anew on a terminal, otherwise a line for each change
    #[arg(long)]
    watch: bool,
}

/// Prints the health line, the nodes and the groups.
pub(super) async fn run(mut session: Session, args: Args) -> Result<(), Failure> {
    if args.watch {
        return watch::run(session).await;
    }
    let answer = session.client.call(request()).await?;
    match session.output.format {
        Format::Json => session.output.json(&answer.body)?,
        Format::Table | Format::Raw => session.output.line(&render(&answer.read()?))?,
    }
    Ok(())
}

/// Asks for the cluster.
pub(super) fn request() -> Request {
    Request::new(Method::GET, "/v1/cluster", About::Cluster)
}

fn render(cluster: &ClusterView) -> String {
    let health = &cluster.health;
    let head = format!(
        "CLUSTER  {}  epoch {}   {} up   {} ok   {}/{SLOTS} slots served\n",
        cluster.cluster_id,
        cluster.epoch,
        count(health.nodes_up, "node"),
        count(health.groups_ok, "group"),
        health.slots_served,
    );
    head + &nodes(&cluster.nodes) + "\n" + &groups(&cluster.groups)
}

fn count(number: u32, what: &str) -> String {
    let end = if number == 1 { "" } else { "s" };
    format!("{number} {what}{end}")
}

/// The table of nodes.
pub(super) fn nodes(nodes: &[NodeView]) -> String {
    let headings = ["NODE", "ADDR", "ZONE", "STATE", "VERSION", "LEADS", "REPLICAS", "MEM", "DISK"];
    let mut table = Table::new(&headings).at_least(1, ADDRESS_WIDTH).at_least(7, MEMORY_WIDTH);
    for node in nodes {
        table.row(vec![
            node.id.to_string(),
            node.http.clone(),
            node.zone.clone(),
            state(node),
            node.version.clone(),
            node.leads.to_string(),
            node.replicas.to_string(),
            human_of(node.memory_bytes, node.memory_bytes_max),
            human(node.disk_bytes),
        ]);
    }
    table.render()
}

/// The state of a node that another has not heard for a moment, as views name it.
const SUSPECT: &str = "suspect";

/// What a person has to know first of a node.
fn state(node: &NodeView) -> String {
    match (&node.disk_full, node.repairing.as_slice()) {
        (Some(_), _) => "disk full".into(),
        (None, []) => seen(node).unwrap_or(&node.state).into(),
        (None, _) => "repairing".into(),
    }
}

/// That the node asked has not heard from it for a moment, before it counts as down.
fn seen(node: &NodeView) -> Option<&str> {
    let suspect = node.seen.as_ref().filter(|seen| seen.state == SUSPECT)?;
    (node.state == "active").then_some(&suspect.state)
}

fn groups(groups: &[GroupSummary]) -> String {
    let mut table = Table::new(&["GROUP", "LEADER", "TERM", "VOTERS", "LEARNERS", "SLOTS"]);
    for group in groups {
        table.row(summary(group));
    }
    table.render()
}

/// The cells of a group: number, leader, term, voters, learners, slots.
pub(super) fn summary(group: &GroupSummary) -> Vec<String> {
    vec![
        group.id.to_string(),
        maybe(group.leader),
        group.term.to_string(),
        ids(&group.voters),
        ids(&group.learners),
        if group.id == 0 { "meta".into() } else { group.slots.to_string() },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::HealthView;

    fn node(id: u64, http: &str, zone: &str, state: &str, version: &str) -> NodeView {
        NodeView {
            id,
            http: http.into(),
            peer: "127.0.0.1:7170".into(),
            zone: zone.into(),
            state: state.into(),
            version: version.into(),
            leads: 1,
            replicas: 3,
            memory_bytes: 3_328_599_654,
            memory_bytes_max: 8 << 30,
            disk_bytes: 1_288_490_188,
            disk_free_bytes: None,
            repairing: Vec::new(),
            disk_full: None,
            clock_ms: None,
            certificate_expires_ms: None,
            seen: None,
        }
    }

    fn group(id: u32, leader: Option<u64>, slots: u32) -> GroupSummary {
        GroupSummary { id, leader, term: 2, voters: vec![1, 2, 3], learners: Vec::new(), slots }
    }

    /// A cluster whose second node is down.
    pub(super) fn cluster() -> ClusterView {
        ClusterView {
            cluster_id: "demo".into(),
            epoch: 4,
            nodes: vec![
                node(1, "127.0.0.1:7070", "a", "active", "0.1.0"),
                node(2, "127.0.0.1:7071", "", "down", ""),
            ],
            groups: vec![group(0, Some(1), 0), group(1, None, 16_384)],
            slots: Vec::new(),
            health: HealthView { nodes_up: 3, groups_ok: 3, slots_served: 16_384 },
        }
    }

    #[test]
    fn the_shape_of_the_interface_document() {
        let expected = "\
CLUSTER  demo  epoch 4   3 nodes up   3 groups ok   16384/16384 slots served
NODE  ADDR             ZONE  STATE   VERSION  LEADS  REPLICAS  MEM        DISK
1     127.0.0.1:7070   a     active  0.1.0    1      3         3.1/8.0G   1.2G
2     127.0.0.1:7071   -     down    -        1      3         3.1/8.0G   1.2G

GROUP  LEADER  TERM  VOTERS  LEARNERS  SLOTS
0      1       2     1,2,3   -         meta
1      -       2     1,2,3   -         16384
";
        assert_eq!(render(&cluster()), expected);
    }
    /// What `--output json` prints is what the API answers: scripts rely on these names.
    #[test]
    fn the_json_that_scripts_read() {
        let down = serde_json::to_value(&cluster().nodes[1]).unwrap();
        let expected = serde_json::json!({
            "id": 2, "http": "127.0.0.1:7071", "peer": "127.0.0.1:7170", "zone": "", "state": "down", "version": "",
            "leads": 1, "replicas": 3, "memory_bytes": 3_328_599_654_u64, "memory_bytes_max": 8_589_934_592_u64,
            "disk_bytes": 1_288_490_188, "disk_free_bytes": null, "repairing": [], "disk_full": null, "clock_ms": null,
            "certificate_expires_ms": null, "seen": null,
        });
        assert_eq!(down, expected);
        let all = serde_json::to_value(cluster()).unwrap();
        assert_eq!((&all["cluster_id"], &all["epoch"]), (&"demo".into(), &4.into()));
        let health = serde_json::json!({ "nodes_up": 3, "groups_ok": 3, "slots_served": 16_384 });
        assert_eq!(all["health"], health);
        let group = serde_json::json!({
            "id": 1, "leader": null, "term": 2, "voters": [1, 2, 3], "learners": [], "slots": 16_384,
        });
        assert_eq!(all["groups"][1], group);
    }
}
