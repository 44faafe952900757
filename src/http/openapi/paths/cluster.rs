//! `/v1/cluster`, its members, and `/v1/operations`.

use serde_json::{Value, json};

use crate::error::ErrorKind::{
    Conflict, InvalidValue, OperationRunning, UnknownMember, UnknownOperation, WouldLoseQuorum,
};
use crate::http::cluster::{Formed, InitBody, MemberBody, Members};
use crate::http::openapi::call::Call;
use crate::http::openapi::document::Document;
use crate::http::openapi::headers::LOCATION;
use crate::http::openapi::parameters::{TIMEOUT, WAIT};
use crate::http::openapi::problems::{ADMIN, BODY};
use crate::http::operations::Operations;
use crate::views::{ClusterView, NodeView, Operation};

const TAG: &str = "cluster";

/// Describes them.
pub(super) fn add(document: &mut Document) {
    let cluster = document.schema::<ClusterView>();
    let show = admin(TAG, "showCluster", "Show the cluster").gives(200, "The cluster", &[], cluster);
    document.add("get", "/v1/cluster", show);
    init(document);
    members(document);
    operations(document);
}

/// A call about the cluster, under a tag.
pub(super) fn admin(tag: &'static str, id: &'static str, summary: &'static str) -> Call {
    Call::new(tag, id, summary).with(&[&TIMEOUT]).fails(ADMIN)
}

/// The answers of a call that begins a long operation.
pub(super) fn begins(document: &mut Document, call: Call) -> Call {
    let operation = document.schema::<Operation>();
    call.with(&[&WAIT])
        .gives(202, "It has begun", &[&LOCATION], operation.clone())
        .gives(200, "It is done (`wait`)", &[&LOCATION], operation)
        .link(202, "showOperation", json!({ "id": "$response.body#/id" }))
        .fails(&[Conflict, WouldLoseQuorum, OperationRunning])
}

fn init(document: &mut Document) {
    let (body, formed) = (document.schema::<InitBody>(), document.schema::<Formed>());
    let init = admin(TAG, "initCluster", "Form a cluster of this node and its peers")
        .text("Changes nothing when there is one already, and says `created: false`.")
        .may_take(json!({ "application/json": { "schema": body } }))
        .gives(200, "There is a cluster", &[], formed)
        .fails(BODY)
        .fails(&[Conflict]);
    document.add("post", "/v1/cluster/init", init);
}

fn members(document: &mut Document) {
    let (all, body) = (document.schema::<Members>(), document.schema::<MemberBody>());
    let node = document.schema::<NodeView>();
    let list = admin(TAG, "listMembers", "List the nodes").gives(200, "The nodes", &[], all);
    let add = admin(TAG, "addMember", "Admit a node that is started with this id and these addresses")
        .takes(body, member_example())
        .gives(200, "It is admitted", &[], node)
        .fails(BODY)
        .fails(&[InvalidValue, Conflict, OperationRunning]);
    document.add("get", "/v1/cluster/members", list);
    document.add("post", "/v1/cluster/members", add);
    let remove = admin(TAG, "removeMember", "Take a node out of every group, then out of the cluster")
        .text("For ever: its id does not come back.")
        .fails(&[UnknownMember]);
    let remove = begins(document, remove);
    document.add("delete", "/v1/cluster/members/{node}", remove);
}

fn member_example() -> Value {
    json!({ "id": 4, "http": "10.0.0.4:7070", "peer": "10.0.0.4:7170", "zone": "b" })
}

fn operations(document: &mut Document) {
    let (all, one) = (document.schema::<Operations>(), document.schema::<Operation>());
    let list = admin(TAG, "listOperations", "List long operations, the newest first")
        .gives(200, "The operations the cluster remembers", &[], all)
        .link(200, "showOperation", json!({ "id": "$response.body#/operations/0/id" }));
    let show = admin(TAG, "showOperation", "Show how a long operation goes")
        .gives(200, "The operation", &[], one)
        .fails(&[UnknownOperation]);
    document.add("get", "/v1/operations", list);
    document.add("get", "/v1/operations/{id}", show);
}
