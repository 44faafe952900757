//! Deadlines: the log's time decides them, a leader's clock only says when to ask for more of it.

use std::sync::Arc;
use std::time::Duration;

use raft_store::command::{Expiry, Replies, Reply};
use raft_store::limits::EXPIRED_REMOVED_PER_ENTRY;
use raft_store::map::Lookup;
use tokio::time::Instant;

use super::super::{Batch, Group, Lookups};
use super::rig::*;
use super::steps::*;
use crate::limits::TICK_INTERVAL;

/// Long enough for an answer that should not come to come.
const WHILE: Duration = Duration::from_millis(250);
/// Group time counts whole milliseconds, and both ends of a span are cut down to one.
const GRAIN: Duration = Duration::from_millis(2);

fn deadline_of(replies: &Replies) -> u64 {
    match &replies.replies[..] {
        [Reply::Written(written)] => written.deadline.unwrap(),
        other => panic!("a key was to be written, and this came: {other:?}"),
    }
}

/// No answer shows a key whose deadline is at or before the time it carries, or hides one whose is not.
fn assert_true_to_its_time(lookups: &Lookups, deadline: u64) {
    let seen = value(lookups).is_some();
    assert_eq!(seen, lookups.time_ms < deadline, "deadline {deadline}: {lookups:?}");
}

async fn watch_to_the_end(rig: Arc<Rig>, deadline: u64, lease: bool) {
    let mut expired = 0;
    let ends = Instant::now() + LONG;
    while expired < 50 {
        assert!(Instant::now() < ends, "it never expired");
        for node in VOTERS {
            let Ok(lookups) = read(&rig.at(node), "key", lease).await else { continue };
            assert_true_to_its_time(&lookups, deadline);
            assert!(expired == 0 || value(&lookups).is_none(), "it came back: {lookups:?}");
            expired += usize::from(value(&lookups).is_none());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_key_seen_expired_is_never_seen_again_whoever_leads() {
    let rig = Arc::new(Rig::three().await);
    let deadline = deadline_of(&rig.write(&VOTERS, set_for("key", 1, Expiry::AfterMs(300))).await);
    let watchers = [true, false].map(|lease| tokio::spawn(watch_to_the_end(rig.clone(), deadline, lease)));
    for _ in 0..6 {
        let leader = rig.leader().await;
        let heir = VOTERS[(leader as usize) % VOTERS.len()];
        // It may fail: a leader that was deposed in between is none to hand over.
        let _ = rig.at(leader).transfer_to(heir, Instant::now() + rig.lease()).await;
        pass(Duration::from_millis(60)).await;
    }
    for watcher in watchers {
        watcher.await.unwrap();
    }
}

async fn past(group: &Group, deadline: u64) {
    until("the replica's clock passes the deadline", || group.now_ms() > deadline).await;
}

/// The leader's clock is past the deadline and the log's time is not: nobody may say that the key is gone, for
/// a leader that comes after may still see it, nor show it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_read_of_a_due_key_waits_for_the_tick() {
    for lease in [false, true] {
        let rig = Rig::three().await;
        let leader = rig.at(rig.leader().await);
        let deadline = deadline_of(&rig.write(&VOTERS, set_for("key", 1, Expiry::AfterMs(200))).await);
        let paused = Paused::at(&leader);
        past(&leader, deadline).await;
        let reader = leader.clone();
        let mut reading = tokio::spawn(async move { read(&reader, "key", lease).await });
        let early = tokio::time::timeout(WHILE, &mut reading).await;
        // The deadline may have come between the write and the pause: then there is nothing to wait for.
        if leader.map().read_recursive().time_ms() < deadline {
            assert!(early.is_err(), "no tick can have been applied: {early:?}");
        }
        drop(paused);
        let outcome = if let Ok(answer) = early { answer } else { soon(reading).await };
        if let Ok(lookups) = outcome.unwrap() {
            assert_eq!(value(&lookups), None);
            assert!(lookups.time_ms >= deadline && leader.map().read().time_ms() >= deadline, "{lookups:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_replica_never_expires_a_key_by_its_own_clock() {
    let rig = Rig::three().await;
    let leader = rig.leader().await;
    let behind = rig.others(&[leader])[0];
    let deadline = deadline_of(&rig.write(&VOTERS, set_for("key", 1, Expiry::AfterMs(600))).await);
    rig.converged(&VOTERS).await;
    rig.isolate(behind);
    let replica = rig.at(behind);
    past(&replica, deadline).await;
    pass(GRAIN).await;
    let (lookups, time_ms) = (replica.look_up(&[key("key")]), replica.map().read().time_ms());
    assert_eq!(lookups.time_ms, time_ms);
    assert_true_to_its_time(&lookups, deadline);
    assert!(time_ms < deadline, "too slow to tell");
    rig.heal();
    until("the tick reaches it", || replica.look_up(&[key("key")]).found == [Lookup::Miss]).await;
}

/// The new leader's clock goes on from what it heard last: a deadline comes no earlier, however the leader went.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_leader_change_expires_no_key_early() {
    const TTL: Duration = Duration::from_millis(2500);
    for crash in [false, true] {
        let rig = Rig::three().await;
        let old = rig.leader().await;
        let began = Instant::now();
        let deadline = deadline_of(&rig.write(&VOTERS, set_for("key", 1, Expiry::AfterMs(2500))).await);
        rig.converged(&VOTERS).await;
        let others = rig.others(&[old]);
        if crash {
            rig.isolate(old);
        } else {
            rig.at(old).transfer_to(others[0], Instant::now() + LONG).await.unwrap();
        }
        let mut expired = false;
        while !expired {
            let lookups = rig.read(&others, "key").await;
            expired = value(&lookups).is_none();
            assert_true_to_its_time(&lookups, deadline);
            let age = began.elapsed();
            assert!(!expired || age + GRAIN >= TTL, "expired after {age:?} (crash: {crash})");
            assert!(age < TTL + LONG, "it never expires");
        }
    }
}

/// Far more than one tick removes, and nobody writes: the ticks go on until none is left.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_idle_group_gets_rid_of_all_expired_keys() {
    const KEYS: usize = 20 * EXPIRED_REMOVED_PER_ENTRY;
    let rig = Rig::three().await;
    let leader = rig.at(rig.leader().await);
    let written = (0..KEYS).map(|n| set_for(&format!("key-{n}"), 1, Expiry::AfterMs(300)));
    let proposed = leader.propose(Batch::new(&written.collect::<Vec<_>>())).await.unwrap();
    let deadline = proposed.replies.iter().map(|reply| match reply {
        Reply::Written(written) => written.deadline.unwrap(),
        other => panic!("{other:?}"),
    });
    past(&leader, deadline.max().unwrap()).await;
    let due_at = Instant::now();
    until("all replicas are rid of them", || {
        VOTERS.iter().all(|&node| rig.at(node).map().read().stats().items == 0)
    })
    .await;
    // At one tick each TICK_INTERVAL it would be 20 s.
    assert!(due_at.elapsed() < TICK_INTERVAL * 5, "it took {:?}", due_at.elapsed());
    let stats = leader.map().read().stats();
    assert_eq!((stats.expired_pending, stats.expired_total), (0, KEYS as u64));
}
