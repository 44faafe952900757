//! Starts a long operation and waits until it ends.

use std::time::Duration;

use hyper::Method;
use tokio::time::{Instant, sleep};

use super::client::{Answer, Request};
use super::fail::{About, Exit, Failure};
use super::output::{Format, note};
use super::session::Session;
use crate::error::Outcome;
use crate::views::{Operation, OperationState};

/// Longest one request waits at the server.
const SERVER_WAIT_MAX: Duration = Duration::from_secs(30);
/// How much longer than the server the client waits, so that it is the server who answers.
const GRACE: Duration = Duration::from_secs(2);
/// Pause between two looks at an operation that outlived its request.
const POLL: Duration = Duration::from_millis(500);

/// Sends a request that starts an operation (`path` without query) and prints how it ended.
pub(super) async fn run(
    mut session: Session,
    method: Method,
    path: &str,
    body: Option<serde_json::Value>,
    about: About,
) -> Result<(), Failure> {
    let deadline = Instant::now() + session.change_timeout;
    let wait = session.change_timeout.min(SERVER_WAIT_MAX);
    let path = format!("{path}?wait={}ms", wait.as_millis());
    let mut request = Request::new(method, path, about.clone()).timeout(wait + GRACE);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let mut answer = session.client.call(request).await?;
    let mut operation: Operation = answer.read()?;
    while operation.state == OperationState::Running && Instant::now() < deadline {
        note(&operation.detail);
        sleep(POLL).await;
        answer = look(&session, &operation.id, &about).await?;
        operation = answer.read()?;
    }
    if session.output.format == Format::Json {
        session.output.json(&answer.body)?;
    }
    finish(session, &operation)
}

async fn look(session: &Session, id: &str, about: &About) -> Result<Answer, Failure> {
    let request = Request::new(Method::GET, format!("/v1/operations/{id}"), about.clone());
    session.client.call(request).await.map_err(|failure| Failure {
        exit: Exit::Unknown,
        outcome: Some(Outcome::Unknown),
        detail: format!("operation {id} was started; {}", failure.detail),
        ..failure
    })
}

fn finish(mut session: Session, operation: &Operation) -> Result<(), Failure> {
    let Operation { id, kind, detail, .. } = operation;
    match operation.state {
        OperationState::Done if session.output.format == Format::Json => Ok(()),
        OperationState::Done => Ok(session.output.line(&format!("{kind} done: {detail}"))?),
        OperationState::Failed => {
            Err(Failure::new(Exit::Error, format!("{kind} failed"), detail).ask("status"))
        }
        OperationState::Running => {
            let detail = format!("operation {id} goes on: {detail}");
            let failure = Failure::new(Exit::Unknown, format!("{kind} has not ended in time"), detail);
            Err(failure.outcome(Outcome::Unknown).ask("group list"))
        }
    }
}
