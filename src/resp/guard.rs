//! Who may run what: which commands need no token, which one that allows `admin`, and what a plan needs of its keys.
//!
//! A connection's token is looked at again before each run of commands, so one that was deleted or has ended takes the
//! connection's rights, and its transaction, with it. Words are those of Redis 7.0.

use bytes::Bytes;

use super::data::spec::Spec;
use super::errors;
use super::plan::{Context, Keyspace, Plan};
use super::server::Server;
use super::session::Session;
use super::table::What;
use super::value::Value;
use crate::auth::{Caller, Denied, Gate, Now, Protocol, Verb};
use crate::clock;

/// What is said to who has shown no token.
const NO_AUTH: &str = "NOAUTH Authentication required.";
/// What is said to who showed a wrong one.
const WRONG_PASS: &str = "WRONGPASS invalid username-password pair or user is disabled.";
/// What is said when a key is out of reach.
const NO_KEY: &str = "NOPERM this user has no permissions to access one of the keys used as arguments";

/// What a command about connections or the server needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// Nothing: it is how one shows a token, or leaves.
    Nothing,
    /// Any token.
    Token,
    /// One that allows `admin`.
    Admin,
    /// One that allows to read its keys.
    Keys,
}

/// The time, as the gate wants it.
pub(super) fn now(wall_ms: u64) -> Now {
    Now { wall_ms, boot_ms: clock::boot_ms() }
}

/// Who a connection is now.
pub(super) fn caller(gate: &Gate, session: &mut Session, context: &Context) -> Result<Caller, Denied> {
    if !gate.is_on() {
        return Ok(Caller::Trusted);
    }
    let grant = session.grant.clone().ok_or(Denied::Missing)?;
    match gate.recheck(&grant, now(context.wall_ms)) {
        Ok(()) => Ok(Caller::Granted(grant)),
        Err(Denied::Unsure) => Err(Denied::Unsure),
        Err(_) => {
            session.sign_out();
            Err(Denied::Missing)
        }
    }
}

/// Whether a command may be called at all, its keys apart.
pub(super) fn check_command(
    gate: &Gate,
    caller: &Result<Caller, Denied>,
    (what, spec): (What, &Spec),
    context: &Context,
    arguments: &[Bytes],
) -> Result<(), Value> {
    if matches!(caller, Ok(Caller::Trusted)) {
        return Ok(());
    }
    let needs = match what {
        What::Server(server) => needs(server, arguments),
        What::Data(_) => Needs::Token,
    };
    let decision = match (needs, caller) {
        (Needs::Nothing, _) => return Ok(()),
        (_, Err(denied)) => Err(denied.clone()),
        (Needs::Token, Ok(_)) => Ok(()),
        (Needs::Admin, Ok(caller)) => caller.cluster(Verb::Admin),
        (Needs::Keys, Ok(caller)) => {
            arguments.iter().try_for_each(|key| caller.keys(Verb::Read, context.namespace, key))
        }
    };
    gate.count(Protocol::Resp, decision.as_ref().err());
    decision.map_err(|denied| match (denied, needs) {
        (Denied::Forbidden(_), Needs::Keys) => Value::Error(NO_KEY.to_owned()),
        (Denied::Forbidden(_), _) => no_command(spec, arguments),
        (denied, _) => answer(&denied),
    })
}

/// Whether a plan may be carried out.
pub(super) fn check_plan(
    gate: &Gate,
    caller: &Result<Caller, Denied>,
    spec: &Spec,
    context: &Context,
    plan: &Plan,
) -> Result<(), Value> {
    let caller = match caller {
        Ok(Caller::Trusted) => return Ok(()),
        Ok(caller) => caller,
        Err(denied) => return Err(answer(denied)),
    };
    let decision = match plan {
        Plan::Now(_) => Ok(()),
        Plan::Read { keys, .. } => keys.iter().try_for_each(|key| caller.key(Verb::Read, key)),
        Plan::Write { commands, .. } => commands.iter().try_for_each(|command| caller.command(command)),
        Plan::Keyspace(keyspace) => check_keyspace(caller, context, keyspace),
    };
    decision.map_err(|denied| {
        gate.count(Protocol::Resp, Some(&denied));
        match plan {
            Plan::Keyspace(_) => no_command(spec, &[]),
            _ => Value::Error(NO_KEY.to_owned()),
        }
    })
}

/// What is about all keys needs a right to all it can show: those a pattern's plain beginning leaves.
fn check_keyspace(caller: &Caller, context: &Context, keyspace: &Keyspace) -> Result<(), Denied> {
    let prefix = match keyspace {
        Keyspace::Flush => return caller.cluster(Verb::Admin),
        Keyspace::Scan(plan) => plan.pattern.as_ref().map(|pattern| pattern.literal_prefix()),
        Keyspace::Keys(pattern) => Some(pattern.literal_prefix()),
        Keyspace::Size | Keyspace::Random => None,
    };
    caller.keys(Verb::Read, context.namespace, &prefix.unwrap_or_default())
}

fn needs(server: Server, arguments: &[Bytes]) -> Needs {
    let word = arguments.first().map(|word| word.to_ascii_lowercase()).unwrap_or_default();
    match (server, word.as_slice()) {
        (Server::Auth | Server::Hello | Server::Quit | Server::Reset, _) => Needs::Nothing,
        (Server::Watch, _) => Needs::Keys,
        (Server::Debug | Server::Slowlog, _) | (Server::Client, b"list" | b"kill") => Needs::Admin,
        // Clients ask for settings when they connect.
        (Server::Config, b"get" | b"help") => Needs::Token,
        (Server::Config, _) => Needs::Admin,
        (
            Server::Acl
            | Server::Asking
            | Server::Client
            | Server::Cluster
            | Server::Command
            | Server::Discard
            | Server::Echo
            | Server::Exec
            | Server::Function
            | Server::Info
            | Server::Multi
            | Server::Ping
            | Server::Readonly
            | Server::Readwrite
            | Server::Select
            | Server::Time
            | Server::Unwatch
            | Server::Wait,
            _,
        ) => Needs::Token,
    }
}

/// What stands for a refusal.
pub(super) fn answer(denied: &Denied) -> Value {
    Value::Error(match denied {
        Denied::Missing => NO_AUTH.to_owned(),
        Denied::Wrong | Denied::Expired => WRONG_PASS.to_owned(),
        Denied::Limited { retry_after_ms } => format!("ERR {denied} (in {retry_after_ms} ms)"),
        Denied::Unsure => format!("{}: {denied}", errors::LOADING),
        Denied::Forbidden(_) => NO_KEY.to_owned(),
    })
}

/// The refusal of a command, by its full name.
fn no_command(spec: &Spec, arguments: &[Bytes]) -> Value {
    let name = match (spec.name, arguments.first()) {
        (name @ ("config" | "client" | "debug"), Some(word)) => {
            format!("{name}|{}", super::outcome::quoted(word).to_ascii_lowercase())
        }
        (name, _) => name.to_owned(),
    };
    Value::Error(format!("NOPERM this user has no permissions to run the '{name}' command"))
}
