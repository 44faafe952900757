//! One call about one key: what every data handler does before and after it asks the node.

use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use raft_store::command::Condition;
use raft_store::key::Key;
use tokio::time::Instant;

use super::answer::{self, Located, Meta};
use super::fields::Edit;
use super::query::Query;
use super::{App, etag, guard, path};
use crate::auth::Caller;
use crate::error::{Error, ErrorKind, Result};
use crate::node::{Node, Read, ReadOk};

/// Asks for a redirect to the leader instead of forwarding.
const ROUTE: HeaderName = HeaderName::from_static("x-quorate-route");

/// A call whose path and query are understood.
#[derive(Debug)]
pub(super) struct Call {
    /// The key.
    pub(super) at: Located,
    /// The query.
    pub(super) query: Query,
    /// When it must be answered.
    pub(super) deadline: Instant,
    /// Whose it is; the key may be read or written, by the method.
    caller: Caller,
}

/// How a read goes on.
#[derive(Debug)]
pub(super) enum Found {
    /// There is an entry to show.
    Entry(Call, ReadOk),
    /// It is answered already: a redirect, a miss or "not modified".
    Answered(Response),
}

impl Call {
    /// Understands path and query; `known` are the query's names beside `timeout`.
    pub(super) fn parse(node: &Node, parts: &Parts, known: &[&str]) -> Result<Self> {
        let query = Query::parse(parts.uri.query(), &[&["timeout"], known].concat())?;
        let deadline = query.deadline()?;
        let data_path = path::parse(parts.uri.path())?;
        let at = locate(node, data_path.namespace, &data_path.key)?;
        let caller = guard::caller(node, &parts.extensions)?;
        caller.key(guard::verb(&parts.method), &at.key)?;
        Ok(Self { at, query, deadline, caller })
    }

    /// The redirect to the leader, if the client wants one and the leader is another node.
    pub(super) fn redirect(&self, node: &Node, parts: &Parts) -> Result<Option<Response>> {
        match parts.headers.get(ROUTE).map(HeaderValue::as_bytes) {
            None | Some(b"forward") => return Ok(None),
            Some(b"redirect") => {}
            Some(_) => return Err(bad_request("X-Quorate-Route is forward or redirect")),
        }
        let Some((_, leader)) = node.leader_of(&self.at.key).filter(|(id, _)| *id != node.id()) else {
            return Ok(None);
        };
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let location =
            HeaderValue::from_str(&format!("{}://{leader}{path}", node.http_scheme())).map_err(|_| {
                Error::not_applied(ErrorKind::Internal, "the leader's address does not fit a header")
            })?;
        Ok(Some((StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, location)]).into_response()))
    }

    /// Carries out a change and answers it.
    pub(super) async fn change(self, app: &App, edit: Edit, condition: Condition) -> Result<Response> {
        let command = edit.command(self.at.key.clone(), condition);
        self.caller.command(&command)?;
        let done = app.node.write(command.clone(), self.deadline).await?;
        let meta = Meta::of_write(&done);
        match answer::of_write(&self.at, &command, &done) {
            Ok(answer) => answer.into_response(&meta),
            Err(rejected) => Ok((meta.headers(), rejected).into_response()),
        }
    }
}

/// Reads the key a `GET` or `HEAD` names.
pub(super) async fn find(app: &App, parts: &Parts) -> Result<Found> {
    let call = Call::parse(&app.node, parts, &["consistency", "max_staleness"])?;
    let (consistency, max_staleness) = call.query.freshness()?;
    let known = etag::known_to_reader(&parts.headers)?;
    if let Some(redirect) = call.redirect(&app.node, parts)? {
        return Ok(Found::Answered(redirect));
    }
    let read = Read { key: call.at.key.clone(), consistency, max_staleness };
    let found = app.node.read(read, call.deadline).await?;
    match &found.entry {
        None => Ok(Found::Answered(answer::miss_response(&found))),
        Some(entry) if known.is_some_and(|tags| tags.contain(entry.version)) => {
            Ok(Found::Answered(answer::not_modified(&found, entry)))
        }
        Some(_) => Ok(Found::Entry(call, found)),
    }
}

/// Looks the namespace up and checks the key.
pub(super) fn locate(node: &Node, namespace: String, user_key: &[u8]) -> Result<Located> {
    let number = node.namespace(&namespace)?;
    let key = Key::new(number, user_key)
        .map_err(|error| Error::not_applied(ErrorKind::BadKey, error.to_string()))?;
    Ok(Located { namespace, key })
}

fn bad_request(detail: &str) -> Error {
    Error::not_applied(ErrorKind::BadRequest, detail)
}
