//! Pages of a walk are as linearizable as reads of single keys.

use std::time::Duration;

use raft_store::command::{Expiry, Reply, Written};
use raft_store::map::{Position, SlotSpan, Walk};
use raft_store::slot::SLOTS;
use tokio::time::Instant;

use super::super::{Group, ReadIndexError, Sight, Sought, Survey};
use super::rig::*;
use super::steps::*;

const ALL: SlotSpan = (0, SLOTS - 1);

fn page() -> Sought {
    let (slots, from, bytes) = (vec![ALL], Position::default(), 1 << 20);
    Sought::Page(Walk { namespace: 0, slots, from, prefix: Vec::new(), limit: 10, bytes, values: true })
}

async fn seek(group: &Group, sought: &Sought, lease: bool) -> Result<Survey, ReadIndexError> {
    soon(group.seek(sought, lease)).await
}

/// The values of a page.
fn values(survey: &Survey) -> Vec<String> {
    let Sight::Page(page) = &survey.sight else { panic!("no page: {survey:?}") };
    let text = |entry: &raft_store::map::Entry| String::from_utf8_lossy(&entry.value).into_owned();
    page.found.iter().map(|(_, entry)| entry.as_ref().map(text).expect("values were asked for")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_leader_cut_off_shows_no_page_and_no_count() {
    let rig = Rig::three().await;
    let old = rig.leader().await;
    rig.write(&VOTERS, set("key", "old")).await;
    rig.isolate(old);
    let others = rig.others(&[old]);
    let new = rig.leader_of(&others).await;
    rig.write(&others, set("key", "new")).await;
    for sought in [page(), Sought::Count(0, vec![ALL])] {
        for lease in [true, false] {
            let unanswered = seek(&rig.at(old), &sought, lease).await;
            assert!(unanswered.is_err(), "lease {lease}: {unanswered:?}");
        }
    }
    assert_eq!(values(&seek(&rig.at(new), &page(), false).await.unwrap()), ["new"]);
    assert_eq!(values(&rig.at(old).seek_here(&page())), ["old"], "it holds the old value all the while");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_page_waits_until_its_index_is_applied() {
    let rig = Rig::three().await;
    let leader = rig.at(rig.leader().await);
    rig.write(&VOTERS, set("key", "old")).await;
    let paused = Paused::at(&leader);
    let writer = leader.clone();
    let write = tokio::spawn(async move { propose(&writer, set("key", "new")).await });
    committed_unapplied(&leader).await;
    let reader = leader.clone();
    let mut seeking = tokio::spawn(async move { seek(&reader, &page(), false).await });
    let early = tokio::time::timeout(Duration::from_millis(250), &mut seeking).await;
    assert!(early.is_err(), "shown before its index was applied: {early:?}");
    drop(paused);
    if let Ok(survey) = soon(seeking).await.unwrap() {
        assert_eq!(values(&survey), ["new"]);
    }
    soon(write).await.unwrap().ok();
}

/// As for reads of single keys: a page shows a key just as long as the time it carries is before its deadline.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_page_is_true_to_the_time_it_carries() {
    let rig = Rig::three().await;
    let replies = rig.write(&VOTERS, set_for("key", "v", Expiry::AfterMs(200))).await;
    let [Reply::Written(Written { deadline: Some(deadline), .. })] = &replies.replies[..] else {
        panic!("a key was to be written, and this came: {replies:?}")
    };
    let ends = Instant::now() + LONG;
    let (mut alive, mut expired) = (0, 0);
    while expired < 50 {
        assert!(Instant::now() < ends, "it never expired");
        let Ok(survey) = seek(&rig.at(rig.leader().await), &page(), true).await else { continue };
        let shown = values(&survey).len();
        assert_eq!(shown == 1, survey.time_ms < *deadline, "deadline {deadline}: {survey:?}");
        (alive, expired) = (alive + shown, expired + 1 - shown);
        assert!(expired == 0 || shown == 0, "it came back");
    }
    assert!(alive > 0, "it was never seen");
}
