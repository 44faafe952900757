//! `POST /v1/txn`: compare keys, then carry out one list of operations or the other, all in one step of one group.
//!
//! What makes no sense is refused as a whole. Operations that are carried out each have their own status: one whose own
//! condition fails hinders no other.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use raft_store::command::{Branch, Command, Condition, Get, Reply};
use raft_store::key::Key;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::answer::{Located, Meta, json, rejected};
use super::batch::{self, Operation};
use super::fields::given;
use super::query::Query;
use super::{App, body, guard};
use crate::auth::Caller;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::BATCH_OPERATIONS_MAX;
use crate::node::{Consistency, ReadOk, WriteOk};

/// The body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Txn<'a> {
    #[serde(default)]
    compare: Vec<Comparison>,
    #[serde(default, borrow)]
    then: Vec<&'a RawValue>,
    #[serde(default, borrow, rename = "else")]
    otherwise: Vec<&'a RawValue>,
}

/// What must hold of one key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Comparison {
    #[serde(default, deserialize_with = "given")]
    ns: Option<String>,
    #[serde(default, deserialize_with = "given")]
    key: Option<String>,
    #[serde(default, deserialize_with = "given")]
    key_b64: Option<String>,
    #[serde(default, deserialize_with = "given")]
    version: Option<u64>,
    #[serde(default, deserialize_with = "given")]
    present: Option<bool>,
}

/// The answer.
#[derive(Serialize)]
struct Body {
    succeeded: bool,
    group: raft_store::GroupId,
    time_ms: u64,
    results: Vec<Box<RawValue>>,
}

/// Carries a transaction out.
pub(super) async fn txn(State(app): State<App>, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let query = Query::parse(parts.uri.query(), &["timeout"])?;
    let deadline = query.deadline()?;
    let caller = guard::caller(&app.node, &parts.extensions)?;
    let text = body::read_json(&parts.headers, body, app.body_bytes_max(), deadline).await?;
    let txn: Txn<'_> = body::object(&text)?;
    let compared = txn.compare.iter().map(|one| one.condition(&app)).collect::<Result<_>>()?;
    let then = operations(&app, &caller, &query, &txn.then, txn.compare.len())?;
    let otherwise = operations(&app, &caller, &query, &txn.otherwise, txn.compare.len())?;
    let commands = |operations: &[(Located, Command)]| operations.iter().map(|(_, c)| c.clone()).collect();
    let command = Branch { compared, then: commands(&then), otherwise: commands(&otherwise) };
    let command = Command::Branch(command);
    caller.command(&command)?;
    let done = app.node.write(command, deadline).await?;
    answer(done, then, otherwise)
}

/// The operations of one branch.
fn operations(
    app: &App,
    caller: &Caller,
    query: &Query,
    texts: &[&RawValue],
    compared: usize,
) -> Result<Vec<(Located, Command)>> {
    if texts.len().max(compared) > BATCH_OPERATIONS_MAX {
        let detail = format!(
            "a transaction has at most {BATCH_OPERATIONS_MAX} comparisons, and operations in a branch"
        );
        return Err(Error::not_applied(ErrorKind::TooLarge, detail));
    }
    let parse = |text: &&RawValue| match batch::parse(app, caller, query, text)? {
        Operation::Read(at, read) => Ok((at, Command::Get(Get { key: read.key }))),
        Operation::Write(at, command) => Ok((at, command)),
    };
    texts.iter().map(parse).collect()
}

impl Comparison {
    fn condition(&self, app: &App) -> Result<(Key, Condition)> {
        let condition = match (self.version, self.present) {
            (Some(version), None) => Condition::Version(version),
            (None, Some(true)) => Condition::Present,
            (None, Some(false)) => Condition::Absent,
            _ => {
                let detail = "a comparison has either a version or present, which is true or false";
                return Err(Error::not_applied(ErrorKind::BadRequest, detail));
            }
        };
        let at = batch::located(app, self.ns.as_deref(), self.key.as_deref(), self.key_b64.as_deref())?;
        Ok((at.key, condition))
    }
}

fn answer(
    done: WriteOk,
    then: Vec<(Located, Command)>,
    otherwise: Vec<(Located, Command)>,
) -> Result<Response> {
    let (meta, WriteOk { group, time_ms, reply }) = (Meta::of_write(&done), done);
    let (succeeded, replies) = match reply {
        Reply::Branched { succeeded, replies } => (succeeded, replies),
        Reply::Rejected(rejection) => {
            return Ok((meta.headers(), rejected(&rejection, group)).into_response());
        }
        _ => {
            return Err(Error::unknown(
                ErrorKind::Internal,
                "a transaction was answered like something else",
            ));
        }
    };
    let taken = if succeeded { then } else { otherwise };
    let results =
        taken.iter().zip(replies).map(|((at, command), reply)| result(at, command, (group, time_ms), reply));
    let body = Body { succeeded, group, time_ms, results: results.collect::<Result<_>>()? };
    Ok((StatusCode::OK, meta.headers(), json(&body)?).into_response())
}

/// The result of one operation, as a batch shows it.
fn result(
    at: &Located,
    command: &Command,
    (group, time_ms): (raft_store::GroupId, u64),
    reply: Reply,
) -> Result<Box<RawValue>> {
    match reply {
        Reply::Found(entry) => {
            let consistency = Consistency::Linearizable;
            batch::read_item(at, Ok(ReadOk { group, entry, time_ms, consistency, staleness_ms: None }))
        }
        reply => batch::write_item(at, command, Ok(WriteOk { group, time_ms, reply })),
    }
}
