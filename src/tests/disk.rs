//! What a node makes of a data folder that is not whole.

use quorate::config::Config;
use quorate::node::Node;

use crate::support::{eventually, fresh_config};

/// Its votes are gone with the log: with an empty one in its place the node could vote twice in a term.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_whose_log_is_gone_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { data_dir: folder.path().to_owned(), bootstrap_expect: 1, ..fresh_config(1) };
    let http = config.http;
    let node = Node::start(config.clone(), http).await.unwrap();
    eventually("the node is ready", async || node.ready().ready.then_some(())).await;
    node.shutdown().await;
    drop(node);
    let log = folder.path().join("log");
    let aside = folder.path().join("aside");
    std::fs::rename(&log, &aside).unwrap();
    let refused = Node::start(config.clone(), http).await.unwrap_err();
    assert!(format!("{refused:#}").contains("its log is missing"), "{refused:#}");
    assert!(!log.exists(), "nothing was put in its place");
    std::fs::rename(&aside, &log).unwrap();
    let node = Node::start(config, http).await.unwrap();
    eventually("the node is ready again", async || node.ready().ready.then_some(())).await;
    node.shutdown().await;
}
