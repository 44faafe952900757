//! `/livez`, `/readyz`, `/metrics`, `/v1/log`, `/v1/slow` and this description.

use serde_json::{Value, json};

use super::cluster::admin;
use crate::error::ErrorKind::{BadRequest, InvalidValue, NotReady};
use crate::http::log::{Changed, LogView};
use crate::http::openapi::call::Call;
use crate::http::openapi::document::Document;
use crate::http::openapi::parameters::VERBOSE;
use crate::http::openapi::problems::BODY;
use crate::http::slow::SlowView;
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
    document.add("get", "/livez", live.open());
    let view = document.schema::<ReadyView>();
    let ready = Call::new(TAG, "ready", "Whether the node serves")
        .text("Every group here has a leader, its replica is caught up, and the disk is writable.")
        .with(&[&VERBOSE])
        .answers(200, "It does", &[], checks(text("text/plain"), &view))
        .answers(503, "It does not", &[], checks(json!({}), &view))
        .fails(&[BadRequest, NotReady]);
    document.add("get", "/readyz", ready);
    log(document);
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
    document.add("get", "/v1/openapi.json", openapi.open());
}

/// Its log, and what took it long.
fn log(document: &mut Document) {
    let (view, changed, slow) =
        (document.schema::<LogView>(), document.schema::<Changed>(), document.schema::<SlowView>());
    let show = admin(TAG, "showLog", "Show what this node's log shows").gives(200, "It", &[], view.clone());
    let change = admin(TAG, "changeLog", "Change what this node's log shows, until it is started again")
        .takes(view, json!({ "filter": "quorate::request=debug,info" }))
        .gives(200, "It is changed", &[], changed)
        .fails(BODY)
        .fails(&[InvalidValue]);
    document.add("get", "/v1/log", show);
    document.add("put", "/v1/log", change);
    let slow = admin(TAG, "showSlow", "Show the last slow operations that came in by this node").gives(
        200,
        "They, the newest first",
        &[],
        slow,
    );
    document.add("get", "/v1/slow", slow);
}

fn text(media_type: &str) -> Value {
    json!({ media_type: { "schema": { "type": "string" } } })
}

/// With the checks, which `verbose` asks for.
fn checks(mut content: Value, view: &Value) -> Value {
    content["application/json"] = json!({ "schema": view });
    content
}
