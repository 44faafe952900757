//! What clients say first and last: `HELLO`, `AUTH`, `PING`, `SELECT`, `RESET`, `QUIT`, and the like.

use std::sync::Arc;

use bytes::Bytes;

use super::Call;
use super::client_args::{self, is, number};
use crate::auth::{self, Denied, Grant};
use crate::resp::encode::Protocol;
use crate::resp::guard;
use crate::resp::session::{Face, USER_DEFAULT};
use crate::resp::value::Value;

/// The version of Redis whose commands and answers these are.
pub(in crate::resp) const REDIS_VERSION: &str = "7.0.15";
/// What Redis says to a password when none is asked for.
const NO_PASSWORD: &str = "AUTH <password> called without any password configured for the default user. Are you sure your \
                           configuration is correct?";
/// What Redis says to a `HELLO` that shows no password when one is needed.
const NO_AUTH_HELLO: &str = "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH \
                             <user> <pass> option can be used to authenticate the client and select the RESP protocol \
                             version at the same time";

/// A command that has nothing to do here.
pub(super) fn ok(_: &Call<'_>) -> Value {
    Value::OK
}

/// `PING [message]`.
pub(super) fn ping(call: &Call<'_>) -> Value {
    match call.arguments {
        [] => Value::Simple("PONG"),
        [message] => Value::Bulk(message.clone()),
        _ => Value::err("wrong number of arguments for 'ping' command"),
    }
}

/// `ECHO message`.
pub(super) fn echo(call: &Call<'_>) -> Value {
    call.arguments.first().map_or(Value::Null, |message| Value::Bulk(message.clone()))
}

/// `QUIT`.
pub(super) fn quit(call: &mut Call<'_>) -> Value {
    call.session.closing = true;
    Value::OK
}

/// `RESET`.
pub(super) fn reset(call: &mut Call<'_>) -> Value {
    call.session.reset();
    Value::Simple("RESET")
}

/// `SELECT index`.
pub(super) fn select(call: &Call<'_>) -> Value {
    match call.arguments.first().and_then(number) {
        None => Value::err("value is not an integer or out of range"),
        Some(0) => Value::OK,
        Some(_) => Value::err("DB index is out of range"),
    }
}

/// `UNWATCH`.
pub(super) fn unwatch(call: &mut Call<'_>) -> Value {
    call.session.watched.clear();
    Value::OK
}

/// `READONLY` and `READWRITE`.
pub(super) fn readonly(call: &mut Call<'_>, readonly: bool) -> Value {
    if call.session.face == Face::Plain {
        return Value::err("This instance has cluster support disabled");
    }
    call.session.readonly = readonly;
    Value::OK
}

/// `AUTH [user] token`. Without `--auth` the default user has no password, so as in Redis any will do when it is named.
pub(super) fn auth(call: &mut Call<'_>) -> Value {
    let arguments = call.arguments;
    match arguments {
        [token] => sign_in(call, None, token).err().unwrap_or(Value::OK),
        [user, token] => sign_in(call, Some(user), token).err().unwrap_or(Value::OK),
        _ => Value::err("syntax error"),
    }
}

/// Takes a token, for the user it belongs to; clients that are given a password only name the default user.
fn sign_in(call: &mut Call<'_>, user: Option<&Bytes>, token: &[u8]) -> Result<(), Value> {
    let gate = call.node.gate();
    let is_default = user.is_none_or(|user| user == USER_DEFAULT);
    if !gate.is_on() {
        return match user {
            Some(_) if is_default => Ok(()),
            Some(_) => Err(guard::answer(&Denied::Wrong)),
            None => Err(Value::err(NO_PASSWORD)),
        };
    }
    let entered = gate.enter(token, call.session.client.addr.ip(), guard::now(call.context.wall_ms));
    let fits = |grant: &Arc<Grant>| is_default || user.is_some_and(|user| user == grant.user.as_bytes());
    let entered = entered.and_then(|grant| if fits(&grant) { Ok(grant) } else { Err(Denied::Wrong) });
    gate.count(auth::Protocol::Resp, entered.as_ref().err());
    call.session.sign_in(entered.map_err(|denied| guard::answer(&denied))?);
    Ok(())
}

/// `HELLO [version [AUTH user token] [SETNAME name]]`.
pub(super) fn hello(call: &mut Call<'_>) -> Value {
    match understood(call.arguments).and_then(|wishes| granted(call, wishes)) {
        Ok(()) => greeting(call),
        Err(value) => value,
    }
}

/// What a `HELLO` asks for. It holds a secret, so it cannot be shown.
#[derive(Default)]
struct Wishes {
    protocol: Option<Protocol>,
    user: Option<(Bytes, Bytes)>,
    name: Option<Bytes>,
}

/// Does what is asked for, or nothing of it.
fn granted(call: &mut Call<'_>, wishes: Wishes) -> Result<(), Value> {
    if let Some((user, token)) = &wishes.user {
        sign_in(call, Some(user), token)?;
    } else if call.node.gate().is_on() && call.session.grant.is_none() {
        return Err(Value::Error(NO_AUTH_HELLO.to_owned()));
    }
    if let Some(protocol) = wishes.protocol {
        call.session.speak(protocol);
    }
    if let Some(name) = wishes.name {
        *call.session.client.name.lock() = name;
    }
    Ok(())
}

fn understood(arguments: &[Bytes]) -> Result<Wishes, Value> {
    let mut wishes = Wishes::default();
    let Some((version, mut options)) = arguments.split_first() else { return Ok(wishes) };
    wishes.protocol = match number(version) {
        None => return Err(Value::err("Protocol version is not an integer or out of range")),
        Some(2) => Some(Protocol::Resp2),
        Some(3) => Some(Protocol::Resp3),
        Some(_) => return Err(Value::Error("NOPROTO unsupported protocol version".to_owned())),
    };
    while let Some((option, rest)) = options.split_first() {
        options = match rest {
            [user, token, rest @ ..] if is(option, "auth") => {
                wishes.user = Some((user.clone(), token.clone()));
                rest
            }
            [wanted, rest @ ..] if is(option, "setname") => {
                wishes.name = Some(client_args::name(wanted)?);
                rest
            }
            _ => {
                let option = crate::resp::outcome::quoted(option);
                return Err(Value::err(format_args!("Syntax error in HELLO option '{option}'")));
            }
        };
    }
    Ok(wishes)
}

fn greeting(call: &Call<'_>) -> Value {
    let mode = match call.session.face {
        Face::Plain => "standalone",
        Face::Cluster => "cluster",
    };
    let id = i64::try_from(call.session.client.id).unwrap_or(i64::MAX);
    Value::Map(vec![
        (Value::text("server"), Value::text("redis")),
        (Value::text("version"), Value::text(REDIS_VERSION)),
        (Value::text("proto"), Value::Int(call.session.protocol.number())),
        (Value::text("id"), Value::Int(id)),
        (Value::text("mode"), Value::text(mode)),
        (Value::text("role"), Value::text("master")),
        (Value::text("modules"), Value::Array(Vec::new())),
    ])
}
