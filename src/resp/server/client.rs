//! `CLIENT`: who is connected, and what this connection wants.

use std::sync::Arc;

use bytes::Bytes;

use super::client_args::{is, is_long, is_name, name, number, too_long};
use super::{Call, help, no_subcommand, wrong_number};
use crate::config::NoConsistency;
use crate::resp::clients::Client;
use crate::resp::session::Replies;
use crate::resp::value::Value;

const HELP: &[&str] = &[
    "CONSISTENCY [linearizable|lease|local]",
    "    How fresh reads of this connection are (Quorate's own).",
    "GETNAME",
    "    The name of this connection.",
    "ID",
    "    The number of this connection.",
    "INFO",
    "    What LIST shows of this connection.",
    "KILL <ip:port> | ID <id> | ADDR <ip:port> | LADDR <ip:port> | SKIPME (yes|no)",
    "    End connections of this node.",
    "LIST [TYPE (normal|master|replica|pubsub)] [ID <id> ...]",
    "    The connections of this node.",
    "NO-EVICT (on|off), NO-TOUCH (on|off)",
    "    Accepted, without effect.",
    "REPLY (on|off|skip)",
    "    Which answers this connection wants.",
    "SETINFO (LIB-NAME|LIB-VER) <value>",
    "    The library this connection uses.",
    "SETNAME <name>",
    "    Give this connection a name.",
    "UNPAUSE",
    "    Accepted: nothing is ever paused.",
];

/// Runs a subcommand; `None`: it has no answer.
pub(super) fn run(call: &mut Call<'_>) -> Option<Value> {
    let (subcommand, arguments) = call.arguments.split_first()?;
    let word = subcommand.to_ascii_lowercase();
    Some(match (word.as_slice(), arguments) {
        (b"reply", [how]) => return reply(call, how),
        (b"id", []) => Value::Int(i64::try_from(call.session.client.id).unwrap_or(i64::MAX)),
        (b"info", []) => Value::Verbatim(call.session.client.line()),
        (b"list", filter) => list(call, filter),
        (b"getname", []) => {
            Value::bulk_or_null(Some(call.session.client.name.lock().clone()).filter(|name| !name.is_empty()))
        }
        (b"setname", [name]) => set_name(call, name),
        (b"setinfo", [what, value]) => set_info(call, what, value),
        (b"consistency", []) => Value::text(call.session.consistency.name()),
        (b"consistency", [wanted]) => consistency(call, wanted),
        (b"no-evict" | b"no-touch", [on]) if is(on, "on") || is(on, "off") => Value::OK,
        (b"no-evict" | b"no-touch", [_]) => Value::err("syntax error"),
        (b"unpause", []) => Value::OK,
        (b"getredir", []) => Value::Int(-1),
        (b"kill", filter @ [_, ..]) => kill(call, filter),
        (b"help", []) => help("CLIENT", HELP),
        (b"pause" | b"tracking" | b"caching" | b"trackinginfo" | b"unblock", _) => {
            let subcommand = crate::resp::outcome::quoted(subcommand);
            Value::err(format_args!("CLIENT {subcommand} is not supported"))
        }
        (
            b"reply" | b"id" | b"info" | b"getname" | b"setname" | b"setinfo" | b"consistency" | b"no-evict"
            | b"no-touch" | b"unpause" | b"getredir" | b"kill" | b"help",
            _,
        ) => wrong_number("client", subcommand),
        _ => no_subcommand("CLIENT", subcommand),
    })
}

fn reply(call: &mut Call<'_>, how: &[u8]) -> Option<Value> {
    let replies = match how {
        how if is(how, "on") => Replies::On,
        how if is(how, "off") => Replies::Off,
        how if is(how, "skip") => Replies::SkipNext,
        _ => return Some(Value::err("syntax error")),
    };
    // As in Redis, skipping means nothing while no answers are wanted at all.
    if (call.session.replies, replies) != (Replies::Off, Replies::SkipNext) {
        call.session.replies = replies;
    }
    (replies == Replies::On).then_some(Value::OK)
}

fn set_name(call: &Call<'_>, wanted: &Bytes) -> Value {
    match name(wanted) {
        Ok(name) => {
            *call.session.client.name.lock() = name;
            Value::OK
        }
        Err(refused) => refused,
    }
}

