//! Walks, counts and flushes over every group of a cluster, from any of its nodes.

use std::collections::BTreeSet;
use std::time::Duration;

use raft_store::key::{DEFAULT_NAMESPACE, Key};
use raft_store::map::Position;
use raft_store::slot::slot_of;

use raft_store::command::{Command, Get, Rename, Reply, Txn};

use super::super::{Consistency, Node, Scan, ScanPage, Scope};
use super::fakes::{Alone, key, within};
use super::three::{self, Three, delete, until};
use crate::error::{ErrorKind, Outcome};

const PATIENCE: Duration = Duration::from_secs(10);

fn scan(scope: Scope, cursor: u64, limit: usize) -> Scan {
    let (namespace, consistency) = (DEFAULT_NAMESPACE, Consistency::Linearizable);
    Scan { namespace, scope, cursor, limit, values: false, consistency }
}

/// Every page of a walk.
async fn pages(node: &Node, scope: Scope, limit: usize, prefix: &[u8]) -> Vec<ScanPage> {
    let (mut pages, mut cursor) = (Vec::new(), 0);
    loop {
        let page = node.scan_prefix(scan(scope, cursor, limit), prefix, within(PATIENCE)).await.unwrap();
        cursor = page.next;
        pages.push(page);
        if cursor == 0 {
            return pages;
        }
    }
}

async fn names(node: &Node, scope: Scope, prefix: &[u8]) -> Vec<Key> {
    pages(node, scope, 7, prefix).await.into_iter().flat_map(|page| page.found).map(|(key, _)| key).collect()
}

