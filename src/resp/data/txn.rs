//! Plans of several commands that are one: they are applied together, with nothing between them.

use raft_store::command::{Command, Get, Reply, Txn};
use raft_store::key::Key;
use raft_store::map::Entry;

use super::super::plan::Plan;
use super::super::value::Value;
use super::args::{otherwise, write_one};

/// A command that comes right after a look at its key. `answer` gets what was there before, and what the command did.
pub(super) fn looking_first(
    key: Key,
    command: Command,
    answer: impl FnOnce(Option<Entry>, Reply) -> Value + Send + 'static,
) -> Plan {
    let txn = Txn { watched: Vec::new(), commands: vec![Command::Get(Get { key }), command] };
    write_one(Command::Txn(txn), |reply| match pair(reply) {
        Ok((Reply::Found(before), reply)) => answer(before, reply),
        // Among many others in one transaction: what they read together has a bound, what they write was written.
        Ok(_) => Value::Error("UNKNOWN The command was carried out, but its answer is too large".to_owned()),
        Err(reply) => otherwise(reply),
    })
}

/// The replies of a transaction of two commands; or the reply of one that was not carried out.
fn pair(reply: Reply) -> Result<(Reply, Reply), Reply> {
    match reply {
        Reply::Many(replies) => match <[Reply; 2]>::try_from(replies) {
            Ok([first, second]) => Ok((first, second)),
            Err(others) => Err(Reply::Many(others)),
        },
        reply => Err(reply),
    }
}

/// Commands that are carried out together if each watched key has its version. `answer` gets the replies.
pub(super) fn together(
    watched: Vec<(Key, Option<u64>)>,
    commands: Vec<Command>,
    answer: impl FnOnce(Reply) -> Value + Send + 'static,
) -> Plan {
    write_one(Command::Txn(Txn { watched, commands }), answer)
}
