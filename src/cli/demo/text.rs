//! What a demo tells its user; pure but for the end of a log file.

use std::time::Duration;

use raft_store::NodeId;

use super::children::Death;
use super::folder::Folder;
use super::plan::{NodePlan, Plan};
use crate::cli::fail::{Exit, Failure, quote};
use crate::cli::table::Table;

/// Last lines of a log shown when a node fails to start.
const LOG_LINES_SHOWN: usize = 5;
/// With fewer nodes than this one death stops the cluster, so the demo does not suggest it.
const NODES_TO_SURVIVE: usize = 3;

/// Endpoints, processes, folder, and what to type next.
pub(super) fn introduction(plan: &Plan, pids: &[(NodeId, u32)], folder: &Folder, took: Duration) -> String {
    let count = plan.nodes.len();
    let nodes = if count == 1 { "node" } else { "nodes" };
    format!(
        "Quorate demo: {count} {nodes} ready after {:.1} s\n\n{}\nData: {} ({})\n\nType in another terminal:\n{}\n{}",
        took.as_secs_f64(),
        processes(plan, pids),
        folder.path().display(),
        folder.fate(),
        commands(plan, pids),
        "Ctrl-C stops the nodes."
    )
}

fn processes(plan: &Plan, pids: &[(NodeId, u32)]) -> String {
    let mut table = Table::new(&["NODE", "HTTP", "REDIS", "CLUSTER", "PEERS", "PID", "LOG"]);
    for node in &plan.nodes {
        let pid = pid_of(pids, node.id).map(|pid| pid.to_string()).unwrap_or_default();
        let log = node.log().display().to_string();
        let [resp, cluster] = [node.resp, node.resp_cluster].map(|address| address.port().to_string());
        table.row(vec![node.id.to_string(), node.endpoint(), resp, cluster, node.peer.to_string(), pid, log]);
    }
    table.render()
}

fn pid_of(pids: &[(NodeId, u32)], id: NodeId) -> Option<u32> {
    pids.iter().find(|(node, _)| *node == id).map(|(_, pid)| *pid)
}

fn commands(plan: &Plan, pids: &[(NodeId, u32)]) -> String {
    let first = plan.nodes[0].endpoint();
    let second = plan.nodes.get(1).unwrap_or(&plan.nodes[0]);
    let program = plan.program_word();
    let ca = plan.ca().map(|ca| quote(&ca.display().to_string()));
    let [curl, redis, own] = match &ca {
        Some(ca) => [format!(" --cacert {ca}"), format!(" --tls --cacert {ca}"), format!(" --ca-file {ca}")],
        None => Default::default(),
    };
    let mut text = format!(
        "  curl{curl} -X PUT {first}/v1/kv/default/user:42 -d '{{\"value\":{{\"name\":\"Ann\"}},\"ttl_ms\":600000}}'\n  \
         curl{curl} {}/v1/kv/default/user:42\n  redis-cli{redis} -p {} set greeting hello\n  \
         {program} status --endpoint {first}{own}\n",
        second.endpoint(),
        second.resp.port()
    );
    if plan.nodes.len() >= NODES_TO_SURVIVE
        && let Some(pid) = pid_of(pids, second.id)
    {
        text += &format!("  kill -9 {pid}   # node {}: the others go on\n", second.id);
    }
    text
}

/// One line about a node that ended, with the command that brings it back.
pub(super) fn death(plan: &Plan, death: &Death) -> String {
    let command = plan.nodes.iter().find(|node| node.id == death.id).map(|node| plan.command(node));
    let command = command.unwrap_or_default();
    format!("node {} stopped ({}); restart it with: {command}", death.id, death.how())
}

/// A node ended before the cluster was ready.
pub(super) fn died_early(plan: &Plan, death: &Death) -> Failure {
    let log = plan.nodes.iter().find(|node| node.id == death.id).map(NodePlan::log).unwrap_or_default();
    let text = std::fs::read(&log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let end = lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n  ");
    let title = format!("Node {} stopped while starting ({})", death.id, death.how());
    Failure::new(Exit::Error, title, format!("the end of its log:\n  {end}"))
}

/// A node took too long.
pub(super) fn not_ready(node: &NodePlan, waited: Duration) -> Failure {
    let title = format!("Node {} is not ready after {} s", node.id, waited.as_secs());
    let detail = format!(
        "its log is {} (a temporary folder is removed; keep it with --data-dir)",
        node.log().display()
    );
    let hint = format!("quorate demo --data-dir {}", quote("quorate-demo"));
    Failure::new(Exit::Unavailable, title, detail).hint(hint)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::path::Path;
    use std::process::ExitStatus;

    use super::*;

    #[test]
    fn the_introduction_has_all_a_user_needs() {
        let plan = Plan::new(Path::new("/tmp/demo"), Some(3), None, [7070, 7170, 7270, 7370]).unwrap();
        let folder = Folder::Kept("/tmp/demo".into());
        let pids = [(1, 11), (2, 12), (3, 13)];
        let text = introduction(&plan, &pids, &folder, Duration::from_millis(1234));
        let expected = [
            "Quorate demo: 3 nodes ready after 1.2 s",
            "3     http://127.0.0.1:7072  7272   7372     127.0.0.1:7172  13   /tmp/demo/node-3/log",
            "  redis-cli -p 7271 set greeting hello",
            "Data: /tmp/demo (kept)",
            "  curl http://127.0.0.1:7071/v1/kv/default/user:42",
            " status --endpoint http://127.0.0.1:7070",
            "  kill -9 12   # node 2: the others go on",
        ];
        for line in expected {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn a_death_names_node_signal_and_command() {
        let plan = Plan::new(Path::new("/tmp/demo"), Some(3), None, [7070, 7170, 7270, 7370]).unwrap();
        let killed = Death { id: 2, status: ExitStatus::from_raw(9) };
        let text = death(&plan, &killed);
        assert!(text.starts_with("node 2 stopped (signal 9); restart it with: "), "{text}");
        assert!(text.contains(" serve --id 2 "), "{text}");
        assert_eq!(Death { id: 1, status: ExitStatus::from_raw(1 << 8) }.how(), "exit code 1");
    }
}
