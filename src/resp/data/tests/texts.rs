//! What is refused before anything is asked for: each with Redis's own words.

use raft_store::limits::TXN_COMMANDS_MAX;

use super::server::Server;
use super::shown::shown;

/// A command line and its error.
const REFUSED: &[(&str, &str)] = &[
    ("SET k v EX", "ERR syntax error"),
    ("SET k v EX x", "ERR value is not an integer or out of range"),
    ("SET k v EX 0", "ERR invalid expire time in 'set' command"),
    ("SETEX k 0 v", "ERR invalid expire time in 'setex' command"),
    ("PSETEX k -1 v", "ERR invalid expire time in 'psetex' command"),
    ("EXPIRE k 9223372036854776", "ERR invalid expire time in 'expire' command"),
    ("EXPIRE k 1 NX GT", "ERR NX and XX, GT or LT options at the same time are not compatible"),
    ("EXPIRE k 1 GT LT", "ERR GT and LT options at the same time are not compatible"),
    ("EXPIRE k 1 OOPS", "ERR Unsupported option OOPS"),
    ("DECRBY k -9223372036854775808", "ERR decrement would overflow"),
    ("SETRANGE k -1 x", "ERR offset is out of range"),
    ("SETRANGE k 1048576 x", "ERR string exceeds maximum allowed size (proto-max-bulk-len)"),
    ("SETBIT k 8388608 1", "ERR bit offset is not an integer or out of range"),
    ("SETBIT k 0 2", "ERR bit is not an integer or out of range"),
    ("BITPOS k 2", "ERR The bit argument must be 1 or 0."),
    ("COPY a a", "ERR source and destination objects are the same"),
    ("COPY a b DB 1", "ERR DB index is out of range"),
    ("RENAME a b", "ERR no such key"),
    ("MSET a 1 b", "ERR wrong number of arguments for 'mset' command"),
    ("OBJECT NONE k", "ERR unknown subcommand 'NONE'. Try OBJECT HELP."),
    ("SCAN x", "ERR invalid cursor"),
    ("SCAN 18446744073709551616", "ERR invalid cursor"),
    ("SCAN 0 COUNT 0", "ERR syntax error"),
    ("SCAN 0 COUNT x", "ERR value is not an integer or out of range"),
    ("SCAN 0 MATCH", "ERR syntax error"),
    ("SCAN 0 NONE x", "ERR syntax error"),
    ("FLUSHALL NOW", "ERR syntax error"),
    ("FLUSHDB SYNC ASYNC", "ERR syntax error"),
    ("GET", "ERR wrong number of arguments for 'get' command"),
    ("GET \"\"", "ERR a key has at least one byte"),
];

#[test]
fn what_is_refused_is_refused_in_the_words_of_redis() {
    for (line, error) in REFUSED {
        assert_eq!(shown(&Server::new().call(line)), format!("(error) {error}\n"), "{line}");
    }
}

#[test]
fn what_is_refused_changes_nothing() {
    let mut server = Server::new();
    server.call("SET k 1 EX 100");
    let version = server.version("k");
    for line in
        ["SET k v NX", "SET k v EX 0", "SETRANGE k 1048576 x", "SETBIT k 0 2", "INCRBY k x", "MSETNX k 2 l 3"]
    {
        server.call(line);
        assert_eq!((server.version("k"), server.version("l")), (version, None), "{line}");
    }
}

#[test]
fn a_value_past_the_bound_is_refused_wherever_it_comes_from() {
    let mut server = Server::new();
    let too_long = "(error) ERR string exceeds maximum allowed size (proto-max-bulk-len)\n";
    let (most, more) = ("x".repeat(1 << 20), "x".repeat((1 << 20) + 1));
    assert_eq!(shown(&server.call(&format!("SET k {most}"))), "OK\n");
    for line in
        ["SET l", "SETNX l", "GETSET l", "MSET l", "SETEX l 1", "APPEND l", "APPEND k", "SETRANGE l 0"]
    {
        assert_eq!(shown(&server.call(&format!("{line} {more}"))), too_long, "{line}");
    }
    assert_eq!(shown(&server.call("APPEND k x")), too_long);
    assert_eq!(server.version("l"), None);
}

#[test]
fn too_many_keys_at_once_are_refused_and_none_is_set() {
    let mut server = Server::new();
    let most = format!("MSET{}", " k v".repeat(TXN_COMMANDS_MAX));
    assert_eq!(shown(&server.call(&most)), "OK\n");
    let refused = format!("(error) ERR at most {TXN_COMMANDS_MAX} keys are set together\n");
    assert_eq!(shown(&server.call(&format!("{most} l v"))), refused);
    assert_eq!(server.version("l"), None);
}
