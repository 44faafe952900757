//! Local reads at a node without a replica of its own: it passes on what others hold.

use std::time::Duration;

use raft_store::map::Lookup;

use super::super::Consistency;
use super::super::peer::{self, Looked, ReadKeys};
use super::fakes::*;
use crate::group::Lookups;

const SECOND: Duration = Duration::from_secs(1);

fn state(version: u64) -> Looked {
    Looked { lookups: Lookups { time_ms: 9, version, found: vec![Lookup::Miss] }, staleness_ms: None }
}

/// Reads one key of a group that others hold, while somebody always says who that is.
async fn read(alone: &Alone, other: &Fake) -> Looked {
    let (group, consistency, keys) = (ELSEWHERE, Consistency::Local, vec![key("key")]);
    let read = ReadKeys { group, consistency, timeout_ms: 5000, keys };
    let naming = async {
        loop {
            alone.introduce(2, &other.addr());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::select! {
        looked = alone.inner().read_group(read, within(5 * SECOND)) => looked.unwrap(),
        () = naming => unreachable!("it names for ever"),
    }
}

/// As when one replica answers first and another, which is behind it, next.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_older_than_one_that_was_shown_is_not_shown() {
    let alone = Alone::start().await;
    let versions = [130, 124, 130, 131];
    let other = Fake::start(2, peer::READ, move |call| {
        Some(peer::put_forwarded(&Ok(state(versions[call - 1])), peer::put_found))
    })
    .await;
    assert_eq!(read(&alone, &other).await, state(130));
    assert_eq!(read(&alone, &other).await, state(130), "124 went before it, and was asked again");
    assert_eq!(read(&alone, &other).await, state(131));
    assert_eq!(other.calls(), versions.len());
}
