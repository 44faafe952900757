//! What commands ask of the cluster: one command where it must happen together, and no write for a read.

use bytes::Bytes;
use raft_store::command::{Command, Rejection, Reply};
use raft_store::key::Key;

use super::super::super::plan::{Applied, Keyspace, Plan};
use super::super::super::value::Value;
use super::super::glob::Glob;
use super::super::keyspace::{drawn, matching, scanned};
use super::super::{commands, find};
use super::CONTEXT;
use super::server::words;

fn plan(line: &str) -> Plan {
    let words = words(line);
    (find(&words[0]).unwrap().planner)(&CONTEXT, &words[1..]).unwrap()
}

/// The commands of a write, by kind.
fn written(line: &str) -> Vec<&'static str> {
    let Plan::Write { commands, .. } = plan(line) else { panic!("{line} writes nothing") };
    commands.iter().map(kind).collect()
}

fn kind(command: &Command) -> &'static str {
    match command {
        Command::Set(_) => "set",
        Command::Delete(_) => "delete",
        Command::Txn(txn) if txn.watched.is_empty() => "txn",
        Command::Txn(_) => "watched txn",
        Command::Rename(_) => "rename",
        Command::Copy(_) => "copy",
        Command::Expire(_) => "expire",
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_must_happen_together_is_one_command() {
    for line in ["MSET a 1 b 2", "SET a 1 GET", "GETSET a 1", "GETDEL a", "GETEX a EX 10", "PERSIST a"] {
        assert_eq!(written(line), ["txn"], "{line}");
    }
    assert_eq!(written("MSETNX a 1 b 2"), ["watched txn"]);
    assert_eq!(written("RENAME a b"), ["rename"]);
    assert_eq!(written("COPY a b"), ["copy"]);
    assert_eq!(written("MSET a 1"), ["set"]);
}

#[test]
fn keys_are_deleted_and_read_each_on_its_own() {
    assert_eq!(written("DEL a b a"), ["delete", "delete", "delete"]);
    assert_eq!(written("UNLINK a"), ["delete"]);
    for line in ["MGET a b", "EXISTS a b", "TOUCH a b", "LCS a b"] {
        let Plan::Read { keys, .. } = plan(line) else { panic!("{line}") };
        assert_eq!(keys, ["a", "b"].map(|key| Key::new(0, key.as_bytes()).unwrap()), "{line}");
    }
}

#[test]
fn what_reads_writes_nothing_and_what_writes_says_so() {
    for command in commands() {
        let args: Vec<Bytes> = (0..command.spec.arity.unsigned_abs() - 1).map(|_| "1".into()).collect();
        let writes = match (command.planner)(&CONTEXT, &args) {
            Ok(Plan::Write { .. } | Plan::Keyspace(Keyspace::Flush)) => true,
            Ok(Plan::Now(_) | Plan::Read { .. } | Plan::Keyspace(_)) => false,
            // `COPY 1 1`, `OBJECT 1`
            Err(_) => command.spec.writes(),
        };
        // Without an option that changes something `GETEX` only reads.
        assert_eq!(writes, command.spec.writes() && command.spec.name != "getex", "{}", command.spec.name);
    }
}

#[test]
fn a_time_that_has_passed_deletes() {
    assert_eq!(written("SET k v PXAT 1"), ["delete"]);
    assert_eq!(written("SET k v PX 1"), ["set"]);
    assert_eq!(written("EXPIRE k 0"), ["expire"]);
}

#[test]
fn no_planner_minds_how_many_arguments_there_are() {
    for command in commands() {
        for count in 0..6 {
            // Not a panic is all that is asked.
            let _ = (command.planner)(&CONTEXT, &vec![Bytes::from_static(b"1"); count]);
        }
    }
}

#[test]
fn scan_asks_for_a_page() {
    let scan = |line: &str| match plan(line) {
        Plan::Keyspace(Keyspace::Scan(scan)) => scan,
        other => panic!("{other:?}"),
    };
    let plain = scan("SCAN 0");
    assert_eq!((plain.cursor, plain.limit, plain.pattern), (0, 10, None));
    let full = scan("SCAN 18446744073709551615 match a* COUNT 50 TYPE String count 70");
    assert_eq!((full.cursor, full.limit, full.pattern), (u64::MAX, 70, Some(Glob::new(b"a*"))));
    assert_eq!(scan("SCAN 0 MATCH *").pattern, None);
    assert_eq!(scan("SCAN 0 COUNT 9223372036854775807").limit, i64::MAX as usize);
    assert!(matches!(plan("SCAN 7 TYPE list"), Plan::Now(answer) if answer == scanned(None, [], 0)));
}

#[test]
fn keys_are_answered_as_their_users_named_them() {
    let keys = || ["ab", "b", "a"].map(|key| Key::new(3, key.as_bytes()).unwrap());
    let bulk = |text: &'static str| Value::text(text);
    let pattern = Glob::new(b"a*");
    let page = Value::Array(vec![bulk("17"), Value::Array(vec![bulk("ab"), bulk("a")])]);
    assert_eq!(scanned(Some(&pattern), keys(), 17), page);
    assert_eq!(matching(None, keys()).count(), 3);
    assert_eq!((drawn(keys().first()), drawn(None)), (bulk("ab"), Value::Null));
}

#[test]
fn every_command_is_found_by_its_name_once() {
    for command in commands() {
        let shouted = command.spec.name.to_uppercase();
        assert_eq!(find(shouted.as_bytes()).unwrap().spec, command.spec);
        assert_eq!(commands().filter(|other| other.spec.name == command.spec.name).count(), 1);
    }
    assert!(find(b"lpush").is_none());
}

/// In a large `EXEC` the value may be withheld; the write was made all the same, so no error may deny it.
#[test]
fn a_write_whose_read_is_withheld_is_not_denied() {
    let Plan::Write { shape, .. } = plan("GETDEL k") else { panic!("it writes") };
    let deleted = Reply::Deleted { deleted: true, version: 7 };
    let reply = Reply::Many(vec![Reply::Rejected(Rejection::TooLarge), deleted]);
    let answer = shape.answer(&CONTEXT, vec![Applied { reply, time_ms: 1 }]);
    assert!(matches!(answer, Value::Error(text) if text.starts_with("UNKNOWN ")));
}