fn set_info(call: &Call<'_>, what: &[u8], value: &Bytes) -> Value {
    let place = match what {
        what if is(what, "lib-name") => 0,
        what if is(what, "lib-ver") => 1,
        _ => {
            let what = crate::resp::outcome::quoted(what);
            return Value::err(format_args!("Unrecognized option '{what}'"));
        }
    };
    if !is_name(value) {
        let what = crate::resp::outcome::quoted(what).to_ascii_lowercase();
        return Value::err(format_args!("{what} cannot contain spaces, newlines or special characters."));
    }
    if is_long(value) {
        return too_long();
    }
    call.session.client.library.lock()[place] = value.clone();
    Value::OK
}

fn consistency(call: &mut Call<'_>, wanted: &[u8]) -> Value {
    let parsed = std::str::from_utf8(wanted).map_err(|_| NoConsistency).and_then(str::parse);
    match parsed {
        Ok(consistency) => {
            call.session.consistency = consistency;
            Value::OK
        }
        Err(error) => Value::err(error),
    }
}

fn list(call: &Call<'_>, filter: &[Bytes]) -> Value {
    let all = call.shared.clients(call.session.face).all();
    let chosen: Vec<Arc<Client>> = match filter {
        [] => all,
        [word, kind] if is(word, "type") => match kind {
            kind if is(kind, "normal") => all,
            kind if ["master", "replica", "slave", "pubsub"].iter().any(|name| is(kind, name)) => Vec::new(),
            kind => {
                let kind = crate::resp::outcome::quoted(kind);
                return Value::err(format_args!("Unknown client type '{kind}'"));
            }
        },
        [word, ids @ ..] if is(word, "id") && !ids.is_empty() => {
            let ids: Option<Vec<i64>> = ids.iter().map(number).collect();
            let Some(ids) = ids else { return Value::err("Invalid client ID") };
            all.into_iter().filter(|client| ids.contains(&(client.id as i64))).collect()
        }
        _ => return Value::err("syntax error"),
    };
    Value::Verbatim(chosen.iter().map(|client| client.line()).collect())
}

/// Which connections `KILL` means.
#[derive(Debug, Default)]
struct Victims {
    id: Option<i64>,
    addr: Option<String>,
    local: Option<String>,
    /// Whether none can be meant, since there are only ordinary connections.
    nobody: bool,
    spare_me: bool,
}

fn kill(call: &mut Call<'_>, filter: &[Bytes]) -> Value {
    let old_form = filter.len() == 1;
    let victims = if old_form {
        Ok(Victims {
            addr: Some(crate::resp::outcome::quoted(&filter[0]).into_owned()),
            ..Victims::default()
        })
    } else {
        victims(filter)
    };
    let victims = match victims {
        Ok(victims) => victims,
        Err(value) => return value,
    };
    let killed = end(call, &victims);
    match (old_form, killed) {
        (true, 0) => Value::err("No such client"),
        (true, _) => Value::OK,
        (false, killed) => Value::Int(killed),
    }
}

fn victims(mut filter: &[Bytes]) -> Result<Victims, Value> {
    let mut victims = Victims { spare_me: true, ..Victims::default() };
    while let [what, value, rest @ ..] = filter {
        let text = || Some(crate::resp::outcome::quoted(value).into_owned());
        match what {
            what if is(what, "id") => {
                let id = number(value).filter(|id| *id > 0);
                victims.id = Some(id.ok_or_else(|| Value::err("client-id should be greater than 0"))?);
            }
            what if is(what, "addr") => victims.addr = text(),
            what if is(what, "laddr") => victims.local = text(),
            what if is(what, "type") => victims.nobody |= !is(value, "normal"),
            what if is(what, "user") => victims.nobody |= !is(value, "default"),
            what if is(what, "skipme") && is(value, "yes") => victims.spare_me = true,
            what if is(what, "skipme") && is(value, "no") => victims.spare_me = false,
            _ => return Err(Value::err("syntax error")),
        }
        filter = rest;
    }
    if filter.is_empty() { Ok(victims) } else { Err(Value::err("syntax error")) }
}

/// Ends connections; how many.
fn end(call: &mut Call<'_>, victims: &Victims) -> i64 {
    let me = call.session.client.id;
    let meant = |client: &&Arc<Client>| {
        let spared = victims.nobody || victims.spare_me && client.id == me;
        !spared
            && victims.id.is_none_or(|id| client.id as i64 == id)
            && victims.addr.as_ref().is_none_or(|addr| *addr == client.addr.to_string())
            && victims.local.as_ref().is_none_or(|local| *local == client.local.to_string())
    };
    let clients = call.shared.clients(call.session.face);
    let all = clients.all();
    let mut killed = 0;
    for client in all.iter().filter(meant) {
        if client.id == me {
            call.session.closing = true
        } else {
            clients.kill(client)
        }
        killed += 1;
    }
    killed
}
