//! What a node tells of its snapshots.

use super::fakes::{key, within};
use super::three::*;

/// An idle group is due for none for long, so nothing else would end what the alert on failures looks at.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_snapshot_that_was_asked_for_ends_the_failures() {
    let three = Three::start().await;
    let group = three.at(1).group_of(&key("key")).unwrap();
    write(three.at(1), set("key", "value")).await.unwrap();
    let leader = three.at(three.leader(group).await);
    until("the node looked at the group", || leader.inner.snapshots.failed(group) > 0).await;
    let told = |failures| format!("quorate_group_snapshot_failures{{group=\"{group}\"}} {failures}\n");
    assert!(leader.metrics().contains(&told(1)));
    leader.snapshot(group, within(LONG)).await.unwrap();
    assert!(leader.metrics().contains(&told(0)));
}
