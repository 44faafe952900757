//! `/livez` and `/readyz`: for load balancers and supervisors. Neither needs a quorum to be answered.

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::answer::json;
use super::query::Query;
use super::{App, Before, guard};
use crate::error::{Error, ErrorKind, Outcome, Result};
use crate::views::{ReadyCheck, ReadyView};

/// `GET /livez`: the runtime answers.
pub(super) async fn livez() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], "ok\n")
}

/// `GET /readyz`: 200 or 503; with `?verbose` every check is shown.
pub(super) async fn readyz(State(app): State<App>, request: Request) -> Result<Response> {
    let verbose = Query::parse(request.uri().query(), &["verbose"])?.flag("verbose")?;
    let may_see = guard::may_see_health(&app.node, request.extensions());
    match (verbose, may_see) {
        (true, Err(error)) => Err(error),
        (false, Err(_)) => readiness(false, &without_details(app.node.ready())),
        (_, Ok(())) => readiness(verbose, &app.node.ready()),
    }
}

/// What those see who show no token: whether the node is ready, and not why.
fn without_details(view: ReadyView) -> ReadyView {
    let detail = || "details need a token".to_owned();
    let check = |ready| ReadyCheck { name: "ready".to_owned(), ok: ready, detail: detail() };
    ReadyView { ready: view.ready, checks: vec![check(view.ready)] }
}

/// The same while the node starts: 503, and how far it is.
pub(super) async fn readyz_before(State(before): State<Before>, request: Request) -> Result<Response> {
    let verbose = Query::parse(request.uri().query(), &["verbose"])?.flag("verbose")?;
    readiness(verbose, &before.starting.ready())
}

/// Everything else while the node starts.
pub(super) async fn starting(State(before): State<Before>) -> Error {
    let view = before.starting.ready();
    Error { outcome: Some(Outcome::NotApplied), ..not_ready(&view) }
}

fn readiness(verbose: bool, view: &ReadyView) -> Result<Response> {
    match (verbose, view.ready) {
        (true, true) => Ok((StatusCode::OK, json(view)?).into_response()),
        (true, false) => Ok((StatusCode::SERVICE_UNAVAILABLE, json(view)?).into_response()),
        (false, true) => {
            Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], "ready\n").into_response())
        }
        (false, false) => Err(not_ready(view)),
    }
}

fn not_ready(view: &ReadyView) -> Error {
    let failed = view.checks.iter().filter(|check| !check.ok);
    let failed: Vec<_> = failed.map(|check| format!("{}: {}", check.name, check.detail)).collect();
    Error::of_read(ErrorKind::NotReady, failed.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_problem_names_what_failed() {
        let check = |name: &str, ok| ReadyCheck { name: name.into(), ok, detail: format!("{name} detail") };
        let checks = vec![check("member", true), check("leaders", false), check("disk", false)];
        let error = not_ready(&ReadyView { ready: false, checks });
        assert_eq!(error.detail, "leaders: leaders detail; disk: disk detail");
    }
}
