//! `ACL`: who this connection is. Users and their rights are tokens, which `quorate token` changes.

use bytes::Bytes;

use super::{Call, help, no_subcommand, wrong_number};
use crate::resp::value::Value;

const HELP: &[&str] =
    &["CAT", "    What tokens can allow.", "WHOAMI", "    The user of the token this connection showed."];

/// `ACL CAT|WHOAMI|HELP`.
pub(super) fn run(call: &Call<'_>) -> Value {
    let Some((subcommand, arguments)) = call.arguments.split_first() else {
        return Value::err("syntax error");
    };
    match (subcommand.to_ascii_lowercase().as_slice(), arguments) {
        (b"whoami", []) => Value::Bulk(Bytes::from(call.session.user().to_owned())),
        (b"cat", []) => Value::Array(["read", "write", "admin", "metrics"].map(Value::text).to_vec()),
        (b"help", []) => help("ACL", HELP),
        (b"whoami" | b"cat" | b"help", _) => wrong_number("acl", subcommand),
        _ => no_subcommand("ACL", subcommand),
    }
}
