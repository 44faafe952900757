//! Lease reads: never older than what was acknowledged before they began, whoever leads by then.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use raft_store::NodeId;
use tokio::time::Instant;

use super::rig::*;
use super::steps::*;

/// A key whose value only grows: no read may return less than what was acknowledged before it began.
#[derive(Debug, Default)]
struct Register {
    acknowledged: AtomicU64,
    answered: AtomicU64,
}

impl Register {
    async fn grow(&self, rig: &Rig, nodes: &[NodeId]) {
        let next = self.acknowledged.load(Ordering::Acquire) + 1;
        rig.write(nodes, set("register", next)).await;
        self.acknowledged.store(next, Ordering::Release);
    }

    /// Reads at one node; whether it answered.
    async fn check(&self, rig: &Rig, node: NodeId, lease: bool) -> bool {
        let floor = self.acknowledged.load(Ordering::Acquire);
        let Ok(lookups) = read(&rig.at(node), "register", lease).await else { return false };
        let found = value(&lookups).map_or(0, |text| text.parse().unwrap());
        assert!(
            found >= floor,
            "node {node} answered {found} after {floor} was acknowledged (lease: {lease})"
        );
        self.answered.fetch_add(1, Ordering::Relaxed);
        true
    }
}

async fn keep_reading(register: Arc<Register>, rig: Arc<Rig>, node: NodeId, lease: bool) {
    loop {
        register.check(&rig, node, lease).await;
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn after_a_transfer_the_old_leader_answers_no_lease_read() {
    const ROUNDS: usize = 8;
    let rig = Arc::new(Rig::three().await);
    let register = Arc::new(Register::default());
    register.grow(&rig, &VOTERS).await;
    let readers: Vec<_> = VOTERS
        .into_iter()
        .map(|node| tokio::spawn(keep_reading(register.clone(), rig.clone(), node, true)))
        .collect();
    for _ in 0..ROUNDS {
        let leader = rig.leader().await;
        let heir = VOTERS[(leader as usize) % VOTERS.len()];
        // It may fail: a leader that was deposed in between is none to hand over.
        let _ = rig.at(leader).transfer_to(heir, Instant::now() + rig.lease()).await;
        register.grow(&rig, &rig.others(&[leader])).await;
    }
    assert!(register.answered.load(Ordering::Relaxed) > 0);
    for reader in readers {
        assert!(!reader.is_finished(), "{:?}", reader.await);
        reader.abort();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cut_off_leader_reads_by_its_lease_for_four_fifths_of_it() {
    let rig = Rig::start(3, with_lease(1000)).await;
    let leader = rig.leader().await;
    let register = Register::default();
    register.grow(&rig, &VOTERS).await;
    let group = rig.at(leader);
    soon(group.read_index(true)).await.unwrap();
    // What was acknowledged at the very moment the lease was first asked for counts only if no time passes until it
    // is looked at, so that moment is left behind. Then one just before the cut, as young as it can be.
    pass(rig.lease() / 10).await;
    soon(group.read_index(false)).await.unwrap();
    rig.isolate(leader);
    let cut = Instant::now();
    let mut answered = 0;
    while Instant::now() < cut + rig.lease() {
        let began = Instant::now();
        if register.check(&rig, leader, true).await {
            answered += 1;
            assert!(began <= cut + rig.lease() * 4 / 5, "read {:?} after the cut", began - cut);
        }
        pass(Duration::from_millis(1)).await;
    }
    assert!(answered > 0, "no lease read at all");
}

/// The case in which openraft alone answers stale: B waits for a vote, A held it back for the sake of the
/// leader's lease, and A restarts.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lease_outlives_the_restart_of_a_voter_that_granted_it() {
    let mut rig = Rig::start(3, with_lease(800)).await;
    let leader = rig.leader().await;
    let [a, b] = rig.others(&[leader])[..] else { panic!("three nodes") };
    let register = Arc::new(Register::default());
    register.grow(&rig, &VOTERS).await;
    rig.cut(leader, b);
    pass(rig.lease()).await;
    soon(rig.at(leader).read_index(true)).await.unwrap();
    rig.cut(leader, a);
    rig.restart(a).await;
    let rig = Arc::new(rig);
    let reader = tokio::spawn(keep_reading(register.clone(), rig.clone(), leader, true));
    let elected = || rig.at(a).leads() || rig.at(b).leads();
    let ends = Instant::now() + LONG;
    while !elected() {
        assert!(Instant::now() < ends, "nobody was elected");
        rig.at(b).raft.trigger().elect(true).await.unwrap();
        pass(Duration::from_millis(20)).await;
    }
    register.grow(&rig, &[a, b]).await;
    pass(rig.lease()).await;
    assert!(!reader.is_finished(), "{:?}", reader.await);
    reader.abort();
}
