//! Every command of the Redis protocol, without a token, with a wrong one, with one for something else, and with the right
//! one. The list is the server's own (`COMMAND LIST`): a new command has to be added here.

use std::collections::BTreeMap;

use super::tell;
use crate::support::{Guarded, Redis};

/// What a command needs.
#[derive(Debug, Clone, Copy)]
enum Needs {
    /// No token.
    Nothing,
    /// Any.
    Token,
    Admin,
    /// To read its keys, which begin with `k:`.
    Read,
    /// To write them.
    Write,
    /// Both.
    Both,
    /// To read every key.
    ReadAll,
}

/// Commands with words they may be called with.
const COMMANDS: &[(Needs, &str)] = &[
    (Needs::Nothing, "auth"),
    (Needs::Nothing, "hello 3 AUTH default"),
    (Needs::Nothing, "quit"),
    (Needs::Nothing, "reset"),
    (Needs::Token, "acl whoami"),
    (Needs::Token, "acl cat"),
    (Needs::Token, "asking"),
    (Needs::Token, "client id"),
    (Needs::Token, "client setname x"),
    (Needs::Token, "client info"),
    (Needs::Token, "cluster info"),
    (Needs::Token, "command count"),
    (Needs::Token, "config get maxclients"),
    (Needs::Token, "discard"),
    (Needs::Token, "echo x"),
    (Needs::Token, "exec"),
    (Needs::Token, "function flush"),
    (Needs::Token, "info"),
    (Needs::Token, "multi"),
    (Needs::Token, "object help"),
    (Needs::Token, "ping"),
    (Needs::Token, "readonly"),
    (Needs::Token, "readwrite"),
    (Needs::Token, "select 0"),
    (Needs::Token, "time"),
    (Needs::Token, "unwatch"),
    (Needs::Token, "wait 0 0"),
    (Needs::Admin, "client list"),
    (Needs::Admin, "slowlog len"),
    (Needs::Admin, "client kill ID 9999"),
    (Needs::Admin, "config set hz 1"),
    (Needs::Admin, "config resetstat"),
    (Needs::Admin, "debug sleep 0"),
    (Needs::Admin, "flushall"),
    (Needs::Admin, "flushdb"),
    (Needs::Read, "bitcount k:1"),
    (Needs::Read, "bitpos k:1 1"),
    (Needs::Read, "exists k:1"),
    (Needs::Read, "exists k:1 k:2"),
    (Needs::Read, "expiretime k:1"),
    (Needs::Read, "get k:1"),
    (Needs::Read, "getbit k:1 0"),
    (Needs::Read, "getrange k:1 0 1"),
    (Needs::Read, "keys k:*"),
    (Needs::Read, "lcs k:1 k:2"),
    (Needs::Read, "mget k:1 k:2"),
    (Needs::Read, "object encoding k:1"),
    (Needs::Read, "object refcount k:1"),
    (Needs::Read, "pexpiretime k:1"),
    (Needs::Read, "pttl k:1"),
    (Needs::Read, "scan 0 MATCH k:*"),
    (Needs::Read, "strlen k:1"),
    (Needs::Read, "substr k:1 0 1"),
    (Needs::Read, "touch k:1"),
    (Needs::Read, "ttl k:1"),
    (Needs::Read, "type k:1"),
    (Needs::Read, "watch k:1"),
    (Needs::Write, "append k:1 x"),
    (Needs::Write, "del k:1"),
    (Needs::Write, "del k:1 k:2"),
    (Needs::Write, "expire k:1 100"),
    (Needs::Write, "expireat k:1 9999999999"),
    (Needs::Write, "mset k:1 x"),
    (Needs::Write, "mset k:{1}1 x k:{1}2 y"),
    (Needs::Write, "msetnx k:{1}1 x k:{1}2 y"),
    (Needs::Write, "pexpire k:1 100000"),
    (Needs::Write, "pexpireat k:1 9999999999999"),
    (Needs::Write, "psetex k:1 100000 x"),
    (Needs::Write, "set k:1 x"),
    (Needs::Write, "set k:1 x NX EX 100"),
    (Needs::Write, "setex k:1 100 x"),
    (Needs::Write, "setnx k:1 x"),
    (Needs::Write, "setrange k:1 0 x"),
    (Needs::Write, "unlink k:1"),
    (Needs::Both, "copy k:{1}1 k:{1}2"),
    (Needs::Both, "decr k:9"),
    (Needs::Both, "decrby k:9 1"),
    (Needs::Both, "getdel k:1"),
    (Needs::Both, "getex k:1 EX 100"),
    (Needs::Both, "getset k:1 x"),
    (Needs::Both, "incr k:9"),
    (Needs::Both, "incrby k:9 1"),
    (Needs::Both, "incrbyfloat k:9 1"),
    // These look at what is there first.
    (Needs::Both, "persist k:1"),
    (Needs::Both, "rename k:{1}1 k:{1}2"),
    (Needs::Both, "renamenx k:{1}1 k:{1}2"),
    (Needs::Both, "set k:1 x GET"),
    (Needs::Both, "setbit k:1 0 1"),
    (Needs::ReadAll, "dbsize"),
    (Needs::ReadAll, "keys *"),
    (Needs::ReadAll, "keys [k]:*"),
    (Needs::ReadAll, "randomkey"),
    (Needs::ReadAll, "scan 0"),
    (Needs::ReadAll, "scan 0 MATCH k:* MATCH *"),
];

