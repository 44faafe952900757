//! The description of the API against a live node: it names the methods that are served, and no others.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Client, Cluster, Server, fresh_config};

/// A method that no path takes, so that the answer names those it does.
const NO_METHOD: &str = "NONE";
/// A number or a name that stands for every parameter of a path; nothing has it.
const NOTHING: &str = "4294967295";

async fn served(client: &Client, path: &str) -> BTreeSet<String> {
    let reply = client.send(NO_METHOD, path, &[], "").await;
    reply.problem(405, "method-not-allowed");
    reply.header("allow").split(',').map(|method| method.trim().to_lowercase()).collect()
}

fn filled(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { NOTHING } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_described_is_served_and_no_other_method() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    let described = client.get("/v1/openapi.json").await.json(200);
    let paths = described["paths"].as_object().unwrap();
    assert!(paths.len() > 20);
    for (path, calls) in paths {
        let mut methods: BTreeSet<String> = calls.as_object().unwrap().keys().cloned().collect();
        if methods.contains("get") {
            methods.insert("head".to_owned());
        }
        assert_eq!(methods, served(client, &filled(path)).await, "left: described, right: served at {path}");
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_a_cluster_describes_itself() {
    let server = Server::start(fresh_config(1)).await.unwrap();
    let described: Value = server.client.get("/v1/openapi.json").await.json(200);
    assert_eq!(described["openapi"], "3.1.0");
    server.stop().await;
}
