//! What the HTTP API says of tokens.

use serde_json::json;

use crate::support::{Guarded, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_says_what_is_missing_and_that_nothing_happened() {
    let guarded = Guarded::single().await;
    let missing = guarded.call(None, "PUT", "/v1/kv/default/a", r#"{"value":1}"#).await;
    missing.refused(401, "unauthenticated");
    assert_eq!(missing.header("www-authenticate"), "Bearer realm=\"quorate\"");
    let (_, token) = guarded.token("reader", &["read on default"]).await;
    let other = guarded.call(Some(&token), "PUT", "/v1/kv/default/a", r#"{"value":1}"#).await;
    other.refused(403, "forbidden");
    assert!(other.header("www-authenticate").contains("insufficient_scope"));
    guarded.call(Some(&token), "GET", "/v1/kv/default/a", "").await.problem(404, "miss");
    guarded.call(None, "GET", "/v1/nothing", "").await.problem(401, "unauthenticated");
    guarded.call(Some(&token), "GET", "/v1/nothing", "").await.problem(403, "forbidden");
    guarded.as_root("GET", "/v1/nothing", "").await.problem(404, "not-found");
    guarded.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_does_not_wait_for_the_body() {
    let guarded = Guarded::single().await;
    let (_, token) = guarded.token("reader", &["read on default"]).await;
    // The body is announced and never comes.
    for (authorization, status) in [(String::new(), 401), (format!("Authorization: Bearer {token}\r\n"), 403)]
    {
        let head = format!(
            "PUT /v1/kv/default/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\n{authorization}\
             Content-Length: 100\r\n\r\n"
        );
        let reply = guarded.cluster.client(0).raw(head.as_bytes()).await;
        assert!(reply.starts_with(&format!("HTTP/1.1 {status} ")), "{reply}");
    }
    guarded.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_needs_a_prefix_that_is_allowed() {
    let guarded = Guarded::single().await;
    let (_, token) = guarded.token("users", &["read,write on default prefix user:"]).await;
    guarded.call(Some(&token), "PUT", "/v1/kv/default/user:1", r#"{"value":1}"#).await.json(201);
    guarded.as_root("PUT", "/v1/kv/default/other", r#"{"value":1}"#).await.json(201);
    for prefix in ["user:", "user:1"] {
        let page = guarded.call(Some(&token), "GET", &format!("/v1/kv/default?prefix={prefix}"), "").await;
        assert_eq!(page.json(200)["entries"].as_array().unwrap().len(), 1);
    }
    for query in ["", "?prefix=", "?prefix=user", "?prefix=other", "?prefix=User:"] {
        let path = format!("/v1/kv/default{query}");
        guarded.call(Some(&token), "GET", &path, "").await.problem(403, "forbidden");
    }
    guarded.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_of_a_batch_are_judged_one_by_one_and_a_transaction_as_a_whole() {
    let guarded = Guarded::single().await;
    let (_, token) = guarded.token("t", &["read on default", "write on default prefix a"]).await;
    let operations = json!({"operations": [
        {"op": "set", "key": "a", "value": 1}, {"op": "set", "key": "b", "value": 1}, {"op": "get", "key": "b"},
    ]});
    let results = guarded.call(Some(&token), "POST", "/v1/batch", &operations.to_string()).await.json(200);
    let status = |at: usize| results["results"][at]["status"].as_u64();
    assert_eq!((status(0), status(1), status(2)), (Some(201), Some(403), Some(404)), "{results}");
    assert_eq!(results["results"][1]["outcome"], "not_applied");

    // The branch that is not taken counts as well.
    let txn = json!({
        "compare": [{"key": "{a}", "present": false}],
        "then": [{"op": "set", "key": "a{a}", "value": 1}], "else": [{"op": "delete", "key": "b{a}"}],
    });
    guarded.call(Some(&token), "POST", "/v1/txn", &txn.to_string()).await.refused(403, "forbidden");
    guarded.as_root("GET", "/v1/kv/default/a%7Ba%7D", "").await.problem(404, "miss");

    // Who may only write learns nothing by comparing.
    let (_, writer) = guarded.token("w", &["write on default"]).await;
    for (compare, status) in [(json!([]), 200), (json!([{"key": "a", "present": true}]), 403)] {
        let txn = json!({"compare": compare, "then": [{"op": "set", "key": "a", "value": 2}]}).to_string();
        assert_eq!(guarded.call(Some(&writer), "POST", "/v1/txn", &txn).await.status, status, "{compare}");
    }
    guarded.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_open_and_its_details_are_not() {
    let guarded = Guarded::single().await;
    assert_eq!(guarded.call(None, "GET", "/livez", "").await.status, 200);
    assert_eq!(guarded.call(None, "GET", "/readyz", "").await.status, 200);
    assert_eq!(guarded.call(Some("wrong"), "GET", "/readyz", "").await.status, 200);
    guarded.call(None, "GET", "/readyz?verbose", "").await.problem(401, "unauthenticated");
    let (_, token) = guarded.token("reader", &["read on default"]).await;
    guarded.call(Some(&token), "GET", "/readyz?verbose", "").await.problem(403, "forbidden");
    for rule in ["admin", "metrics"] {
        let (_, token) = guarded.token(rule, &[rule]).await;
        guarded.call(Some(&token), "GET", "/readyz?verbose", "").await.json(200);
    }
    guarded.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_tokens_are_counted_and_right_ones_always_let_in() {
    let guarded = Guarded::single().await;
    let limited = eventually("there were too many", async || {
        let reply = guarded.call(Some("wrong"), "GET", "/v1/kv/default/a", "").await;
        (reply.status == 429).then_some(reply)
    })
    .await;
    limited.problem(429, "rate-limited");
    assert_eq!(limited.header("retry-after"), "1");
    guarded.as_root("GET", "/v1/kv/default/a", "").await.problem(404, "miss");
    guarded.call(None, "GET", "/v1/kv/default/a", "").await.problem(401, "unauthenticated");
    let metrics = guarded.as_root("GET", "/metrics", "").await;
    let text = std::str::from_utf8(&metrics.body).unwrap();
    let value = |result: &str| {
        let name = format!("quorate_auth_decisions_total{{protocol=\"http\",result=\"{result}\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&name)).and_then(|n| n.parse::<u64>().ok()).unwrap()
    };
    assert!(value("wrong") >= quorate::limits::AUTH_FAILURES_MAX && value("limited") >= 1, "{text}");
    assert_eq!((value("missing"), value("allowed") >= 1), (1, true), "{text}");
    guarded.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_tokens_are_not_made() {
    let guarded = Guarded::single().await;
    for body in ["", "{}", r#"{"name":"a"}"#, r#"{"name":"a","allow":["admin"],"secret":"x"}"#] {
        guarded.as_root("POST", "/v1/tokens", body).await.refused(400, "bad-request");
    }
    let bad = [
        json!({"name": "a b", "allow": ["admin"]}),
        json!({"name": "a", "user": "", "allow": ["admin"]}),
        json!({"name": "a", "allow": []}),
        json!({"name": "a", "allow": ["read"]}),
        json!({"name": "a", "allow": ["read on nowhere"]}),
        json!({"name": "a", "allow": ["admin"], "expires_in_ms": 0}),
        json!({"name": "a", "allow": vec!["admin"; 33]}),
    ];
    for body in bad {
        guarded.as_root("POST", "/v1/tokens", &body.to_string()).await.refused(422, "invalid-value");
    }
    guarded.token("a", &["admin"]).await;
    let again = json!({"name": "a", "allow": ["admin"]}).to_string();
    guarded.as_root("POST", "/v1/tokens", &again).await.refused(409, "conflict");
    guarded.as_root("DELETE", "/v1/tokens/none", "").await.refused(404, "unknown-token");
    guarded.as_root("GET", "/v1/tokens/none", "").await.problem(404, "unknown-token");
    guarded.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_shown_once() {
    let guarded = Guarded::single().await;
    let (id, token) = guarded.token("app", &["read on default prefix a b", "metrics"]).await;
    let secret = token.rsplit('_').next().unwrap();
    let list = guarded.as_root("GET", "/v1/tokens", "").await.json(200);
    let one = guarded.as_root("GET", &format!("/v1/tokens/{id}"), "").await.json(200);
    assert_eq!(list["tokens"], json!([one]));
    assert_eq!(one["allow"], json!(["read on default prefix a b", "metrics"]));
    assert_eq!((&one["user"], &one["expires_ms"]), (&json!("app"), &json!(null)));
    assert!(one.get("token").is_none() && !list.to_string().contains(secret), "{list}");
    guarded.stop().await;
}
