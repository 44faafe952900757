//! What a node makes of a data folder that is not whole.

use quorate::config::Config;
use quorate::node::Node;
use quorate::node::lost::{examine, set_aside};

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
    assert!(format!("{refused:#}").contains("it is missing"), "{refused:#}");
    assert!(!log.exists(), "nothing was put in its place");
    std::fs::rename(&aside, &log).unwrap();
    let node = Node::start(config, http).await.unwrap();
    eventually("the node is ready again", async || node.ready().ready.then_some(())).await;
    node.shutdown().await;
}

/// Writes enough that the log has batches to damage, and stops.
async fn stopped_member(config: &Config) {
    let node = Node::start(config.clone(), config.http).await.unwrap();
    eventually("the node is ready", async || node.ready().ready.then_some(())).await;
    node.shutdown().await;
}

/// Flips a byte in the first batch of the only segment: valid ones follow it.
fn damage_log(folder: &std::path::Path) {
    let segments = std::fs::read_dir(folder.join("log")).unwrap().map(|file| file.unwrap().path());
    let oldest =
        segments.filter(|path| path.extension().is_some_and(|ending| ending == "wal")).min().unwrap();
    let mut bytes = std::fs::read(&oldest).unwrap();
    let first = bytes.windows(4).position(|window| window == b"QRBa").unwrap();
    bytes[first + 20] ^= 1;
    std::fs::write(&oldest, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_log_is_named_and_never_started_and_its_folder_is_set_aside_on_request() {
    let around = tempfile::tempdir().unwrap();
    let folder = around.path().join("data");
    let config = Config { data_dir: folder.clone(), bootstrap_expect: 1, ..fresh_config(1) };
    stopped_member(&config).await;
    assert_eq!(examine(&folder).unwrap(), None, "nothing is wrong yet");
    damage_log(&folder);
    let refused = format!("{:#}", Node::start(config.clone(), config.http).await.unwrap_err());
    assert!(refused.contains(".wal is damaged at byte ") && refused.contains("under its id"), "{refused}");
    let lost = examine(&folder).unwrap().expect("the log is lost");
    assert_eq!(lost.node, 1);
    assert!(refused.contains(&lost.lost.why), "{refused}: {lost:?}");
    let aside = set_aside(&folder).unwrap();
    assert!(!folder.exists() && aside.join("node.json").exists(), "{}", aside.display());
    assert!(examine(&folder).is_err(), "there is no node there any more");
}
