//! `MULTI`, `EXEC`, `WATCH` between connections.

use crate::support::{Cluster, Redis};

#[track_caller]
fn queued(answer: String) {
    assert_eq!(answer, "+QUEUED");
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_every_kind_are_answered_at_their_place() {
    let cluster = Cluster::single().await;
    let mut redis = Redis::connect(cluster.servers[0].resp).await;
    assert_eq!(redis.ask("MULTI").await, "+OK");
    for command in [
        "SET {t}a 1",
        "INCR {t}a",
        "GET {t}a",
        "GETSET {t}a 9",
        "PING",
        "INCR {t}word",
        "MGET {t}a {t}b",
        "APPEND {t}a x",
        "INCR {t}a",
    ] {
        queued(redis.ask(command).await);
    }
    let expected =
        "[+OK, :2, \"2\", \"2\", +PONG, :1, [\"9\", nil], :2, -ERR value is not an integer or out of range]";
    assert_eq!(redis.ask("EXEC").await, expected);
    assert_eq!(redis.ask("EXEC").await, "-ERR EXEC without MULTI");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_key_that_changes_stops_the_transaction_whoever_changed_it() {
    let cluster = Cluster::single().await;
    let addr = cluster.servers[0].resp;
    let (mut one, mut two) = (Redis::connect(addr).await, Redis::connect(addr).await);
    // What happens to the key, and whether the transaction may go on.
    let cases = [
        ("PING", true),
        ("GET {w}k", true),
        ("SET {w}other 1", true),
        ("SET {w}k 5", false),
        // The same value again is a change too.
        ("SET {w}k 1", false),
        ("DEL {w}k", false),
        ("EXPIRE {w}k 100", false),
        ("APPEND {w}k 2", false),
    ];
    for (between, goes_on) in cases {
        assert_eq!(one.ask("SET {w}k 1").await, "+OK");
        assert_eq!(one.ask("WATCH {w}k").await, "+OK");
        two.ask(between).await;
        one.ask("MULTI").await;
        queued(one.ask("SET {w}k mine").await);
        let expected = if goes_on { "[+OK]" } else { "nil" };
        assert_eq!(one.ask("EXEC").await, expected, "{between}");
        assert_eq!(one.ask("GET {w}k").await == "\"mine\"", goes_on, "{between}");
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_absent_key_must_stay_absent_and_a_watch_lasts_for_one_transaction() {
    let cluster = Cluster::single().await;
    let addr = cluster.servers[0].resp;
    let (mut one, mut two) = (Redis::connect(addr).await, Redis::connect(addr).await);
    one.ask("WATCH {w}new").await;
    two.ask("SET {w}new 1").await;
    one.ask("MULTI").await;
    one.ask("SET {w}new 2").await;
    assert_eq!(one.ask("EXEC").await, "nil");
    for ends in ["UNWATCH", "RESET"] {
        one.ask("WATCH {w}new").await;
        two.ask("SET {w}new 3").await;
        one.ask(ends).await;
        one.ask("MULTI").await;
        one.ask("SET {w}new 4").await;
        assert_eq!(one.ask("EXEC").await, "[+OK]", "{ends}");
    }
    cluster.stop().await;
}

/// Two connections add to one counter by read, compute, write: none of the additions may be lost.
#[tokio::test(flavor = "multi_thread")]
async fn optimistic_locks_lose_no_update() {
    const ADDED: usize = 100;
    let cluster = Cluster::of(3).await;
    let adders: Vec<_> = cluster.servers.iter().map(|server| tokio::spawn(add(server.resp, ADDED))).collect();
    for adder in adders {
        adder.await.unwrap();
    }
    let mut redis = Redis::connect(cluster.servers[0].resp).await;
    assert_eq!(redis.ask("GET {c}n").await, format!("\"{}\"", 3 * ADDED));
    cluster.stop().await;
}

async fn add(addr: std::net::SocketAddr, times: usize) {
    let mut redis = Redis::connect(addr).await;
    let mut done = 0;
    while done < times {
        redis.ask("WATCH {c}n").await;
        let seen = redis.ask("GET {c}n").await;
        let next = seen.trim_matches('"').parse::<u64>().unwrap_or(0) + 1;
        redis.ask("MULTI").await;
        redis.ask(&format!("SET {{c}}n {next}")).await;
        done += usize::from(redis.ask("EXEC").await == "[+OK]");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_command_spoils_the_transaction_and_discard_forgets_it() {
    let cluster = Cluster::single().await;
    let mut redis = Redis::connect(cluster.servers[0].resp).await;
    for refused in ["NOSUCH", "GET", "FLUSHALL", "MSETNX {t}a 1"] {
        redis.ask("MULTI").await;
        queued(redis.ask("SET {t}a 1").await);
        assert!(redis.ask(refused).await.starts_with("-ERR "), "{refused}");
        let aborted = "-EXECABORT Transaction discarded because of previous errors.";
        assert_eq!(redis.ask("EXEC").await, aborted, "{refused}");
    }
    redis.ask("MULTI").await;
    assert_eq!(redis.ask("MULTI").await, "-ERR MULTI calls can not be nested");
    assert_eq!(redis.ask("WATCH a").await, "-ERR WATCH inside MULTI is not allowed");
    queued(redis.ask("SET {t}a 1").await);
    assert_eq!(redis.ask("DISCARD").await, "+OK");
    assert_eq!(redis.ask("GET {t}a").await, "nil");
    assert_eq!(redis.ask("DISCARD").await, "-ERR DISCARD without MULTI");
    cluster.stop().await;
}
