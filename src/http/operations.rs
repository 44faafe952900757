//! `/v1/operations`, and what all calls about the cluster share: path, query, waiting.

use std::future::Future;

use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use raft_store::{GroupId, NodeId};
use serde::Serialize;
use tokio::time::{Instant, timeout_at};
use utoipa::ToSchema;

use super::answer::{ascii, json};
use super::query::Query;
use super::{App, path};
use crate::error::{Error, ErrorKind, Result};
use crate::node::Node;
use crate::views::{Operation, OperationState};

/// Place of the group's number in `/v1/cluster/groups/{group}`.
const GROUP_SEGMENT: usize = 3;
/// Place of the id in `/v1/operations/{id}`.
const OPERATION_SEGMENT: usize = 2;

/// The query of a call about the cluster.
#[derive(Debug)]
pub(super) struct Admin {
    /// The query.
    pub(super) query: Query,
    /// When it must be answered, waiting for an operation apart.
    pub(super) deadline: Instant,
}

/// The operations.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Operations {
    operations: Vec<Operation>,
}

impl Admin {
    /// Understands the query; `known` are its names beside `timeout`.
    pub(super) fn parse(uri: &Uri, known: &[&str]) -> Result<Self> {
        let query = Query::parse(uri.query(), &[&["timeout"], known].concat())?;
        query.wait("wait")?;
        let deadline = query.deadline()?;
        Ok(Self { query, deadline })
    }

    /// Bounds a call in time. What it began may go on: the outcome is unknown then.
    pub(super) async fn within<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        let late = |_| Error::unknown(ErrorKind::Timeout, "the cluster did not answer in time");
        timeout_at(self.deadline, call).await.map_err(late)?
    }

    /// Answers an operation that has begun: 202, or with `?wait=` 200 once it is done.
    pub(super) async fn follow(&self, node: &Node, operation: Operation) -> Result<Response> {
        let operation = match self.query.wait("wait")? {
            // It has begun, whatever came of the waiting.
            Some(wait) => {
                node.await_operation(&operation.id, Instant::now() + wait).await.unwrap_or(operation)
            }
            None => operation,
        };
        let status = match operation.state {
            OperationState::Running => StatusCode::ACCEPTED,
            OperationState::Done if self.query.get("wait").is_some() => StatusCode::OK,
            OperationState::Done => StatusCode::ACCEPTED,
            OperationState::Failed => return Err(failed(&operation)),
        };
        let location = ascii(&format!("/v1/operations/{}", operation.id));
        Ok((status, [(header::LOCATION, location)], json(&operation)?).into_response())
    }
}

/// Why an operation failed, if that was kept; it may have done part of its work, so else its outcome is unknown.
fn failed(operation: &Operation) -> Error {
    if let Some(error) = &operation.error {
        return error.clone();
    }
    let detail = format!("operation {} failed: {}", operation.id, operation.detail);
    let mut error = Error::unknown(ErrorKind::Conflict, detail);
    error.group = operation.group;
    error
}

/// The group a path names; `unknown-group` for what is no number.
pub(super) fn group(uri: &Uri) -> Result<GroupId> {
    number(segment(uri, GROUP_SEGMENT))
        .ok_or_else(|| Error::not_applied(ErrorKind::UnknownGroup, "a group is named by its number"))
}

/// The node a path names at a place; `unknown-member` for what is no number.
pub(super) fn member(uri: &Uri, place: usize) -> Result<NodeId> {
    number(segment(uri, place))
        .ok_or_else(|| Error::not_applied(ErrorKind::UnknownMember, "a node is named by its number"))
}

/// The part of a path between its slashes, counted from 0.
pub(super) fn segment(uri: &Uri, place: usize) -> &str {
    uri.path().split('/').skip(1).nth(place).unwrap_or_default()
}

/// A number in plain digits; `parse` alone would take a sign.
fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// `GET /v1/operations`.
pub(super) async fn list(State(app): State<App>, request: Request) -> Result<Response> {
    let admin = Admin::parse(request.uri(), &[])?;
    Ok(json(&Operations { operations: admin.within(app.node.operations()).await? })?.into_response())
}

/// `GET /v1/operations/{id}`.
pub(super) async fn show(State(app): State<App>, request: Request) -> Result<Response> {
    let admin = Admin::parse(request.uri(), &[])?;
    let id =
        path::decode(segment(request.uri(), OPERATION_SEGMENT)).and_then(|id| String::from_utf8(id).ok());
    let id = id.ok_or_else(|| Error::of_read(ErrorKind::UnknownOperation, "no operation has such an id"))?;
    Ok(json(&admin.within(app.node.operation(&id)).await?)?.into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &'static str) -> Uri {
        Uri::from_static(text)
    }

    #[test]
    fn paths_name_groups_and_nodes_by_number() {
        let path = uri("/v1/cluster/groups/5/voters/4");
        assert_eq!((group(&path), member(&path, 5)), (Ok(5), Ok(4)));
        assert_eq!(member(&uri("/v1/cluster/members/7"), 3), Ok(7));
    }

    #[test]
    fn what_is_no_number_is_unknown() {
        for bad in ["/v1/cluster/groups/x", "/v1/cluster/groups/+1", "/v1/cluster/groups/4294967296"] {
            assert_eq!(group(&uri(bad)).unwrap_err().kind, ErrorKind::UnknownGroup, "{bad}");
        }
        assert_eq!(member(&uri("/v1/cluster/members/-1"), 3).unwrap_err().kind, ErrorKind::UnknownMember);
    }

    #[test]
    fn a_failed_operation_is_a_conflict_of_unknown_outcome() {
        let operation = Operation {
            id: "o1".into(),
            kind: "add-voter".into(),
            group: Some(5),
            node: Some(4),
            state: OperationState::Failed,
            detail: "node 4 does not answer".into(),
            error: None,
            started_ms: 0,
            updated_ms: 0,
        };
        let error = failed(&operation);
        assert_eq!((error.kind, error.group), (ErrorKind::Conflict, Some(5)));
        assert!(error.detail.contains("node 4 does not answer"));
    }
}
