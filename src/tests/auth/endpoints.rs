//! Every endpoint the router has, without a token, with a wrong one, with one for something else, and with the right one.

use quorate::http::{Access, ENDPOINTS};

use super::tell;
use crate::support::{Guarded, Reply};

/// A token of the right form that nobody made.
const WRONG: &str = "qrt_0000000000000001_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// A key; tokens for others are wrong.
const KEY: &str = "user:1";

/// A path in place of a pattern, and the body of a call.
fn example(pattern: &str, method: &str) -> (String, &'static str) {
    let filled = pattern.replace("{ns}", "default").replace("{*key}", KEY).replace("{file}", "app.js");
    let filled = filled.replace("{node}", "9").replace("{group}", "7").replace("{id}", "none");
    let body = match (pattern, method) {
        ("/v1/kv/{ns}", _) => return (filled + "?prefix=user:", ""),
        ("/v1/log", "PUT") => r#"{"filter":"info"}"#,
        ("/v1/kv/{ns}/{*key}", "PUT") => r#"{"value":1}"#,
        ("/v1/kv/{ns}/{*key}", "PATCH") => r#"{"op":"incr"}"#,
        ("/v1/batch", _) => {
            r#"{"operations":[{"op":"get","key":"user:1"},{"op":"set","key":"user:1","value":1}]}"#
        }
        ("/v1/txn", _) => {
            r#"{"compare":[{"key":"user:1","present":true}],"then":[{"op":"get","key":"user:1"}],
                "else":[{"op":"set","key":"user:1","value":1}]}"#
        }
        _ => "",
    };
    (filled, body)
}

/// Rules that allow a call, and such that do not.
fn rules(access: Access, pattern: &str, method: &str) -> (&'static [&'static str], Vec<&'static str>) {
    let reads = matches!(method, "GET" | "HEAD");
    match access {
        Access::Open | Access::Health => (&["metrics"], Vec::new()),
        Access::Admin => (&["admin"], vec!["read,write on *", "metrics"]),
        Access::Metrics => (&["metrics"], vec!["read,write on *", "admin"]),
        Access::Keys if matches!(pattern, "/v1/batch" | "/v1/txn") => {
            (&["read,write on default prefix user:"], vec!["read,write on default prefix other:", "admin"])
        }
        // An empty key is refused to whoever may touch keys at all.
        Access::Keys if pattern.ends_with('/') => (&["read,write on *"], vec!["admin", "metrics"]),
        Access::Keys if reads => (
            &["read on default prefix user:"],
            vec!["write on *", "read on default prefix user:2", "admin", "metrics"],
        ),
        // A sum tells what there was.
        Access::Keys if method == "PATCH" => {
            (&["read on *", "write on default prefix user:"], vec!["read on *", "write on *", "admin"])
        }
        Access::Keys => (
            &["write on default prefix user:"],
            vec!["read on *", "write on default prefix user:2", "admin", "metrics"],
        ),
    }
}

/// Whether a reply refuses the call for want of a right: as a whole, or each operation of a batch.
fn is_forbidden(reply: &Reply) -> bool {
    let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let each = body["results"].as_array();
    reply.status == 403
        || each.is_some_and(|results| !results.is_empty() && results.iter().all(|r| r["status"] == 403))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_asks_for_the_right_token() {
    let guarded = Guarded::single().await;
    let (mut calls, mut made) = ([0; 4], 0);
    for (pattern, methods, access) in ENDPOINTS {
        for method in *methods {
            let what = format!("{method} {pattern}");
            let (path, body) = example(pattern, method);
            let open = matches!(access, Access::Open | Access::Health);
            for (at, token) in [None, Some(WRONG)].into_iter().enumerate() {
                let status = guarded.call(token, method, &path, body).await.status;
                // So many wrong tokens are told to wait, at times.
                let refused = status == 401 || at == 1 && status == 429;
                assert_eq!(refused, !open, "{what} {token:?}: {status}");
                calls[at] += 1;
            }
            let (right, wrong) = rules(*access, pattern, method);
            for rule in wrong {
                made += 1;
                let (id, token) = guarded.token(&format!("t{made}"), &[rule]).await;
                let reply = guarded.call(Some(&token), method, &path, body).await;
                assert!(is_forbidden(&reply), "{what} with {rule}: {reply:?}");
                guarded.as_root("DELETE", &format!("/v1/tokens/{id}"), "").await.json(200);
                calls[2] += 1;
            }
            made += 1;
            let (_, token) = guarded.token(&format!("t{made}"), right).await;
            for token in [token.as_str(), Guarded::root()] {
                let reply = guarded.call(Some(token), method, &path, body).await;
                assert!(!matches!(reply.status, 401 | 429) && !is_forbidden(&reply), "{what}: {reply:?}");
                calls[3] += 1;
            }
        }
    }
    let [none, wrong, other, right] = calls;
    tell(&format!(
        "endpoints: {none} calls without a token, {wrong} with a wrong one, {other} with another scope, {right} allowed"
    ));
    guarded.stop().await;
}
