//! `/livez` and `/readyz`: for load balancers and supervisors. Neither needs a quorum to be answered.

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::App;
use super::answer::json;
use super::query::Query;
use crate::error::{Error, ErrorKind, Result};
use crate::views::ReadyView;

/// `GET /livez`: the runtime answers.
pub(super) async fn livez() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], "ok\n")
}

/// `GET /readyz`: 200 or 503; with `?verbose` every check is shown.
pub(super) async fn readyz(State(app): State<App>, request: Request) -> Result<Response> {
    let verbose = Query::parse(request.uri().query(), &["verbose"])?.flag("verbose")?;
    let view = app.node.ready();
    match (verbose, view.ready) {
        (true, true) => Ok((StatusCode::OK, json(&view)?).into_response()),
        (true, false) => Ok((StatusCode::SERVICE_UNAVAILABLE, json(&view)?).into_response()),
        (false, true) => {
            Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], "ready\n").into_response())
        }
        (false, false) => Err(not_ready(&view)),
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
    use crate::views::ReadyCheck;

    #[test]
    fn the_problem_names_what_failed() {
        let check = |name: &str, ok| ReadyCheck { name: name.into(), ok, detail: format!("{name} detail") };
        let checks = vec![check("member", true), check("leaders", false), check("disk", false)];
        let error = not_ready(&ReadyView { ready: false, checks });
        assert_eq!(error.detail, "leaders: leaders detail; disk: disk detail");
    }
}
