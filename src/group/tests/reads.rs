//! Linearizable reads: none is answered without a quorum, and none before the replica is as far as it must be.

use std::time::Duration;

use tokio::time::Instant;

use super::super::ReadIndexError;
use super::rig::*;
use super::steps::*;
use crate::clock::boot_ms;

/// Long enough for an answer that should not come to come.
const WHILE: Duration = Duration::from_millis(250);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_leader_cut_off_answers_no_read_and_never_the_old_value() {
    let rig = Rig::three().await;
    let old = rig.leader().await;
    rig.write(&VOTERS, set("key", "old")).await;
    rig.isolate(old);
    let others = rig.others(&[old]);
    let unanswered = read(&rig.at(old), "key", false).await;
    assert!(unanswered.is_err(), "no quorum was asked: {unanswered:?}");
    let new = rig.leader_of(&others).await;
    rig.write(&others, set("key", "new")).await;
    // The others have elected, so the old leader's lease is over.
    for lease in [true, false] {
        let unanswered = read(&rig.at(old), "key", lease).await;
        assert!(unanswered.is_err(), "lease {lease}: {unanswered:?}");
    }
    assert_eq!(value(&rig.read(&others, "key").await).as_deref(), Some("new"));
    rig.heal();
    let up_to_date = || value(&rig.at(old).look_up(&[key("key")])).as_deref() == Some("new");
    let ends = Instant::now() + WHILE;
    while Instant::now() < ends || !up_to_date() {
        assert!(Instant::now() < ends + LONG, "node {new}'s write never reached node {old}");
        for lease in [true, false] {
            if let Ok(lookups) = read(&rig.at(old), "key", lease).await {
                assert_eq!(value(&lookups).as_deref(), Some("new"), "lease {lease}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_follower_answers_no_read() {
    let rig = Rig::three().await;
    let leader = rig.leader().await;
    rig.write(&VOTERS, set("key", 1)).await;
    for follower in rig.others(&[leader]) {
        for lease in [true, false] {
            let refused = read(&rig.at(follower), "key", lease).await;
            assert!(matches!(refused, Err(ReadIndexError::NotLeader(_))), "{refused:?}");
        }
    }
}

/// The entry is committed, so a read that begins now covers it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_read_waits_until_its_index_is_applied() {
    for lease in [false, true] {
        let rig = Rig::three().await;
        let leader = rig.at(rig.leader().await);
        rig.write(&VOTERS, set("key", "old")).await;
        let paused = Paused::at(&leader);
        let writer = leader.clone();
        let write = tokio::spawn(async move { propose(&writer, set("key", "new")).await });
        committed_unapplied(&leader).await;
        let reader = leader.clone();
        let mut reading = tokio::spawn(async move { read(&reader, "key", lease).await });
        let early = tokio::time::timeout(WHILE, &mut reading).await;
        assert!(early.is_err(), "answered before its index was applied: {early:?}");
        drop(paused);
        let answer = soon(reading).await.unwrap();
        // Leadership may be lost on a slow machine; what is answered is answered right.
        if let Ok(lookups) = &answer {
            assert_eq!(value(lookups).as_deref(), Some("new"), "lease {lease}");
        }
        soon(write).await.unwrap().ok();
    }
}

/// The heir's log holds an acknowledged write that its map does not hold yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_new_leader_answers_only_once_it_has_applied_what_came_before_it() {
    for lease in [false, true] {
        let rig = Rig::three().await;
        let old = rig.leader().await;
        let heir = rig.others(&[old])[0];
        rig.write(&VOTERS, set("key", "old")).await;
        rig.converged(&VOTERS).await;
        let paused = Paused::at(&rig.at(heir));
        rig.write(&[old], set("key", "new")).await;
        rig.at(old).transfer_to(heir, Instant::now() + LONG).await.unwrap();
        until("the heir leads", || rig.at(heir).leads()).await;
        let reader = rig.at(heir);
        let mut reading = tokio::spawn(async move { read(&reader, "key", lease).await });
        let early = tokio::time::timeout(WHILE, &mut reading).await;
        assert!(!matches!(early, Ok(Ok(Ok(_)))), "answered with an old map: {early:?}");
        drop(paused);
        if early.is_err()
            && let Ok(lookups) = soon(reading).await.unwrap()
        {
            assert_eq!(value(&lookups).as_deref(), Some("new"), "lease {lease}");
        }
    }
}

/// What a replica says of its staleness rests on this.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_replica_is_caught_up_only_once_it_has_applied_the_index() {
    let rig = Rig::three().await;
    let leader = rig.leader().await;
    let behind = rig.others(&[leader])[0];
    rig.write(&VOTERS, set("key", "old")).await;
    rig.converged(&VOTERS).await;
    rig.isolate(behind);
    rig.write(&rig.others(&[behind]), set("key", "new")).await;
    let started_ms = boot_ms();
    let index = soon(rig.at(rig.leader_of(&rig.others(&[behind])).await).read_index(false)).await.unwrap();
    let replica = rig.at(behind);
    let early = tokio::time::timeout(WHILE, replica.caught_up(index, started_ms)).await;
    assert!(early.is_err(), "it cannot have heard of the write: {early:?}");
    assert_eq!(replica.staleness(), None, "nothing has confirmed it yet");
    rig.heal();
    soon(replica.caught_up(index, started_ms)).await.unwrap();
    assert_eq!(value(&replica.look_up(&[key("key")])).as_deref(), Some("new"));
    let bound = replica.staleness().expect("a round has confirmed it").as_millis() as u64;
    assert!(bound <= boot_ms() - started_ms + 1, "{bound} ms is more than has passed since the round began");
}
