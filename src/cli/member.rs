//! `quorate member`: the nodes of the cluster.

use hyper::Method;
use raft_store::NodeId;

use super::client::{Answer, Request};
use super::confirm::{ask, must_ask};
use super::fail::{About, Exit, Failure};
use super::operation;
use super::output::Format;
use super::session::Session;
use super::status;
use crate::views::{ClusterView, MemberSpec, NodeView};

const MEMBERS: &str = "/v1/cluster/members";

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List the nodes
    List,
    /// Admit a node that is started with this id and these addresses
    Add {
        /// Its id, never used before in this cluster
        id: NodeId,
        /// Its HTTP address
        #[arg(long, value_name = "HOST:PORT")]
        http: String,
        /// Its peer address
        #[arg(long, value_name = "HOST:PORT")]
        peer: String,
        /// Its failure zone
        #[arg(long, value_name = "NAME", default_value = "")]
        zone: String,
    },
    /// Take a node out of every group, then out of the cluster
    Remove {
        /// Its id
        id: NodeId,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// Runs one of them.
pub(super) async fn run(session: Session, command: Command) -> Result<(), Failure> {
    match command {
        Command::List => list(session).await,
        Command::Add { id, http, peer, zone } => {
            add(session, MemberSpec { id, http, peer, zone, resp: None, resp_cluster: None }).await
        }
        Command::Remove { id, yes } => remove(session, id, yes).await,
    }
}

async fn list(session: Session) -> Result<(), Failure> {
    let answer = session.client.call(Request::new(Method::GET, MEMBERS, About::Cluster)).await?;
    print(session, &answer, |answer| answer.rows("members"))
}

async fn add(session: Session, member: MemberSpec) -> Result<(), Failure> {
    let body = serde_json::json!(member);
    let request = Request::new(Method::POST, MEMBERS, About::Cluster).json(&body);
    let answer = session.client.call(request.timeout(session.change_timeout)).await?;
    print(session, &answer, |answer| Ok(vec![answer.read()?]))
}

fn print(
    mut session: Session,
    answer: &Answer,
    rows: impl FnOnce(&Answer) -> Result<Vec<NodeView>, Failure>,
) -> Result<(), Failure> {
    match session.output.format {
        Format::Json => session.output.json(&answer.body)?,
        Format::Table | Format::Raw => session.output.line(&status::nodes(&rows(answer)?))?,
    }
    Ok(())
}

async fn remove(session: Session, id: NodeId, yes: bool) -> Result<(), Failure> {
    if must_ask(yes)? {
        let cluster: ClusterView = session.client.call(status::request()).await?.read()?;
        ask(&plan(&cluster, id)?)?;
    }
    operation::run(session, Method::DELETE, &format!("{MEMBERS}/{id}"), None, About::Cluster).await
}

/// What removing a node means.
fn plan(cluster: &ClusterView, id: NodeId) -> Result<String, Failure> {
    let node = cluster.nodes.iter().find(|node| node.id == id).ok_or_else(|| {
        Failure::new(Exit::NotFound, "No such node", format!("node {id} is not part of this cluster"))
            .ask("member list")
    })?;
    let of_node =
        |group: &&crate::views::GroupSummary| group.voters.contains(&id) || group.learners.contains(&id);
    let groups: Vec<String> = cluster.groups.iter().filter(of_node).map(|g| g.id.to_string()).collect();
    Ok(format!(
        "Node {id} ({}) gives up its replicas of groups {} and leaves the cluster for ever: its id is never used again.",
        node.http,
        groups.join(", ")
    ))
}
