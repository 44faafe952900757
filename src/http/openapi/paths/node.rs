//! `/livez`, `/readyz`, `/metrics` and this description.

use serde_json::{Value, json};

use crate::error::ErrorKind::{BadRequest, NotReady};
use crate::http::openapi::call::Call;
use crate::http::openapi::document::Document;
use crate::http::openapi::parameters::VERBOSE;
use crate::views::ReadyView;

const TAG: &str = "node";

/// Describes them.
pub(super) fn add(document: &mut Document) {
    let live = Call::new(TAG, "live", "Whether the process is alive; needs no quorum").answers(
        200,
        "It is",
        &[],
        text("text/plain"),
    );
    document.add("get", "/livez", live);
    let view = document.schema::<ReadyView>();
    let ready = Call::new(TAG, "ready", "Whether the node serves")
        .text("Every group here has a leader, its replica is caught up, and the disk is writable.")
        .with(&[&VERBOSE])
        .answers(200, "It does", &[], checks(text("text/plain"), &view))
        .answers(503, "It does not", &[], checks(json!({}), &view))
        .fails(&[BadRequest, NotReady]);
    document.add("get", "/readyz", ready);
    let metrics = Call::new(TAG, "metrics", "Figures in Prometheus's text format")
        .answers(200, "The figures", &[], text("text/plain"))
        .fails(&[NotReady]);
    document.add("get", "/metrics", metrics);
    let openapi = Call::new(TAG, "openapi", "This description").gives(
        200,
        "OpenAPI 3.1",
        &[],
        json!({ "type": "object", "required": ["openapi", "paths"] }),
    );
    document.add("get", "/v1/openapi.json", openapi);
}

fn text(media_type: &str) -> Value {
    json!({ media_type: { "schema": { "type": "string" } } })
}

/// With the checks, which `verbose` asks for.
fn checks(mut content: Value, view: &Value) -> Value {
    content["application/json"] = json!({ "schema": view });
    content
}
