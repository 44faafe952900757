//! `POST /v1/batch`: independent operations on any keys, each with its own status, answered in order.
//!
//! An operation sees what earlier ones of the same batch did to its key: operations are carried out in runs, of
//! only reads or only writes, one after the other (with `consistency=local` a replica may not have caught up
//! with the run before). An operation that makes no sense gets its own 400 and hinders no other; a body that
//! makes no sense as a whole is refused before anything is done.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use raft_store::command::{Command, Condition};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use tokio::time::Instant;

use super::answer::{self, Answer, Body, Located, Meta, json};
use super::call::locate;
use super::fields::Fields;
use super::problem::Problem;
use super::query::Query;
use super::value::decode_base64;
use super::{App, body, guard};
use crate::auth::{Caller, Verb};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::BATCH_OPERATIONS_MAX;
use crate::node::{Read, ReadOk, WriteOk};

/// The namespace of operations that name none.
const NAMESPACE_DEFAULT: &str = "default";

/// The body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch<'a> {
    #[serde(borrow)]
    operations: Vec<&'a RawValue>,
}

/// One operation that makes sense.
pub(super) enum Operation {
    /// Read a key.
    Read(Located, Read),
    /// Change a key.
    Write(Located, Command),
}

impl Operation {
    fn as_read(&self) -> Option<(&Located, Read)> {
        match self {
            Self::Read(at, read) => Some((at, read.clone())),
            Self::Write(..) => None,
        }
    }

    fn as_write(&self) -> Option<(&Located, Command)> {
        match self {
            Self::Write(at, command) => Some((at, command.clone())),
            Self::Read(..) => None,
        }
    }
}

/// One result of a call that went well.
#[derive(Serialize)]
struct Item<'a> {
    status: u16,
    #[serde(flatten)]
    meta: Meta,
    #[serde(flatten)]
    body: Body<'a>,
}

/// All results.
#[derive(Serialize)]
struct Results {
    results: Vec<Box<RawValue>>,
}

/// Carries a batch out.
pub(super) async fn batch(State(app): State<App>, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let query = Query::parse(parts.uri.query(), &["timeout", "consistency", "max_staleness"])?;
    let deadline = query.deadline()?;
    query.freshness()?;
    let caller = guard::caller(&app.node, &parts.extensions)?;
    let text = body::read_json(&parts.headers, body, app.body_bytes_max(), deadline).await?;
    let batch: Batch<'_> = body::object(&text)?;
    if batch.operations.len() > BATCH_OPERATIONS_MAX {
        let detail = format!("a batch has at most {BATCH_OPERATIONS_MAX} operations");
        return Err(Error::not_applied(ErrorKind::TooLarge, detail));
    }
    let operations = batch.operations.iter().map(|text| parse(&app, &caller, &query, text)).collect();
    Ok(json(&Results { results: run_all(&app, operations, deadline).await? })?.into_response())
}

/// Understands one operation, and refuses what its caller may not do.
pub(super) fn parse(app: &App, caller: &Caller, query: &Query, text: &RawValue) -> Result<Operation> {
    let fields = Fields::parse(text.get().as_bytes())?;
    let at = located(app, fields.ns.as_deref(), fields.key.as_deref(), fields.key_b64.as_deref())?;
    if fields.op.as_deref() == Some("get") {
        fields.permit(&["op", "ns", "key", "key_b64"])?;
        let (consistency, max_staleness) = query.freshness()?;
        let key = at.key.clone();
        caller.key(Verb::Read, &key)?;
        return Ok(Operation::Read(at, Read { key, consistency, max_staleness }));
    }
    let edit = fields.edit(&["ns", "key", "key_b64", "if_version"], app.value_bytes_max())?;
    let command = edit.command(at.key.clone(), condition(&fields)?);
    caller.command(&command)?;
    Ok(Operation::Write(at, command))
}

/// The key an operation names.
pub(super) fn located(
    app: &App,
    namespace: Option<&str>,
    key: Option<&str>,
    key_b64: Option<&str>,
) -> Result<Located> {
    let bad = |kind, detail: &str| Err(Error::not_applied(kind, detail));
    let key = match (key, key_b64) {
        (Some(text), None) => text.as_bytes().to_vec(),
        (None, Some(base64)) => match decode_base64(base64) {
            Some(bytes) => bytes,
            None => return bad(ErrorKind::BadKey, "key_b64 is not base64"),
        },
        (None, None) => return bad(ErrorKind::BadRequest, "key or key_b64 is needed"),
        (Some(_), Some(_)) => return bad(ErrorKind::BadRequest, "key and key_b64 exclude each other"),
    };
    locate(&app.node, namespace.unwrap_or(NAMESPACE_DEFAULT).to_owned(), &key)
}

