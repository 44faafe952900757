//! What becomes of tokens: they end, they are deleted, they outlive restarts, and every node follows.

use std::time::{Duration, Instant};

use quorate::limits::TOKENS_CONFIRM_INTERVAL;
use serde_json::json;

use super::tell;
use crate::support::{Guarded, Redis, Served, eventually};

/// What a machine with little to give adds to a bound.
const SLACK: Duration = Duration::from_secs(4);

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_when_it_was_made_to() {
    let guarded = Guarded::single().await;
    let (_, token) = guarded.made(&json!({"name": "t", "allow": ["read on *"], "expires_in_ms": 1500})).await;
    let mut redis = guarded.redis(&token).await;
    assert_eq!(redis.ask("GET a").await, "nil");
    guarded.call(Some(&token), "GET", "/v1/kv/default/a", "").await.problem(404, "miss");
    eventually("it ends for HTTP", async || {
        let reply = guarded.call(Some(&token), "GET", "/v1/kv/default/a", "").await;
        (reply.status == 401).then(|| reply.problem(401, "unauthenticated"))
    })
    .await;
    assert_eq!(redis.ask("GET a").await, "-NOAUTH Authentication required.", "also on an open connection");
    guarded.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_token_takes_open_connections_and_their_transactions_with_it() {
    let guarded = Guarded::single().await;
    let (id, token) = guarded.token("t", &["read,write on *"]).await;
    let (mut redis, mut queueing) = (guarded.redis(&token).await, guarded.redis(&token).await);
    queueing.ask("MULTI").await;
    assert_eq!(queueing.ask("SET a 1").await, "+QUEUED");
    guarded.as_root("DELETE", &format!("/v1/tokens/{id}"), "").await.json(200);
    // The node that was asked knows at once.
    assert!(redis.ask("SET b 1").await.starts_with("-NOAUTH "));
    assert!(queueing.ask("EXEC").await.starts_with("-NOAUTH "));
    guarded.call(Some(&token), "GET", "/v1/kv/default/a", "").await.problem(401, "unauthenticated");
    let (_, again) = guarded.token("t", &["read,write on *"]).await;
    assert_eq!(queueing.ask(&format!("AUTH {again}")).await, "+OK");
    assert_eq!(queueing.ask("EXEC").await, "-ERR EXEC without MULTI", "nothing waits for who comes next");
    assert_eq!(queueing.ask("EXISTS a b").await, ":0");
    guarded.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_outlive_a_kill_with_and_without_a_snapshot() {
    let mut node = Served::start("info").await;
    let token = async |node: &Served, name: &str| {
        let body = json!({"name": name, "allow": ["read on *"]}).to_string();
        let made = node.call(Some(Served::ROOT), "POST", "/v1/tokens", &body).await.json(201);
        (made["id"].as_str().unwrap().to_owned(), made["token"].as_str().unwrap().to_owned())
    };
    let (kept, (gone, deleted)) = (token(&node, "kept").await.1, token(&node, "gone").await);
    node.call(Some(Served::ROOT), "DELETE", &format!("/v1/tokens/{gone}"), "").await.json(200);
    for snapshot in [false, true] {
        if snapshot {
            node.call(Some(Served::ROOT), "POST", "/v1/cluster/groups/0/snapshot", "").await.json(200);
        }
        node.kill_and_start().await;
        eventually("the node knows the tokens", async || {
            let status = node.call(Some(&kept), "GET", "/v1/kv/default/a", "").await.status;
            // Before it does, it says so, and never that the token is wrong.
            assert!(matches!(status, 404 | 503), "{status}");
            (status == 404).then_some(())
        })
        .await;
        node.call(Some(&deleted), "GET", "/v1/kv/default/a", "").await.problem(401, "unauthenticated");
    }
    let shown = node.call(Some(Served::ROOT), "GET", "/v1/tokens", "").await.json(200);
    assert_eq!((shown["tokens"].as_array().unwrap().len(), &shown["tokens"][0]["name"]), (1, &json!("kept")));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_node_follows_within_the_bound() {
    let guarded = Guarded::of(3).await;
    let read = |place: usize, token: String| {
        let guarded = &guarded;
        async move { guarded.call_at(place, Some(&token), "GET", "/v1/kv/default/a", "").await.status }
    };
    let mut slowest = Duration::ZERO;
    for round in 0..5 {
        let (id, token) = guarded.token(&format!("t{round}"), &["read on *"]).await;
        let mut connections = Vec::new();
        for place in 0..3 {
            eventually("the token is known", async || {
                (read(place, token.clone()).await == 404).then_some(())
            })
            .await;
            let mut redis = Redis::connect(guarded.cluster.servers[place].resp).await;
            assert_eq!(redis.ask(&format!("AUTH {token}")).await, "+OK");
            connections.push(redis);
        }
        guarded.as_root("DELETE", &format!("/v1/tokens/{id}"), "").await.json(200);
        let deleted = Instant::now();
        for (place, redis) in connections.iter_mut().enumerate() {
            eventually("the token is refused", async || {
                (read(place, token.clone()).await >= 401 && read(place, token.clone()).await != 404)
                    .then_some(())
            })
            .await;
            assert!(redis.ask("GET a").await.starts_with("-NOAUTH "), "node {place}");
        }
        slowest = slowest.max(deleted.elapsed());
    }
    tell(&format!("a deleted token was refused by all three nodes after {slowest:?} at most"));
    assert!(slowest < TOKENS_CONFIRM_INTERVAL + SLACK, "{slowest:?}");
    guarded.stop().await;
}