/// Rules that allow a command, and such that do not.
fn rules(needs: Needs) -> (&'static [&'static str], &'static [&'static str]) {
    match needs {
        Needs::Nothing | Needs::Token => (&["metrics"], &[]),
        Needs::Admin => (&["admin"], &["read,write on *", "metrics"]),
        Needs::Read => {
            (&["read on default prefix k:"], &["write on *", "read on default prefix k:x", "admin"])
        }
        Needs::Write => {
            (&["write on default prefix k:"], &["read on *", "write on default prefix k:x", "admin"])
        }
        Needs::Both => (
            &["read on default prefix k:", "write on default prefix k:"],
            &["read on *", "write on *", "read,write on default prefix k:x", "admin"],
        ),
        Needs::ReadAll => (&["read on default"], &["read,write on default prefix k:", "write on *", "admin"]),
    }
}

/// Commands some of whose keys are out of reach of a token for `k:`.
const STRAYING: &[&str] = &[
    "mget k:1 z",
    "mget z k:1",
    "del k:1 z",
    "exists k:1 k:2 z",
    "mset k:{1}1 x z{1} y",
    "msetnx k:{1}1 x z{1} y",
    "rename k:{1}1 z{1}",
    "rename z{1} k:{1}1",
    "renamenx k:{1}1 z{1}",
    "copy k:{1}1 z{1}",
    "copy z{1} k:{1}1",
    "lcs k:1 z",
    "watch k:1 z",
    "touch k:1 z",
    "unlink k:1 z",
    "object encoding z",
    "set z x GET",
    "keys k*",
    "scan 0 MATCH k*",
];

/// Words of a command that show the token at their end.
fn with_token(words: &str, token: &str) -> String {
    let shows = words == "auth" || words.ends_with("default");
    if shows { format!("{words} {token}") } else { words.to_owned() }
}

async fn names(guarded: &Guarded) -> Vec<String> {
    let list = guarded.redis(Guarded::root()).await.ask("COMMAND LIST").await;
    list.trim_matches(['[', ']']).split(", ").map(|name| name.trim_matches('"').to_owned()).collect()
}

async fn unauthenticated(guarded: &Guarded) -> Redis {
    Redis::connect(guarded.cluster.servers[0].resp).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_asks_for_the_right_token() {
    let guarded = Guarded::single().await;
    let known: BTreeMap<&str, ()> =
        COMMANDS.iter().map(|(_, words)| (words.split(' ').next().unwrap(), ())).collect();
    let named = names(&guarded).await;
    assert_eq!(known.into_keys().collect::<Vec<_>>(), named, "left: this test, right: the server");

    let (mut calls, mut tokens) = ([0; 4], BTreeMap::new());
    for (needs, words) in COMMANDS {
        let (right, wrong) = rules(*needs);
        let open = matches!(needs, Needs::Nothing);
        // Without a token, then after a wrong one.
        let mut redis = unauthenticated(&guarded).await;
        if !open {
            assert_eq!(redis.ask(words).await, "-NOAUTH Authentication required.", "{words}");
            let refused = redis.ask("AUTH qrt_1_wrong").await;
            assert!(refused.starts_with("-WRONGPASS ") || refused.starts_with("-ERR too many"), "{refused}");
            assert_eq!(redis.ask(words).await, "-NOAUTH Authentication required.", "{words}");
        }
        calls[0] += 1;
        calls[1] += 1;
        for rule in wrong {
            let mut redis = guarded.redis(&token(&guarded, &mut tokens, &[rule]).await).await;
            let answer = redis.ask(words).await;
            assert!(answer.starts_with("-NOPERM "), "{words} with {rule}: {answer}");
            calls[2] += 1;
        }
        let token = token(&guarded, &mut tokens, right).await;
        for token in [token.as_str(), Guarded::root()] {
            let mut redis = guarded.redis(token).await;
            let answer = redis.ask(&with_token(words, token)).await;
            let refused = ["-NOPERM", "-NOAUTH", "-WRONGPASS"].iter().any(|code| answer.starts_with(code));
            assert!(!refused, "{words} with {right:?}: {answer}");
            calls[3] += 1;
        }
    }
    let [none, wrong, other, allowed] = calls;
    tell(&format!(
        "commands: {} of {}, {none} calls without a token, {wrong} after a wrong one, {other} with another scope, {allowed} allowed",
        COMMANDS.len(),
        named.len(),
    ));
    guarded.stop().await;
}

/// A token with these rules, made once.
async fn token(guarded: &Guarded, made: &mut BTreeMap<Vec<String>, String>, rules: &[&str]) -> String {
    let rules: Vec<String> = rules.iter().map(ToString::to_string).collect();
    if let Some(token) = made.get(&rules) {
        return token.clone();
    }
    let allow: Vec<&str> = rules.iter().map(String::as_str).collect();
    let (_, token) = guarded.token(&format!("t{}", made.len()), &allow).await;
    made.insert(rules, token.clone());
    token
}

#[tokio::test(flavor = "multi_thread")]
async fn every_key_of_a_command_is_looked_at() {
    let guarded = Guarded::single().await;
    let (_, token) = guarded.token("k", &["read,write on default prefix k:"]).await;
    let mut redis = guarded.redis(&token).await;
    for words in STRAYING {
        let answer = redis.ask(words).await;
        assert!(answer.starts_with("-NOPERM "), "{words}: {answer}");
        redis.ask("MULTI").await;
        let queued = redis.ask(words).await;
        assert!(queued.starts_with("-"), "{words} in a transaction: {queued}");
        redis.ask("DISCARD").await;
    }
    guarded.stop().await;
}