fn condition(fields: &Fields<'_>) -> Result<Condition> {
    match (fields.if_version, fields.if_absent) {
        (None, None | Some(false)) => Ok(Condition::None),
        (Some(version), None | Some(false)) => Ok(Condition::Version(version)),
        (None, Some(true)) => Ok(Condition::Absent),
        (Some(_), Some(true)) => {
            Err(Error::not_applied(ErrorKind::BadRequest, "if_version and if_absent exclude each other"))
        }
    }
}

/// Carries the operations out in runs of one kind and gives one result for each, in order.
async fn run_all(
    app: &App,
    operations: Vec<Result<Operation>>,
    deadline: Instant,
) -> Result<Vec<Box<RawValue>>> {
    let mut results = Vec::with_capacity(operations.len());
    for run in operations.chunk_by(|a, b| kind(a) == kind(b)) {
        match kind(&run[0]) {
            Kind::Read => reads(app, run, deadline, &mut results).await?,
            Kind::Write => writes(app, run, deadline, &mut results).await?,
            Kind::Refused => {
                for refused in run.iter().filter_map(|operation| operation.as_ref().err()) {
                    results.push(problem(refused)?);
                }
            }
        }
    }
    Ok(results)
}

/// What a run is made of.
#[derive(PartialEq, Eq)]
enum Kind {
    Read,
    Write,
    Refused,
}

fn kind(operation: &Result<Operation>) -> Kind {
    match operation {
        Ok(Operation::Read(..)) => Kind::Read,
        Ok(Operation::Write(..)) => Kind::Write,
        Err(_) => Kind::Refused,
    }
}

/// Carries out a run of reads.
async fn reads(
    app: &App,
    run: &[Result<Operation>],
    deadline: Instant,
    results: &mut Vec<Box<RawValue>>,
) -> Result<()> {
    let run = run.iter().flatten();
    let (places, reads): (Vec<_>, Vec<_>) = run.filter_map(Operation::as_read).unzip();
    let found = app.node.read_many(reads, deadline).await;
    for (at, found) in places.into_iter().zip(found) {
        results.push(read_item(at, found)?);
    }
    Ok(())
}

/// Carries out a run of writes.
async fn writes(
    app: &App,
    run: &[Result<Operation>],
    deadline: Instant,
    results: &mut Vec<Box<RawValue>>,
) -> Result<()> {
    let run = run.iter().flatten();
    let (places, commands): (Vec<_>, Vec<_>) = run.filter_map(Operation::as_write).unzip();
    let done = app.node.write_many(commands.clone(), deadline).await;
    for ((at, command), done) in places.into_iter().zip(&commands).zip(done) {
        results.push(write_item(at, command, done)?);
    }
    Ok(())
}

/// The result of a read.
pub(super) fn read_item(at: &Located, found: Result<ReadOk>) -> Result<Box<RawValue>> {
    match found {
        Ok(found) => item(Meta::of_read(&found), answer::of_read(at, &found)),
        Err(error) => problem(&error.without_outcome()),
    }
}

/// The result of a write.
pub(super) fn write_item(at: &Located, command: &Command, done: Result<WriteOk>) -> Result<Box<RawValue>> {
    match done {
        Ok(done) => item(Meta::of_write(&done), answer::of_write(at, command, &done)),
        Err(error) => problem(&error),
    }
}

fn item(meta: Meta, answer: Result<Answer<'_>>) -> Result<Box<RawValue>> {
    match answer {
        Ok(Answer { status, body }) => written(&Item { status: status.as_u16(), meta, body }),
        Err(error) => problem(&error),
    }
}

fn problem(error: &Error) -> Result<Box<RawValue>> {
    written(&Problem::of(error, None))
}

fn written<T: Serialize>(result: &T) -> Result<Box<RawValue>> {
    to_raw_value(result)
        .map_err(|error| Error::unknown(ErrorKind::Internal, format!("cannot write a result: {error}")))
}
