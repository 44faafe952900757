//! Pages of a namespace: order and cursors, prefixes, odd keys, and queries that make no sense.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Client, Cluster};

const PATH: &str = "/v1/kv/default";

async fn fill(client: &Client, names: &[String]) {
    for name in names {
        client.put(&format!("{PATH}/{name}"), &json!({ "value": name }).to_string()).await.json(201);
    }
}

/// Every entry of a walk, and how many pages it took.
async fn walk(client: &Client, query: &str) -> (Vec<Value>, usize) {
    let (mut entries, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let mut page = client.get(&format!("{PATH}?{query}{cursor}")).await.json(200);
        entries.append(page["entries"].as_array_mut().unwrap());
        pages += 1;
        match page["cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return (entries, pages),
        }
    }
}

fn keys(entries: &[Value]) -> BTreeSet<String> {
    entries.iter().map(|entry| entry["key"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_sees_every_key_once_through_any_node() {
    let cluster = Cluster::of(3).await;
    let names: Vec<String> = (0..40).map(|n| format!("user:{n}")).collect();
    fill(cluster.client(0), &names).await;
    for node in 0..3 {
        for limit in [7, 1000] {
            let (entries, pages) = walk(cluster.client(node), &format!("limit={limit}")).await;
            assert_eq!(keys(&entries), names.iter().cloned().collect());
            assert_eq!((entries.len(), pages), (40, 40usize.div_ceil(limit)), "no key comes twice");
            assert!(entries.iter().all(|entry| entry["value"] == entry["key"]), "{entries:?}");
        }
    }
    let reply = cluster.client(1).get(&format!("{PATH}?consistency=local&values=false")).await;
    assert_eq!(reply.header("x-quorate-consistency"), "local");
    reply.header("x-quorate-staleness-ms").parse::<u64>().unwrap();
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prefixes_values_and_odd_keys() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    let names = ["a:1", "a:2", "b:1", "%7Bt%7Dx", "%7Bt%7Dy"].map(str::to_owned);
    fill(client, &names).await;
    client.put(&format!("{PATH}/%ff"), r#"{"value_b64":"AP8=","ttl_ms":60000}"#).await.json(201);
    let of = async |query: &str| keys(&walk(client, query).await.0).into_iter().collect::<Vec<_>>();
    assert_eq!(of("prefix=a:").await, ["a:1", "a:2"]);
    assert_eq!(of("prefix=%7Bt%7D&limit=1").await, ["{t}x", "{t}y"]);
    assert_eq!(of("prefix=zzz").await, Vec::<String>::new());
    let (all, _) = walk(client, "").await;
    let odd = all.iter().find(|entry| entry.get("key_b64").is_some()).unwrap();
    assert_eq!((&odd["key_b64"], &odd["value_b64"]), (&json!("/w=="), &json!("AP8=")));
    assert!((1..=60_000).contains(&odd["expires_in_ms"].as_u64().unwrap()));
    let (bare, _) = walk(client, "values=false&prefix=b").await;
    assert_eq!(bare, [json!({"key": "b:1"})]);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_that_make_no_sense_are_refused() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    let bad = [
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=x",
        "limit=",
        "cursor=",
        "cursor=0",
        "cursor=AQ",
        "cursor=%ff",
        "cursor=AQD_______8",
        "values=perhaps",
        "x=1",
        "prefix=%zz",
        "consistency=strong",
        "max_staleness=1s",
    ];
    for query in bad {
        client.get(&format!("{PATH}?{query}")).await.problem(400, "bad-request");
    }
    client.get("/v1/kv/nowhere").await.problem(404, "unknown-namespace");
    cluster.stop().await;
}
