//! What clients say first and last: `HELLO`, `AUTH`, `PING`, `SELECT`, `RESET`, `QUIT`, and the like.

use bytes::Bytes;

use super::Call;
use super::client_args::{self, is, number};
use crate::resp::encode::Protocol;
use crate::resp::session::Face;
use crate::resp::value::Value;

/// The version of Redis whose commands and answers these are.
pub(in crate::resp) const REDIS_VERSION: &str = "7.0.15";
/// The only user there is.
const USER: &[u8] = b"default";
const WRONG_PASS: &str = "WRONGPASS invalid username-password pair or user is disabled.";

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

/// `AUTH [user] password`. The default user has no password, so as in Redis any will do when it is named.
pub(super) fn auth(call: &Call<'_>) -> Value {
    match call.arguments {
        [_] => Value::err(
            "AUTH <password> called without any password configured for the default user. Are you sure your \
             configuration is correct?",
        ),
        [user, _] => check(user).err().unwrap_or(Value::OK),
        _ => Value::err("syntax error"),
    }
}

fn check(user: &Bytes) -> Result<(), Value> {
    if user == USER { Ok(()) } else { Err(Value::Error(WRONG_PASS.to_owned())) }
}

/// `HELLO [version [AUTH user password] [SETNAME name]]`.
pub(super) fn hello(call: &mut Call<'_>) -> Value {
    match understood(call.arguments) {
        Ok((protocol, name)) => {
            if let Some(protocol) = protocol {
                call.session.speak(protocol);
            }
            if let Some(name) = name {
                *call.session.client.name.lock() = name;
            }
            greeting(call)
        }
        Err(value) => value,
    }
}

type Wishes = (Option<Protocol>, Option<Bytes>);

fn understood(arguments: &[Bytes]) -> Result<Wishes, Value> {
    let Some((version, mut options)) = arguments.split_first() else { return Ok((None, None)) };
    let protocol = match number(version) {
        None => return Err(Value::err("Protocol version is not an integer or out of range")),
        Some(2) => Protocol::Resp2,
        Some(3) => Protocol::Resp3,
        Some(_) => return Err(Value::Error("NOPROTO unsupported protocol version".to_owned())),
    };
    let mut name = None;
    while let Some((option, rest)) = options.split_first() {
        options = match rest {
            [user, _, rest @ ..] if is(option, "auth") => {
                check(user)?;
                rest
            }
            [wanted, rest @ ..] if is(option, "setname") => {
                name = Some(client_args::name(wanted)?);
                rest
            }
            _ => {
                let option = crate::resp::outcome::quoted(option);
                return Err(Value::err(format_args!("Syntax error in HELLO option '{option}'")));
            }
        };
    }
    Ok((Some(protocol), name))
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
