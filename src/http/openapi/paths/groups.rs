//! `/v1/cluster/groups`.

use serde_json::json;

use super::cluster::{admin, begins};
use crate::error::ErrorKind::{Conflict, DiskFull, OperationRunning, UnknownGroup, UnknownMember};
use crate::http::groups::{Groups, Led, NodeBody, Taken};
use crate::http::openapi::call::Call;
use crate::http::openapi::document::Document;
use crate::http::openapi::parameters::{DIGEST, LOCAL};
use crate::http::openapi::problems::BODY;
use crate::views::GroupView;

const TAG: &str = "groups";

/// Describes them.
pub(super) fn add(document: &mut Document) {
    let (all, view) = (document.schema::<Groups>(), document.schema::<GroupView>());
    let list = admin(TAG, "listGroups", "List the groups").gives(200, "The groups", &[], all);
    document.add("get", "/v1/cluster/groups", list);
    let show = admin(TAG, "showGroup", "Show a group as its leader sees it")
        .with(&[&LOCAL, &DIGEST])
        .gives(200, "The group", &[], view)
        .fails(&[UnknownGroup]);
    document.add("get", "/v1/cluster/groups/{group}", show);
    replicas(document);
    let led = document.schema::<Led>();
    let transfer =
        to_node(document, "transferLeader", "Hand the leadership to a voter, and wait until it leads")
            .gives(200, "It leads", &[], led)
            .fails(&[Conflict]);
    document.add("put", "/v1/cluster/groups/{group}/leader", transfer);
    let taken = document.schema::<Taken>();
    let snapshot = admin(TAG, "takeSnapshot", "Take a snapshot now")
        .gives(200, "It is taken", &[], taken)
        .fails(&[UnknownGroup, DiskFull, OperationRunning]);
    document.add("post", "/v1/cluster/groups/{group}/snapshot", snapshot);
}

fn replicas(document: &mut Document) {
    for (path, one, add, remove) in [
        (
            "/v1/cluster/groups/{group}/voters",
            "/v1/cluster/groups/{group}/voters/{node}",
            ("addVoter", "Add a voter: a learner first, promoted once it has caught up"),
            ("removeVoter", "Remove a voter"),
        ),
        (
            "/v1/cluster/groups/{group}/learners",
            "/v1/cluster/groups/{group}/learners/{node}",
            ("addLearner", "Add a learner"),
            ("removeLearner", "Remove a learner"),
        ),
    ] {
        let add = to_node(document, add.0, add.1);
        let add = begins(document, add);
        document.add("post", path, add);
        let remove = admin(TAG, remove.0, remove.1).fails(&[UnknownGroup, UnknownMember]);
        let remove = begins(document, remove);
        document.add("delete", one, remove);
    }
}

/// A call about a group that names a node in its body.
fn to_node(document: &mut Document, id: &'static str, summary: &'static str) -> Call {
    let body = document.schema::<NodeBody>();
    admin(TAG, id, summary)
        .takes(body, json!({ "node": 4 }))
        .fails(BODY)
        .fails(&[UnknownGroup, UnknownMember])
}
