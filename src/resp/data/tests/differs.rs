//! Where answers are not those of Redis, or depend on time.

use raft_store::command::Content;
use raft_store::limits::KEY_BYTES_MAX;

use super::WALL_MS;
use super::server::Server;
use super::shown::shown;

/// Plays command lines and what they answer.
fn play(server: &mut Server, exchanges: &[(&str, &str)]) {
    for (line, answer) in exchanges {
        assert_eq!(shown(&server.call(line)).trim_end(), *answer, "{line}");
    }
}

#[test]
fn times_are_told_in_what_is_left_of_them() {
    let mut server = Server::new();
    play(
        &mut server,
        &[("SET k v PX 10500", "OK"), ("TTL k", "(integer) 11"), ("PTTL k", "(integer) 10500")],
    );
    server.pass_ms(1);
    play(&mut server, &[("TTL k", "(integer) 10"), ("PTTL k", "(integer) 10499")]);
    server.pass_ms(10_498);
    play(&mut server, &[("TTL k", "(integer) 0"), ("PTTL k", "(integer) 1"), ("GET k", "\"v\"")]);
    server.pass_ms(1);
    play(&mut server, &[("TTL k", "(integer) -2"), ("GET k", "(nil)"), ("EXISTS k", "(integer) 0")]);
}

#[test]
fn points_in_time_are_told_against_the_wall_clock() {
    let mut server = Server::new();
    let at_ms = WALL_MS + 5000;
    play(
        &mut server,
        &[
            (&format!("SET k v PXAT {at_ms}"), "OK"),
            ("PTTL k", "(integer) 5000"),
            ("PEXPIRETIME k", &format!("(integer) {at_ms}")),
            ("EXPIRETIME k", &format!("(integer) {}", at_ms / 1000)),
            (&format!("PEXPIREAT k {}", at_ms + 500), "(integer) 1"),
            ("PTTL k", "(integer) 5500"),
            ("EXPIRETIME k", &format!("(integer) {}", at_ms / 1000 + 1)),
            (&format!("PEXPIREAT k {WALL_MS}"), "(integer) 1"),
            ("EXISTS k", "(integer) 0"),
        ],
    );
}

#[test]
fn a_deadline_that_never_comes_is_the_latest_there_is() {
    let mut server = Server::new();
    play(
        &mut server,
        &[
            ("SET k v", "OK"),
            ("PEXPIREAT k 9223372036854770000", "(integer) 1"),
            ("GET k", "\"v\""),
            ("SET k v PX 9000000000000000000", "OK"),
        ],
    );
    server.pass_ms(1000 * 365 * 24 * 3600 * 1000);
    play(&mut server, &[("GET k", "\"v\"")]);
}

#[test]
fn what_redis_writes_is_octets_and_what_json_writes_is_read_as_its_text() {
    let mut server = Server::new();
    server.call("SET k 5");
    assert_eq!(server.content("k"), Some(Content::Octets));
    server.put_json("j", "5");
    play(&mut server, &[("GET j", "\"5\""), ("INCR j", "(integer) 6")]);
    assert_eq!(server.content("j"), Some(Content::Json));
    play(&mut server, &[("APPEND j 0", "(integer) 2"), ("INCR j", "(integer) 61")]);
    assert_eq!(server.content("j"), Some(Content::Octets));
}

#[test]
fn keys_have_bounds() {
    let mut server = Server::new();
    let (longest, longer) = ("k".repeat(KEY_BYTES_MAX), "k".repeat(KEY_BYTES_MAX + 1));
    play(
        &mut server,
        &[
            (&format!("SET {longest} v"), "OK"),
            (&format!("SET {longer} v"), "(error) ERR a key has at most 1024 bytes, this one has 1025"),
            ("EXISTS \"\"", "(error) ERR a key has at least one byte"),
            ("MGET a \"\"", "(error) ERR a key has at least one byte"),
            ("DEL a \"\"", "(error) ERR a key has at least one byte"),
        ],
    );
}

#[test]
fn accesses_are_not_recorded() {
    let mut server = Server::new();
    let refused = |what| format!("(error) ERR {what} is not tracked: accesses to keys are not recorded");
    play(
        &mut server,
        &[
            ("SET k v", "OK"),
            ("OBJECT IDLETIME k", &refused("idle time")),
            ("OBJECT FREQ k", &refused("access frequency")),
            ("OBJECT IDLETIME", "(error) ERR wrong number of arguments for 'object|idletime' command"),
        ],
    );
    assert!(shown(&server.call("OBJECT HELP")).starts_with("1) OBJECT <subcommand>"));
}

#[test]
fn a_table_too_large_for_lcs_is_refused() {
    let mut server = Server::new();
    let value = "x".repeat(2048);
    server.call(&format!("MSET a {value} b {value}x"));
    let refused = "(error) ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len";
    play(&mut server, &[("LCS a b LEN", refused)]);
}

#[test]
fn hexadecimal_numbers_are_none() {
    let mut server = Server::new();
    play(&mut server, &[("INCRBYFLOAT f 0x10", "(error) ERR value is not a valid float")]);
}
