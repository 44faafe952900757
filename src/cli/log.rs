//! `quorate log`: what the log of a node shows.

use hyper::Method;
use raft_store::NodeId;
use serde_json::{Value, json};

use super::client::{Client, Request};
use super::endpoint;
use super::fail::{About, Exit, Failure};
use super::output::Format;
use super::session::Session;
use crate::views::NodeView;

const LOG: &str = "/v1/log";

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Show the filter of a node's log, or change it until the node restarts
    Level {
        /// The new filter, such as debug or info,quorate::request=debug; left out: show the one in use
        filter: Option<String>,
        /// The node, by its id; left out: the one that answers at --endpoint
        #[arg(long, value_name = "ID")]
        node: Option<NodeId>,
    },
}

/// Runs one of them.
pub(super) async fn run(mut session: Session, command: Command) -> Result<(), Failure> {
    let Command::Level { filter, node } = command;
    let client = match node {
        Some(node) => Some(client_of(&session, node).await?),
        None => None,
    };
    let answer = client.as_ref().unwrap_or(&session.client).call(request(filter)).await?;
    match session.output.format {
        Format::Json => session.output.json(&answer.body)?,
        Format::Table | Format::Raw => session.output.line(&shown(&answer.read()?))?,
    }
    Ok(())
}

fn request(filter: Option<String>) -> Request {
    match filter {
        None => Request::new(Method::GET, LOG, About::Cluster),
        Some(filter) => Request::new(Method::PUT, LOG, About::Cluster).json(&json!({ "filter": filter })),
    }
}

/// Speaks to one node, wherever the cluster says it is.
async fn client_of(session: &Session, node: NodeId) -> Result<Client, Failure> {
    let members = Request::new(Method::GET, "/v1/cluster/members", About::Cluster);
    let members: Vec<NodeView> = session.client.call(members).await?.rows("members")?;
    let member = members.into_iter().find(|member| member.id == node).ok_or_else(|| {
        Failure::new(Exit::NotFound, "No such node", format!("the cluster has no node {node}"))
    })?;
    let endpoint = endpoint::parse(&member.http)
        .map_err(|error| Failure::new(Exit::Error, "The node's address makes no sense", error))?;
    Ok(session.client.elsewhere(endpoint))
}

fn shown(answer: &Value) -> String {
    let text = |name: &str| answer[name].as_str().unwrap_or("-").to_owned();
    match answer.get("before") {
        Some(_) => format!("{}   (before: {})", text("filter"), text("before")),
        None => text("filter"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_shown_with_what_was_before() {
        assert_eq!(shown(&json!({ "filter": "info" })), "info");
        assert_eq!(shown(&json!({ "filter": "debug", "before": "info" })), "debug   (before: info)");
    }
}
