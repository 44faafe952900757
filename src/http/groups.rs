//! `/v1/cluster/groups`: the groups, their voters, learners, leaders and snapshots.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use raft_store::{GroupId, NodeId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::json;
use super::operations::{Admin, group, member};
use super::{App, body};
use crate::error::Result;
use crate::node::GroupChange;
use crate::views::GroupView;

/// Place of the node's id in `/v1/cluster/groups/{group}/voters/{node}`.
const NODE_SEGMENT: usize = 5;

/// A body that names a node.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NodeBody {
    /// Its id.
    #[schema(value_type = u64, minimum = 1)]
    node: NodeId,
}

/// The groups.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Groups {
    groups: Vec<GroupView>,
}

/// A group and its new leader.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Led {
    group: GroupId,
    leader: NodeId,
}

/// A group and the last index in its snapshot.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Taken {
    group: GroupId,
    last_index: Option<u64>,
}

/// `GET /v1/cluster/groups`.
pub(super) async fn list(State(app): State<App>, request: Request) -> Result<Response> {
    let admin = Admin::parse(request.uri(), &[])?;
    Ok(json(&Groups { groups: admin.within(app.node.groups()).await? })?.into_response())
}

/// `GET /v1/cluster/groups/{group}?local=&digest=`.
pub(super) async fn show(State(app): State<App>, request: Request) -> Result<Response> {
    let admin = Admin::parse(request.uri(), &["local", "digest"])?;
    let (local, digest) = (admin.query.flag("local")?, admin.query.flag("digest")?);
    let group = group(request.uri())?;
    Ok(json(&admin.within(app.node.group(group, local, digest)).await?)?.into_response())
}

/// `POST …/voters`.
pub(super) async fn add_voter(State(app): State<App>, request: Request) -> Result<Response> {
    add(&app, request, GroupChange::AddVoter).await
}

/// `POST …/learners`.
pub(super) async fn add_learner(State(app): State<App>, request: Request) -> Result<Response> {
    add(&app, request, GroupChange::AddLearner).await
}

/// `DELETE …/voters/{node}`.
pub(super) async fn remove_voter(State(app): State<App>, request: Request) -> Result<Response> {
    remove(&app, request, GroupChange::RemoveVoter).await
}

/// `DELETE …/learners/{node}`.
pub(super) async fn remove_learner(State(app): State<App>, request: Request) -> Result<Response> {
    remove(&app, request, GroupChange::RemoveLearner).await
}

/// `PUT …/leader`: moves the leadership and waits until the new leader leads.
pub(super) async fn transfer_leader(State(app): State<App>, request: Request) -> Result<Response> {
    let admin = Admin::parse(request.uri(), &[])?;
    let group = group(request.uri())?;
    let leader = named_node(&app, &admin, request).await?;
    app.node.transfer_leader(group, leader, admin.deadline).await?;
    Ok(Json(Led { group, leader }).into_response())
}

/// `POST …/snapshot`: takes one now.
pub(super) async fn snapshot(State(app): State<App>, request: Request) -> Result<Response> {
    let admin = Admin::parse(request.uri(), &[])?;
    let group = group(request.uri())?;
    let last_index = app.node.snapshot(group, admin.deadline).await?;
    Ok(Json(Taken { group, last_index }).into_response())
}

async fn add(app: &App, request: Request, change: fn(NodeId) -> GroupChange) -> Result<Response> {
    let admin = Admin::parse(request.uri(), &["wait"])?;
    let group = group(request.uri())?;
    let node = named_node(app, &admin, request).await?;
    start(app, &admin, group, change(node)).await
}

async fn remove(app: &App, request: Request, change: fn(NodeId) -> GroupChange) -> Result<Response> {
    let admin = Admin::parse(request.uri(), &["wait"])?;
    let group = group(request.uri())?;
    let node = member(request.uri(), NODE_SEGMENT)?;
    start(app, &admin, group, change(node)).await
}

async fn start(app: &App, admin: &Admin, group: GroupId, change: GroupChange) -> Result<Response> {
    let operation = admin.within(app.node.change_group(group, change)).await?;
    admin.follow(&app.node, operation).await
}

async fn named_node(app: &App, admin: &Admin, request: Request) -> Result<NodeId> {
    let (parts, body) = request.into_parts();
    let text = body::read_json(&parts.headers, body, app.body_bytes_max(), admin.deadline).await?;
    Ok(body::object::<NodeBody>(&text)?.node)
}