/// Writes keys and returns them in order of position.
async fn fill(node: &Node, count: usize) -> Vec<Key> {
    let names: Vec<String> = (0..count).map(|n| format!("key:{n}")).collect();
    for name in &names {
        three::write(node, three::set(name, "v")).await.unwrap();
    }
    let mut keys: Vec<Key> = names.iter().map(|name| key(name)).collect();
    keys.sort_by_key(Position::of);
    keys
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_crosses_all_groups_in_order_and_starts_anywhere() {
    let alone = Alone::start().await;
    let node = &alone.node;
    assert_eq!(names(node, Scope::All, b"").await, Vec::<Key>::new());
    assert_eq!(node.random_key(DEFAULT_NAMESPACE, Scope::All, within(PATIENCE)).await, Ok(None));
    let keys = fill(node, 60).await;
    for limit in [1, 7, 100] {
        let pages = pages(node, Scope::All, limit, b"").await;
        assert!(
            pages.iter().all(|page| page.found.len() <= limit && page.times_ms.len() == page.found.len())
        );
        let found = pages.into_iter().flat_map(|page| page.found).map(|(key, _)| key);
        assert_eq!(found.collect::<Vec<_>>(), keys, "limit {limit}");
    }
    let middle = Position::of(&keys[30]).to_number();
    let rest = node.scan(scan(Scope::All, middle, 100), within(PATIENCE)).await.unwrap();
    assert_eq!(rest.found.into_iter().map(|(key, _)| key).collect::<Vec<_>>(), keys[30..]);
    let nonsense = node.scan(scan(Scope::All, u64::MAX, 10), within(PATIENCE)).await.unwrap_err();
    assert_eq!((nonsense.kind, nonsense.outcome), (ErrorKind::BadRequest, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slots_prefixes_values_and_counts() {
    let alone = Alone::start().await;
    let node = &alone.node;
    for name in ["{a}1", "{a}2", "b1", "b2", "b3"] {
        three::write(node, three::set(name, name.to_owned())).await.unwrap();
    }
    let slot = Scope::Slot(slot_of(b"a"));
    assert_eq!(names(node, slot, b"").await.len(), 2);
    assert_eq!(names(node, Scope::All, b"{a}").await.len(), 2);
    assert_eq!(names(node, Scope::All, b"b").await.len(), 3);
    assert_eq!(names(node, Scope::All, b"c").await.len(), 0);
    let count = async |scope| node.count(DEFAULT_NAMESPACE, scope, within(PATIENCE)).await;
    assert_eq!((count(Scope::All).await, count(slot).await), (Ok(5), Ok(2)));
    let with_values = Scan { values: true, ..scan(Scope::All, 0, 10) };
    let page = node.scan(with_values, within(PATIENCE)).await.unwrap();
    assert!(
        page.found.iter().all(|(key, entry)| entry.as_ref().unwrap().value == key.user_key()),
        "{page:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_key_may_be_drawn_even_when_all_share_a_slot() {
    let alone = Alone::start().await;
    let node = &alone.node;
    let tagged: BTreeSet<Key> = (0..5).map(|n| key(&format!("{{t}}{n}"))).collect();
    for name in &tagged {
        let name = String::from_utf8(name.user_key().to_vec()).unwrap();
        three::write(node, three::set(&name, "v")).await.unwrap();
    }
    let mut drawn = BTreeSet::new();
    let ends = within(PATIENCE);
    while drawn.len() < tagged.len() {
        assert!(tokio::time::Instant::now() < ends, "only {drawn:?} are drawn");
        drawn.extend(node.random_key(DEFAULT_NAMESPACE, Scope::All, ends).await.unwrap());
    }
    assert_eq!(drawn, tagged);
}

/// Each node shows the keys of the groups it leads; together they show all, and each the other's as well when asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_divide_the_keys_by_who_leads() {
    let cluster = Three::start().await;
    until("each node leads a group", || (1..=3).all(|node| (1..=3).any(|g| cluster.at(node).leads(g)))).await;
    let keys = fill(cluster.at(1), 60).await;
    let mut seen = Vec::new();
    for node in 1..=3 {
        let node = cluster.at(node);
        assert_eq!(names(node, Scope::All, b"").await, keys);
        let own = names(node, Scope::LedHere, b"").await;
        assert!(
            own.iter().all(|key| node.leads(node.group_of(key).unwrap())),
            "a key led elsewhere: {own:?}"
        );
        let counted = node.count(DEFAULT_NAMESPACE, Scope::LedHere, within(PATIENCE)).await;
        assert_eq!(counted, Ok(own.len() as u64));
        seen.extend(own);
    }
    seen.sort_by_key(Position::of);
    assert_eq!(seen, keys, "leaders did not change meanwhile");
}

/// Any node shows at once what was acknowledged through another one.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_page_from_any_node_shows_what_was_just_acknowledged() {
    let cluster = Three::start().await;
    for round in 0..20 {
        let name = format!("key:{round}");
        let (writer, reader) = (cluster.at(round % 3 + 1), cluster.at((round + 1) % 3 + 1));
        three::write(writer, three::set(&name, "v")).await.unwrap();
        let (count, found) = (
            reader.count(DEFAULT_NAMESPACE, Scope::All, within(PATIENCE)).await,
            names(reader, Scope::All, b"").await,
        );
        assert_eq!((count, found), (Ok(1), vec![key(&name)]));
        three::write(writer, delete(&name)).await.unwrap();
        assert_eq!(names(reader, Scope::All, b"").await, Vec::<Key>::new());
    }
}

/// Two keys of different groups, and one that shares the first one's slot.
fn apart(node: &Node) -> [Key; 3] {
    let first = key("{a}1");
    let group = |key: &Key| node.group_of(key).unwrap();
    let other = (0..).map(|n| key(&format!("other:{n}"))).find(|other| group(other) != group(&first));
    [first, other.expect("there are several groups"), key("{a}2")]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_on_keys_of_two_groups_is_refused_and_changes_nothing() {
    let alone = Alone::start().await;
    let node = &alone.node;
    let [first, other, near] = apart(node);
    three::write(node, three::set("{a}1", "v")).await.unwrap();
    let rename = |to: &Key| Command::Rename(Rename { from: first.clone(), to: to.clone(), if_absent: false });
    let get = |key: &Key| Command::Get(Get { key: key.clone() });
    let txn = |watched: &[&Key], commands: Vec<Command>| {
        let watched = watched.iter().map(|&key| (key.clone(), None)).collect();
        Command::Txn(Txn { watched, commands })
    };
    let across = [
        rename(&other),
        txn(&[], vec![get(&first), get(&other)]),
        txn(&[&other], vec![get(&first)]),
        txn(&[&near, &other], vec![]),
        txn(&[], vec![get(&near), rename(&other)]),
    ];
    for command in across {
        let error = three::write(node, command.clone()).await.unwrap_err();
        let expected = (ErrorKind::CrossGroup, Some(Outcome::NotApplied));
        assert_eq!((error.kind, error.outcome), expected, "{command:?}");
    }
    let empty = three::write(node, txn(&[], vec![])).await.unwrap_err();
    assert_eq!((empty.kind, empty.outcome), (ErrorKind::BadRequest, Some(Outcome::NotApplied)));
    assert_eq!(names(node, Scope::All, b"").await, std::slice::from_ref(&first));
    let done = three::write(node, txn(&[&near], vec![rename(&near), get(&near)])).await.unwrap();
    assert!(matches!(&done.reply, Reply::Many(replies) if replies.len() == 2), "{done:?}");
    assert_eq!(names(node, Scope::All, b"").await, [near]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_flush_drops_the_keys_of_its_scope() {
    let cluster = Three::start().await;
    until("each node leads a group", || (1..=3).all(|node| (1..=3).any(|g| cluster.at(node).leads(g)))).await;
    let keys = fill(cluster.at(1), 40).await;
    let node = cluster.at(2);
    node.flush(DEFAULT_NAMESPACE, Scope::LedHere, within(PATIENCE)).await.unwrap();
    let left: Vec<Key> = keys.into_iter().filter(|key| !node.leads(node.group_of(key).unwrap())).collect();
    assert_eq!(names(cluster.at(3), Scope::All, b"").await, left);
    let one = node.flush(DEFAULT_NAMESPACE, Scope::Slot(7), within(PATIENCE)).await.unwrap_err();
    assert_eq!((one.kind, one.outcome), (ErrorKind::BadRequest, Some(Outcome::NotApplied)));
    node.flush(DEFAULT_NAMESPACE, Scope::All, within(PATIENCE)).await.unwrap();
    assert_eq!(cluster.at(1).count(DEFAULT_NAMESPACE, Scope::All, within(PATIENCE)).await, Ok(0));
    assert!(cluster.at(1).ready().ready, "the cluster's own state is no namespace's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_topology_names_a_leader_for_every_slot() {
    let cluster = Three::start().await;
    for node in (1..=3).map(|node| cluster.at(node)) {
        let all_led = || node.topology().unwrap().slots.iter().all(|range| range.leader.is_some());
        until("every group has a leader", all_led).await;
        let topology = node.topology().unwrap();
        assert_eq!((topology.me, topology.nodes.len()), (node.id(), 3));
        let mut next = 0;
        for range in &topology.slots {
            assert_eq!(u32::from(range.from), next, "slots are in order and none is missing");
            next = u32::from(range.to) + 1;
            let mut voters = range.replicas.clone();
            voters.extend(range.leader);
            voters.sort_unstable();
            assert_eq!(voters, [1, 2, 3]);
        }
        assert_eq!(next, 16_384);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn leaders_of_groups_a_node_has_no_part_in_are_known_to_it_without_a_request() {
    let three = Three::with(|config| config.replication = 1).await;
    for node in (1..=3).map(|node| three.at(node)) {
        let all = node.topology().unwrap().slots;
        assert!(all.iter().any(|range| node.inner.host.get(range.group).is_none()), "it does not hold all");
        let all_led = || node.topology().unwrap().slots.iter().all(|range| range.leader.is_some());
        until("every group has a leader", all_led).await;
        for range in node.topology().unwrap().slots {
            assert!(three.at(range.leader.unwrap()).leads(range.group), "and the one who leads it");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_wrong_word_of_who_leads_is_corrected_though_nobody_asks_for_a_key() {
    let three = Three::with(|config| config.replication = 1).await;
    let node = three.at(1);
    let groups = node.inner.doc().unwrap().groups.clone();
    let (&group, voters) = groups.iter().find(|(_, voters)| !voters.contains(&1)).unwrap();
    let wrong = (2..=3).find(|node| !voters.contains(node)).unwrap();
    node.inner.note_leader(group, Some(wrong));
    let named = || node.topology().unwrap().slots.iter().find(|range| range.group == group).unwrap().leader;
    until("the one who leads is named", || named().is_some_and(|leader| voters.contains(&leader))).await;
}
