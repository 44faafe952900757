//! What the Redis protocol says of tokens, in the words of Redis 7.0.

use serde_json::json;

use crate::support::{Guarded, Redis, request};

const NO_AUTH: &str = "-NOAUTH Authentication required.";
const NO_KEY: &str = "-NOPERM this user has no permissions to access one of the keys used as arguments";

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_shows_its_token_once() {
    let guarded = Guarded::single().await;
    let (_, token) = guarded.made(&json!({"name": "app", "user": "web", "allow": ["read on *"]})).await;
    let mut redis = Redis::connect(guarded.cluster.servers[0].resp).await;
    assert_eq!(redis.ask("GET a").await, NO_AUTH);
    assert!(redis.ask("HELLO 3").await.starts_with("-NOAUTH HELLO must be called"));
    for wrong in ["AUTH x".to_owned(), format!("AUTH nobody {token}"), format!("HELLO 3 AUTH app {token}")] {
        assert!(redis.ask(&wrong).await.starts_with("-WRONGPASS "), "{wrong}");
        assert_eq!(redis.ask("GET a").await, NO_AUTH);
    }
    for right in [format!("AUTH {token}"), format!("AUTH web {token}"), format!("AUTH default {token}")] {
        assert_eq!(redis.ask(&right).await, "+OK");
        assert_eq!(redis.ask("GET a").await, "nil");
        assert_eq!(redis.ask("ACL WHOAMI").await, "\"web\"");
        assert!(redis.ask("CLIENT INFO").await.contains(" user=web "));
        assert_eq!(redis.ask("RESET").await, "+RESET");
        assert_eq!(redis.ask("GET a").await, NO_AUTH);
    }
    assert!(redis.ask(&format!("HELLO 3 AUTH web {token}")).await.starts_with("{\"server\""));
    assert_eq!(redis.ask("SET a 1").await, NO_KEY);
    assert!(redis.ask("AUTH wrong").await.starts_with("-WRONGPASS "));
    assert_eq!(redis.ask("GET a").await, "nil", "a slip takes no rights");
    assert_eq!(
        redis.ask("CONFIG SET hz 1").await,
        "-NOPERM this user has no permissions to run the 'config|set' command"
    );
    assert_eq!(redis.ask("NOSUCH").await, "-ERR unknown command 'NOSUCH', with args beginning with:");
    guarded.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_command_of_a_pipeline_is_judged_by_itself() {
    let guarded = Guarded::single().await;
    let (_, token) = guarded.token("t", &["read,write on default prefix a"]).await;
    let mut redis = Redis::connect(guarded.cluster.servers[0].resp).await;
    let auth = format!("AUTH {token}");
    let script = [
        "SET a 1",
        auth.as_str(),
        "SET a 2",
        "SET b 2",
        "GET a",
        "GET b",
        "MGET a b",
        "INCR a",
        "RESET",
        "GET a",
    ];
    redis.send(&script.map(request).concat()).await;
    for expected in [NO_AUTH, "+OK", "+OK", NO_KEY, "\"2\"", NO_KEY, NO_KEY, ":3", "+RESET", NO_AUTH] {
        assert_eq!(redis.answer().await, expected);
    }
    guarded.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_shown_no_token_is_given_little_room() {
    let guarded = Guarded::single().await;
    let (_, token) = guarded.token("t", &["read,write on *"]).await;
    for large in ["*11\r\n", "*2\r\n$4\r\nECHO\r\n$16385\r\n"] {
        let mut redis = Redis::connect(guarded.cluster.servers[0].resp).await;
        redis.send(large.as_bytes()).await;
        assert!(redis.answer().await.starts_with("-ERR Protocol error"), "{large}");
    }
    // Behind the token, even in one go, there is room as ever.
    let mut redis = Redis::connect(guarded.cluster.servers[0].resp).await;
    let large = format!("SET a {}", "x".repeat(100_000));
    redis.send(&[format!("AUTH {token}"), large, "STRLEN a".into()].map(|c| request(&c)).concat()).await;
    assert_eq!([redis.answer().await, redis.answer().await, redis.answer().await], ["+OK", "+OK", ":100000"]);
    guarded.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_is_judged_as_it_is_queued() {
    let guarded = Guarded::single().await;
    let (_, token) = guarded.token("t", &["read,write on default prefix a"]).await;
    let mut redis = guarded.redis(&token).await;
    for refused in ["GET b", "SET b 1", "CONFIG SET hz 1", "INCR b", "RENAME a{1} b{1}"] {
        assert_eq!(redis.ask("MULTI").await, "+OK");
        assert_eq!(redis.ask("SET a 1").await, "+QUEUED");
        assert!(redis.ask(refused).await.starts_with("-NOPERM "), "{refused}");
        assert!(redis.ask("EXEC").await.starts_with("-EXECABORT "), "{refused}");
        assert_eq!(redis.ask("GET a").await, "nil");
    }
    for command in ["MULTI", "SET a 1", "EXEC"] {
        assert!(!redis.ask(command).await.starts_with('-'));
    }
    assert_eq!(redis.ask("GET a").await, "\"1\"");
    guarded.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cluster_port_asks_for_tokens_too() {
    let guarded = Guarded::single().await;
    let (_, token) = guarded.token("t", &["read on default prefix a"]).await;
    let mut redis = Redis::connect(guarded.cluster.servers[0].resp_cluster).await;
    assert_eq!(redis.ask("GET a").await, NO_AUTH);
    assert_eq!(redis.ask("CLUSTER SLOTS").await, NO_AUTH);
    assert_eq!(redis.ask(&format!("AUTH {token}")).await, "+OK");
    assert!(redis.ask("CLUSTER SLOTS").await.starts_with('['));
    assert_eq!((redis.ask("GET a").await, redis.ask("GET b").await), ("nil".into(), NO_KEY.into()));
    guarded.stop().await;
}
