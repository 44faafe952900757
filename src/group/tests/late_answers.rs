//! Answers that a deposed leader finds late: they prove what they proved when they were given, and no more.
//!
//! This is what a process meets that was stopped through an election: answers wait in its sockets, and it goes on
//! sending before it has read them.

use std::time::Duration;

use futures_util::poll;
use openraft::raft::linearizable_read::LinearizerOption;
use raft_store::NodeId;

use super::super::Group;
use super::rig::*;
use super::steps::*;

/// Tries until the appends that are held back have not run out of time, as they may on a machine that is busy.
const TRIES: usize = 5;
/// Long enough for what a leader sends to be sent, and for an answer that should not come to come.
const WHILE: Duration = Duration::from_millis(150);

/// Two followers have an entry, the leader has not heard so, and they have elected another and written.
struct Deposed {
    rig: Rig,
    old: NodeId,
    others: Vec<NodeId>,
    /// The old leader's last entry.
    last: u64,
}

impl Deposed {
    async fn leader() -> Self {
        let rig = Rig::three().await;
        let old = rig.leader().await;
        let others = rig.others(&[old]);
        rig.write(&VOTERS, set("key", "old")).await;
        rig.converged(&VOTERS).await;
        others.iter().for_each(|&other| rig.gate(other).hold_answers(Some(old)));
        let leader = rig.at(old);
        tokio::spawn(async move { propose(&leader, set("last", "heard")).await });
        until("the followers have the entry", || rig.held_by("last").len() == VOTERS.len()).await;
        let last = rig.at(old).metrics().last_log_index.unwrap();
        rig.gate(old).refuse(|_| true);
        others.iter().for_each(|&other| rig.gate(other).refuse(move |seen| seen.from == old));
        rig.write(&others, set("key", "new")).await;
        Self { rig, old, others, last }
    }

    fn group(&self) -> std::sync::Arc<Group> {
        self.rig.at(self.old)
    }

    /// Lets the old leader hear the answers one after the other; whether they came in time to count.
    async fn hears(&self) -> bool {
        for &other in &self.others {
            self.rig.gate(other).hold_answers(None);
            pass(WHILE).await;
        }
        self.group().leadership.progress.index() >= Some(self.last)
    }
}

/// The first late answer commits the entry, so the leader tells the other follower; whose late answer is none to that.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn late_answers_confirm_no_read_that_began_after_the_election() {
    for _ in 0..TRIES {
        let deposed = Deposed::leader().await;
        let group = deposed.group();
        assert!(group.leads(), "nobody has told it otherwise");
        let asks_a_quorum = LinearizerOption::new(Some(Duration::ZERO), true).with_wait_timeout(LONG);
        let mut reading = Box::pin(group.raft.get_read_linearizer(asks_a_quorum));
        assert!(poll!(&mut reading).is_pending());
        // Messages to openraft are taken in order, so the read has begun when this is answered.
        group.raft.with_raft_state(|_| ()).await.unwrap();
        let counts = deposed.hears().await;
        assert!(poll!(&mut reading).is_pending(), "nobody was asked who still follows it");
        for lease in [true, false] {
            let unanswered = read(&group, "key", lease).await;
            assert!(unanswered.is_err(), "lease {lease}: {unanswered:?}");
        }
        if counts {
            return;
        }
    }
    panic!("the machine is too busy: appends ran out of time in every try");
}
