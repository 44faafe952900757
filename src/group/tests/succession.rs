//! A leader that seems gone: who stands in its place, and when. A cable that is cut here refuses connections, as a process
//! that is gone does, while the leader lives: the evidence is false.

use std::time::Duration;

use tokio::time::Instant;

use super::rig::*;
use super::steps::*;

/// Far longer than an election on evidence takes, and than any of these tests may.
const LONG_LEASE: u64 = 10_000;
/// Time for what should not happen to happen.
const WHILE: Duration = Duration::from_millis(400);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn voters_that_see_the_leader_gone_wait_for_no_lease_that_nobody_wants() {
    let rig = Rig::start(3, with_lease(LONG_LEASE)).await;
    let old = rig.leader().await;
    rig.write(&VOTERS, set("key", "old")).await;
    let others = rig.others(&[old]);
    rig.isolate(old);
    let cut = Instant::now();
    rig.leader_of(&others).await;
    assert!(cut.elapsed() < rig.lease() / 2, "it took {:?}", cut.elapsed());
    rig.write(&others, set("key", "new")).await;
    let by_lease = tokio::time::timeout(WHILE, rig.at(old).read(&[key("key")], true)).await;
    assert!(!matches!(by_lease, Ok(Ok(_))), "a deposed leader answered: {by_lease:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lease_that_was_promised_is_kept_though_the_leader_seems_gone() {
    let rig = Rig::start(3, with_lease(1500)).await;
    let old = rig.leader().await;
    rig.write(&VOTERS, set("key", "old")).await;
    let asked = Instant::now();
    read(&rig.at(old), "key", true).await.unwrap();
    rig.isolate(old);
    rig.leader_of(&rig.others(&[old])).await;
    let elected = asked.elapsed();
    assert!(elected >= rig.lease(), "elected {elected:?} after a lease was asked for");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_voter_that_sees_the_leader_gone_deposes_nobody() {
    let rig = Rig::start(3, with_lease(LONG_LEASE)).await;
    let leader = rig.leader().await;
    rig.write(&VOTERS, set("key", 1)).await;
    let term = rig.at(leader).metrics().current_term;
    let [one, other] = rig.others(&[leader])[..] else { panic!("three nodes") };
    rig.cut(leader, one);
    let gone = || rig.transport(one).health(leader).is_some_and(|health| health.is_gone());
    until("one of them sees it gone", gone).await;
    pass(WHILE).await;
    let terms = [leader, one, other].map(|node| rig.at(node).metrics().current_term);
    assert_eq!(terms, [term; 3]);
}
