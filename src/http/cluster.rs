//! `/v1/cluster`: the cluster as a whole, its formation and its members.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use raft_store::NodeId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::json;
use super::operations::{self, Admin};
use super::{App, body};
use crate::error::{Error, Outcome, Result};
use crate::views::{MemberSpec, NodeView};

/// Place of the node's id in `/v1/cluster/members/{node}`.
const NODE_SEGMENT: usize = 3;

/// The body of `POST /v1/cluster/init`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct InitBody {
    peers: Vec<String>,
}

/// Its answer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Formed {
    created: bool,
    cluster_id: String,
}

/// A member as `POST /v1/cluster/members` takes it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MemberBody {
    /// From 1 on.
    #[schema(value_type = u64, minimum = 1)]
    id: NodeId,
    /// Where its HTTP API listens, `host:port`.
    #[schema(pattern = "^[^:]+:[1-9][0-9]{0,4}$")]
    http: String,
    /// Where its peers reach it, `host:port`.
    #[schema(pattern = "^[^:]+:[1-9][0-9]{0,4}$")]
    peer: String,
    /// Its failure zone.
    #[serde(default)]
    zone: String,
}

/// The nodes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Members {
    members: Vec<NodeView>,
}

/// `GET /v1/cluster`.
pub(super) async fn show(State(app): State<App>, request: Request) -> Result<Response> {
    let admin = Admin::parse(request.uri(), &[])?;
    Ok(json(&admin.within(app.node.cluster()).await?)?.into_response())
}

/// `POST /v1/cluster/init`; the body may be left out.
pub(super) async fn init(State(app): State<App>, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let admin = Admin::parse(&parts.uri, &[])?;
    let text = body::read_json(&parts.headers, body, app.body_bytes_max(), admin.deadline).await?;
    let InitBody { peers } = if text.is_empty() { InitBody::default() } else { body::object(&text)? };
    let created = admin.within(app.node.init(peers)).await?;
    let view = admin.within(app.node.cluster()).await;
    let cluster_id = view.map_err(|error| Error { outcome: Some(Outcome::Unknown), ..error })?.cluster_id;
    Ok(Json(Formed { created, cluster_id }).into_response())
}

/// `GET /v1/cluster/members`.
pub(super) async fn members(State(app): State<App>, request: Request) -> Result<Response> {
    let admin = Admin::parse(request.uri(), &[])?;
    Ok(json(&Members { members: admin.within(app.node.members()).await? })?.into_response())
}

/// `POST /v1/cluster/members`.
pub(super) async fn add_member(State(app): State<App>, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let admin = Admin::parse(&parts.uri, &[])?;
    let text = body::read_json(&parts.headers, body, app.body_bytes_max(), admin.deadline).await?;
    let MemberBody { id, http, peer, zone } = body::object(&text)?;
    let member = admin
        .within(app.node.add_member(MemberSpec { id, http, peer, zone, resp: None, resp_cluster: None }))
        .await?;
    Ok(json(&member)?.into_response())
}

/// `DELETE /v1/cluster/members/{node}`.
pub(super) async fn remove_member(State(app): State<App>, request: Request) -> Result<Response> {
    let admin = Admin::parse(request.uri(), &["wait"])?;
    let node = operations::member(request.uri(), NODE_SEGMENT)?;
    let operation = admin.within(app.node.remove_member(node)).await?;
    admin.follow(&app.node, operation).await
}
