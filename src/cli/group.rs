//! `quorate group`: the Raft groups of the cluster.

use hyper::Method;
use raft_store::{GroupId, NodeId};
use serde_json::json;

use super::client::Request;
use super::confirm::{ask, must_ask};
use super::fail::{About, Failure};
use super::operation;
use super::output::Format;
use super::session::Session;
use super::status::summary;
use super::table::{Table, human, ids, maybe};
use crate::views::GroupView;

const GROUPS: &str = "/v1/cluster/groups";

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List the groups
    List,
    /// Show one group: its log and its replicas
    Show {
        /// The group
        group: GroupId,
    },
    /// Add a node to a group's voters: it learns, catches up and then votes
    AddVoter {
        /// The group
        group: GroupId,
        /// The node
        node: NodeId,
    },
    /// Take a node out of a group's voters
    RemoveVoter {
        /// The group
        group: GroupId,
        /// The node
        node: NodeId,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Move a group's leadership to one of its voters
    Transfer {
        /// The group
        group: GroupId,
        /// The voter
        node: NodeId,
    },
    /// Take a snapshot of a group now
    Snapshot {
        /// The group
        group: GroupId,
    },
}

/// Runs one of them.
pub(super) async fn run(session: Session, command: Command) -> Result<(), Failure> {
    match command {
        Command::List => list(session).await,
        Command::Show { group } => show(session, group).await,
        Command::AddVoter { group, node } => {
            let (path, body) = (format!("{GROUPS}/{group}/voters"), json!({ "node": node }));
            operation::run(session, Method::POST, &path, Some(body), About::Group(group)).await
        }
        Command::RemoveVoter { group, node, yes } => remove_voter(session, group, node, yes).await,
        Command::Transfer { group, node } => transfer(session, group, node).await,
        Command::Snapshot { group } => snapshot(session, group).await,
    }
}

async fn list(mut session: Session) -> Result<(), Failure> {
    let answer = session.client.call(Request::new(Method::GET, GROUPS, About::Cluster)).await?;
    match session.output.format {
        Format::Json => session.output.json(&answer.body)?,
        Format::Table | Format::Raw => session.output.line(&table(&answer.rows("groups")?))?,
    }
    Ok(())
}

async fn show(mut session: Session, group: GroupId) -> Result<(), Failure> {
    let answer = session.client.call(view_request(group)).await?;
    match session.output.format {
        Format::Json => session.output.json(&answer.body)?,
        Format::Table | Format::Raw => session.output.line(&details(&answer.read()?))?,
    }
    Ok(())
}

fn view_request(group: GroupId) -> Request {
    Request::new(Method::GET, format!("{GROUPS}/{group}"), About::Group(group))
}

async fn remove_voter(session: Session, group: GroupId, node: NodeId, yes: bool) -> Result<(), Failure> {
    if must_ask(yes)? {
        let view: GroupView = session.client.call(view_request(group)).await?.read()?;
        let voters = &view.summary.voters;
        let left: Vec<NodeId> = voters.iter().copied().filter(|&voter| voter != node).collect();
        let plan = format!(
            "Group {group}: voters {} become {}; node {node} drops its replica.",
            ids(voters),
            ids(&left)
        );
        ask(&plan)?;
    }
    let path = format!("{GROUPS}/{group}/voters/{node}");
    operation::run(session, Method::DELETE, &path, None, About::Group(group)).await
}

async fn transfer(session: Session, group: GroupId, node: NodeId) -> Result<(), Failure> {
    let request = Request::new(Method::PUT, format!("{GROUPS}/{group}/leader"), About::Group(group))
        .json(&json!({ "node": node }));
    change(session, request, &format!("node {node} leads group {group}")).await
}

async fn snapshot(session: Session, group: GroupId) -> Result<(), Failure> {
    let request = Request::new(Method::POST, format!("{GROUPS}/{group}/snapshot"), About::Group(group));
    change(session, request, &format!("snapshot of group {group} taken")).await
}

async fn change(mut session: Session, request: Request, done: &str) -> Result<(), Failure> {
    let answer = session.client.call(request.timeout(session.change_timeout)).await?;
    match session.output.format {
        Format::Json => session.output.json(&answer.body)?,
        Format::Table | Format::Raw => session.output.line(done)?,
    }
    Ok(())
}

fn table(groups: &[GroupView]) -> String {
    let headings = ["GROUP", "LEADER", "TERM", "VOTERS", "LEARNERS", "SLOTS", "ITEMS", "BYTES", "LOG"];
    let mut table = Table::new(&headings);
    for group in groups {
        let mut cells = summary(&group.summary);
        cells.extend([group.items.to_string(), human(group.bytes), human(group.log_bytes)]);
        table.row(cells);
    }
    table.render()
}

fn details(group: &GroupView) -> String {
    let mut log = Table::new(&["FIRST", "LAST", "COMMITTED", "APPLIED", "SNAPSHOT", "SEEN BY"]);
    let indexes = [group.log_first, group.log_last, group.committed, group.applied, group.snapshot];
    log.row(indexes.into_iter().map(maybe).chain([format!("node {}", group.seen_by)]).collect());
    let mut replicas = Table::new(&["REPLICA", "MATCHED", "LAG"]);
    for replica in &group.replicas {
        replicas.row(vec![replica.node.to_string(), maybe(replica.matched), replica.lag.to_string()]);
    }
    [table(std::slice::from_ref(group)), log.render(), replicas.render()].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::{GroupSummary, ReplicaView};

    #[test]
    fn details_of_a_group() {
        let summary = GroupSummary {
            id: 2,
            leader: Some(1),
            term: 7,
            voters: vec![1, 2],
            learners: vec![4],
            slots: 5461,
        };
        let group = GroupView {
            summary,
            seen_by: 1,
            log_first: Some(10),
            log_last: Some(99),
            committed: Some(98),
            applied: Some(98),
            snapshot: None,
            log_bytes: 2048,
            replicas: vec![ReplicaView { node: 2, matched: Some(97), lag: 2, healthy: true }],
            time_ms: 0,
            items: 5,
            bytes: 100,
            digest: None,
        };
        let expected = "\
GROUP  LEADER  TERM  VOTERS  LEARNERS  SLOTS  ITEMS  BYTES  LOG
2      1       7     1,2     4         5461   5      100B   2.0K

FIRST  LAST  COMMITTED  APPLIED  SNAPSHOT  SEEN BY
10     99    98         98       -         node 1

REPLICA  MATCHED  LAG
2        97       2
";
        assert_eq!(details(&group), expected);
    }
}
