//! Broken snapshot streams: they go on where they broke off, and never mix.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use raft_store::NodeId;
use raft_store::codec::{Decoder, put_u32};
use raft_store::raft::{Prepared, Vote, messages};
use raft_store::snapshot_store::StoredSnapshot;
use tokio::time::Instant;

use super::super::snapshot_receive::SnapshotReceiver;
use super::super::wire::{self, Offer};
use super::rig::*;
use super::snapshots::{CHUNKS, assert_same_state, with_one_left_behind};
use super::steps::*;
use crate::transport::{CallError, Lane, Service};

/// Lets `let_in` more chunks through to a node, and nothing of a snapshot after them; counts those let in.
fn let_chunks_in(rig: &Rig, node: NodeId, let_in: usize, passed: &Arc<AtomicUsize>) {
    let (passed, mut left) = (passed.clone(), let_in);
    rig.gate(node).refuse(move |seen| match seen.service {
        wire::SNAPSHOT_CHUNK if left > 0 => {
            left -= 1;
            passed.fetch_add(1, Ordering::Relaxed);
            false
        }
        wire::SNAPSHOT_CHUNK | wire::SNAPSHOT_END => true,
        // A stream that begins after the last chunk let in belongs to the next time.
        wire::SNAPSHOT_BEGIN => left == 0,
        _ => false,
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stream_goes_on_behind_every_cut_however_often_snapshots_are_taken() {
    let (rig, behind, ahead) = with_one_left_behind().await;
    let passed = Arc::new(AtomicUsize::new(0));
    for round in 1..=3 {
        let_chunks_in(&rig, behind, 2, &passed);
        rig.heal();
        until("two more chunks came", || passed.load(Ordering::Relaxed) == 2 * round).await;
        rig.isolate(behind);
        rig.write(&ahead, set("key", format!("new {round}"))).await;
        for &node in &ahead {
            rig.at(node).snapshot(Instant::now() + LONG).await.unwrap();
            rig.at(node).purge_behind_snapshot(0).await;
        }
    }
    let counted = passed.clone();
    rig.gate(behind).refuse(move |seen| {
        counted.fetch_add(usize::from(seen.service == wire::SNAPSHOT_CHUNK), Ordering::Relaxed);
        false
    });
    rig.heal();
    assert_same_state(&rig).await;
    let received = rig.snapshots(behind).current(GROUP).unwrap().unwrap();
    assert!(received.chunks() as usize > CHUNKS);
    assert_eq!(passed.load(Ordering::Relaxed), received.chunks() as usize, "each chunk travelled once");
    let newest = rig.snapshots(ahead[0]).current(GROUP).unwrap().unwrap();
    assert!(received.covers().last < newest.covers().last, "the first one was sent to its end");
    until("nothing is held any more", || {
        ahead.iter().all(|&node| rig.at(node).snapshot_under_way(0).is_none())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_follower_that_is_away_holds_neither_snapshots_nor_log() {
    let (rig, behind, ahead) = with_one_left_behind().await;
    // The leader has begun to offer it a snapshot by now, in vain.
    for number in 0..3 {
        rig.write(&ahead, set("key", format!("newer {number}"))).await;
    }
    rig.converged(&ahead).await;
    let leader = rig.at(rig.leader_of(&ahead).await);
    let covered = leader.snapshot(Instant::now() + LONG).await.unwrap();
    leader.purge_behind_snapshot(0).await;
    until("the log behind the newest snapshot goes", || {
        leader.view(false).log_first.is_none_or(|first| Some(first) > covered)
    })
    .await;
    assert_eq!(leader.snapshot_under_way(0), None);
    rig.heal();
    assert_same_state(&rig).await;
    let received = rig.snapshots(behind).current(GROUP).unwrap().unwrap();
    assert!(received.covers().last.map(|last| last.index) >= covered, "it got the newest");
}

/// A follower that got its snapshot, and has yet to catch up with what was written meanwhile, needs no second one.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_log_behind_a_snapshot_waits_for_the_follower_that_got_it() {
    let (rig, behind, ahead) = with_one_left_behind().await;
    let installed = Arc::new(AtomicBool::new(false));
    let (ended, mut ending) = (installed.clone(), false);
    rig.gate(behind).refuse(move |seen| {
        ending |= seen.service == wire::SNAPSHOT_END;
        ended.store(ending, Ordering::Relaxed);
        ending && seen.service != wire::SNAPSHOT_END
    });
    rig.heal();
    until("it has the snapshot", || {
        installed.load(Ordering::Relaxed) && rig.at(behind).metrics().snapshot.is_some()
    })
    .await;
    let leader = rig.at(rig.leader_of(&ahead).await);
    let covered = rig.at(behind).metrics().snapshot.map(|last| last.index);
    until("its leader knows", || {
        let replicas = leader.view(false).replicas;
        replicas.iter().any(|replica| replica.node == behind && replica.matched >= covered)
    })
    .await;
    for number in 0..5 {
        rig.write(&ahead, set("key", format!("newer {number}"))).await;
    }
    leader.snapshot(Instant::now() + LONG).await.unwrap();
    leader.purge_behind_snapshot(0).await;
    assert_eq!(leader.snapshot_under_way(0), covered, "the log behind it stays");
    let offered = rig.gate(behind).seen(wire::SNAPSHOT_BEGIN).len();
    rig.gate(behind).refuse(|_| false);
    assert_same_state(&rig).await;
    assert_eq!(rig.gate(behind).seen(wire::SNAPSHOT_BEGIN).len(), offered, "it went on by entries");
    until("nothing is held any more", || leader.snapshot_under_way(0).is_none()).await;
}

/// Speaks to a node's receiver as a sender would.
struct Peer<'r> {
    rig: &'r Rig,
    from: NodeId,
    to: NodeId,
    snapshot: StoredSnapshot,
}

impl<'r> Peer<'r> {
    /// Has a snapshot of more than two chunks at `from`; `to` is a follower.
    async fn of(rig: &'r Rig) -> Self {
        let from = rig.leader().await;
        let to = rig.others(&[from])[0];
        for number in 0..4 {
            rig.write(&VOTERS, set(&format!("bulk-{number}"), super::snapshots::bulk(number))).await;
        }
        rig.at(from).snapshot(Instant::now() + LONG).await.unwrap();
        let snapshot = rig.snapshots(from).current(GROUP).unwrap().unwrap();
        assert!(snapshot.chunks() > 2);
        Self { rig, from, to, snapshot }
    }

    fn offer(&self) -> Offer {
        Offer::of(self.from, &self.snapshot).unwrap()
    }

    async fn call(&self, service: Service, put: impl FnOnce(&mut Vec<u8>)) -> Result<Bytes, CallError> {
        let body = wire::body(GROUP, put);
        self.rig.transport(self.from).call(self.to, Lane::Bulk, service, body, LONG).await
    }

    /// The stream's number and the chunk that is due.
    async fn begin(&self, offer: &Offer) -> (u32, u32) {
        let answer = self.call(wire::SNAPSHOT_BEGIN, |out| offer.put(out)).await.unwrap();
        wire::decode(answer, |input: &mut Decoder| Ok((input.u32()?, input.u32()?))).unwrap()
    }

    async fn chunk(&self, stream: u32, index: u32) -> Result<(), CallError> {
        let frame = self.snapshot.read_raw(index).unwrap();
        self.frame(stream, index, &frame).await
    }

    async fn frame(&self, stream: u32, index: u32, frame: &[u8]) -> Result<(), CallError> {
        let put = |out: &mut Vec<u8>| {
            put_u32(out, stream);
            put_u32(out, index);
            out.extend_from_slice(frame);
        };
        self.call(wire::SNAPSHOT_CHUNK, put).await.map(drop)
    }

    async fn end(&self, stream: u32) -> Result<Vote, CallError> {
        let vote = self.rig.at(self.from).metrics().vote;
        let put = |out: &mut Vec<u8>| {
            put_u32(out, stream);
            messages::put_vote(out, &vote);
        };
        let answer = self.call(wire::SNAPSHOT_END, put).await?;
        Ok(wire::decode(answer, messages::vote).unwrap())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn only_the_very_same_offer_resumes_a_stream() {
    let rig = Rig::three().await;
    let peer = Peer::of(&rig).await;
    let same = peer.offer();
    let mut meta = same.meta.clone();
    meta.last_log_id.as_mut().unwrap().index += 1;
    let others = [
        Offer { sender: same.sender + 1, ..same.clone() },
        Offer { sequence: same.sequence + 1, ..same.clone() },
        Offer { chunks: same.chunks + 1, ..same.clone() },
        Offer { bytes: same.bytes + 1, ..same.clone() },
        Offer { meta, ..same.clone() },
    ];
    for other in others {
        let (stream, next) = peer.begin(&same).await;
        assert_eq!(next, 0, "what was there before {other:?} is gone");
        peer.chunk(stream, 0).await.unwrap();
        assert_eq!(peer.begin(&same).await.1, 1);
        assert_eq!(peer.begin(&other).await.1, 0, "{other:?}");
    }
    assert_same_state(&rig).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn stray_messages_harm_nothing_and_damaged_chunks_end_the_stream() {
    let rig = Rig::three().await;
    let peer = Peer::of(&rig).await;
    let (old, _) = peer.begin(&peer.offer()).await;
    peer.chunk(old, 0).await.unwrap();
    let (stream, next) = peer.begin(&peer.offer()).await;
    assert_eq!(next, 1);
    assert!(peer.chunk(old, 1).await.is_err(), "it is of an earlier attempt");
    assert!(peer.chunk(stream, 0).await.is_err(), "it is there already");
    assert!(peer.chunk(stream, 2).await.is_err(), "one before it is missing");
    assert!(peer.end(stream).await.is_err(), "it is not whole");
    peer.chunk(stream, 1).await.unwrap();
    let mut frame = peer.snapshot.read_raw(2).unwrap().to_vec();
    *frame.last_mut().unwrap() ^= 1;
    assert!(peer.frame(stream, 2, &frame).await.is_err());
    assert!(peer.chunk(stream, 2).await.is_err(), "the stream is gone");
    assert_eq!(peer.begin(&peer.offer()).await.1, 0);
    assert_same_state(&rig).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stream_whose_last_answer_was_lost_is_not_sent_again() {
    let rig = Rig::three().await;
    let peer = Peer::of(&rig).await;
    let (stream, _) = peer.begin(&peer.offer()).await;
    for index in 0..peer.snapshot.chunks() {
        peer.chunk(stream, index).await.unwrap();
    }
    let vote = peer.end(stream).await.unwrap();
    assert_eq!(peer.end(stream).await.unwrap(), vote);
    let (again, next) = peer.begin(&peer.offer()).await;
    assert_eq!(next, peer.snapshot.chunks());
    assert_eq!(peer.end(again).await.unwrap(), vote);
    assert_same_state(&rig).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stream_of_which_nothing_more_comes_is_dropped_in_time() {
    let rig = Rig::three().await;
    let peer = Peer::of(&rig).await;
    let (raft, store) = (rig.at(peer.to).raft.clone(), rig.snapshots(peer.to).clone());
    let kept_for = Duration::from_millis(500);
    let receiver = SnapshotReceiver::spawn_with(GROUP, raft, store, Prepared::default(), kept_for);
    *rig.gate(peer.to).receiver.lock() = Some(receiver);
    let (stream, _) = peer.begin(&peer.offer()).await;
    peer.chunk(stream, 0).await.unwrap();
    pass(3 * kept_for).await;
    assert!(peer.chunk(stream, 1).await.is_err());
    assert_eq!(peer.begin(&peer.offer()).await.1, 0);
}

/// The chunks are gone under the stream, as if a disk had lost them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_snapshot_that_cannot_be_read_is_noted_and_a_new_one_takes_its_place() {
    let (rig, behind, ahead) = with_one_left_behind().await;
    let led_by = rig.leader_of(&ahead).await;
    let leader = rig.at(led_by);
    let begun = move |rig: &Rig| rig.gate(behind).seen(wire::SNAPSHOT_BEGIN).len();
    rig.gate(behind).refuse(|seen| seen.service == wire::SNAPSHOT_CHUNK);
    rig.heal();
    until("the stream has begun", || leader.snapshot_under_way(0).is_some() && begun(&rig) > 0).await;
    // The next attempt gets no answer, so nothing is read while the chunks go and another is taken.
    let before = begun(&rig);
    rig.gate(behind).refuse(|seen| [wire::SNAPSHOT_BEGIN, wire::SNAPSHOT_CHUNK].contains(&seen.service));
    until("the stream begins again", || begun(&rig) > before).await;
    let store = rig.snapshots(led_by).clone();
    assert!(store.set_aside(GROUP).unwrap());
    soon(leader.snapshot(Instant::now() + LONG)).await.unwrap();
    until("there is another", || store.current(GROUP).unwrap().is_some()).await;
    rig.gate(behind).refuse(|_| false);
    let replica = rig.at(behind);
    until("it holds the new state", || value(&replica.look_up(&[key("key")])).as_deref() == Some("new"))
        .await;
    assert_same_state(&rig).await;
}
