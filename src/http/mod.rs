//! The HTTP JSON API: parse, call the node, answer. Holds no logic and never names openraft.
//!
//! Relies on [`crate::node::Node`] for everything that is decided. Guarantees: whatever a client sends, it
//! gets an answer of the documented form (errors are RFC 9457 problems), nothing panics, and no body, head or
//! connection takes more than its named limit. What is refused here never reached the node, so its outcome is
//! `not_applied`.
//!
//! | Part | Files |
//! |---|---|
//! | Connections | `listen`, `linger` |
//! | Every request | `track` (request id, problems, figures), `guard` (tokens), `request_id`, `problem`, `metrics` |
//! | Parsing | `path`, `query`, `duration`, `ttl`, `etag`, `body`, `fields`, `value` |
//! | Data | `call`, `answer`, `kv`, `raw`, `scan`, `batch`, `txn` |
//! | Cluster | `cluster`, `groups`, `operations`, `tokens`, `health`, `log`, `slow` |
//! | Description | `routes`, `openapi` |
//! | For people | `console` |

mod answer;
mod batch;
mod body;
mod call;
mod cluster;
mod console;
mod duration;
mod etag;
mod fields;
mod groups;
mod guard;
mod health;
mod kv;
mod linger;
mod listen;
mod log;
mod metrics;
mod openapi;
mod operations;
mod path;
mod problem;
mod query;
mod raw;
mod request_id;
mod routes;
mod scan;
mod slow;
mod tokens;
mod track;
mod ttl;
mod txn;
mod value;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, post, put};

pub use guard::{Access, ENDPOINTS, Endpoint};
pub use listen::{serve, serve_within};
pub use openapi::openapi;

use crate::error::{Error, ErrorKind};
use crate::node::{Node, Starting};
use routes::Routes;
use track::Tracker;

/// What the handlers of a node that is still starting get.
#[derive(Debug, Clone)]
struct Before {
    starting: Starting,
    metrics: Arc<metrics::HttpMetrics>,
}

/// What every handler gets.
#[derive(Debug, Clone)]
struct App {
    node: Node,
    metrics: Arc<metrics::HttpMetrics>,
}

impl App {
    /// Longest value accepted, in bytes.
    fn value_bytes_max(&self) -> usize {
        self.node.config().value_max
    }

    /// Longest body accepted, in bytes.
    fn body_bytes_max(&self) -> usize {
        crate::limits::body_bytes_max(self.value_bytes_max())
    }
}

/// Every path of the API. Keys are taken from the undecoded path; one that is empty has a path too, and is refused there.
fn router(app: App) -> Router {
    let tracker = Tracker { metrics: app.metrics.clone(), node: Some(app.node.clone()) };
    let routes = routes();
    let guarded = match app.node.gate().is_on() {
        true => routes.layer(from_fn_with_state(app.clone(), guard::guard)),
        false => routes,
    };
    guarded.layer(from_fn_with_state(tracker, track::track)).with_state(app)
}

fn routes() -> Router<App> {
    let entry = || get(kv::get).put(kv::put).patch(kv::patch).delete(kv::delete);
    let bytes = || get(raw::get).put(raw::put).delete(kv::delete);
    Routes::default()
        .route("/v1/kv/{ns}", get(kv::scan))
        .route("/v1/kv/{ns}/", entry())
        .route("/v1/kv/{ns}/{*key}", entry())
        .route("/v1/raw/{ns}/", bytes())
        .route("/v1/raw/{ns}/{*key}", bytes())
        .route("/v1/batch", post(batch::batch))
        .route("/v1/txn", post(txn::txn))
        .route("/v1/tokens", get(tokens::list).post(tokens::create))
        .route("/v1/tokens/{id}", get(tokens::show).delete(tokens::delete))
        .route("/v1/cluster", get(cluster::show))
        .route("/v1/cluster/init", post(cluster::init))
        .route("/v1/cluster/members", get(cluster::members).post(cluster::add_member))
        .route("/v1/cluster/members/{node}", delete(cluster::remove_member))
        .route("/v1/cluster/groups", get(groups::list))
        .route("/v1/cluster/groups/{group}", get(groups::show))
        .route("/v1/cluster/groups/{group}/voters", post(groups::add_voter))
        .route("/v1/cluster/groups/{group}/voters/{node}", delete(groups::remove_voter))
        .route("/v1/cluster/groups/{group}/learners", post(groups::add_learner))
        .route("/v1/cluster/groups/{group}/learners/{node}", delete(groups::remove_learner))
        .route("/v1/cluster/groups/{group}/leader", put(groups::transfer_leader))
        .route("/v1/cluster/groups/{group}/snapshot", post(groups::snapshot))
        .route("/v1/operations", get(operations::list))
        .route("/v1/operations/{id}", get(operations::show))
        .route("/v1/slow", get(slow::show))
        .route("/v1/log", get(log::show).put(log::change))
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::show))
        .route("/v1/openapi.json", get(openapi::show))
        .router()
        .merge(console::routes())
        .fallback(unknown_path)
        .method_not_allowed_fallback(unknown_method)
}

/// What is answered while the node starts: that it lives, and how far it is.
fn router_before(before: Before) -> Router {
    let tracker = Tracker { metrics: before.metrics.clone(), node: None };
    Router::new()
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz_before))
        .route("/v1/openapi.json", get(openapi::show))
        .merge(console::routes())
        .fallback(health::starting)
        .layer(from_fn_with_state(tracker, track::track))
        .with_state(before)
}

async fn unknown_path() -> Error {
    Error::not_applied(ErrorKind::NotFound, "nothing is served at this path")
}

async fn unknown_method() -> Error {
    Error::not_applied(
        ErrorKind::MethodNotAllowed,
        "this path does not take this method; see the Allow header",
    )
}
