//! Many requests at once, over several groups: answers stand where they were asked for.

use std::collections::BTreeSet;
use std::time::Duration;

use raft_store::command::Reply;

use super::super::{Consistency, Read};
use super::fakes::*;

const KEYS: usize = 30;
const ROUNDS: usize = 3;

/// Each key gets its own name, so that an answer in the wrong place has the wrong length or value.
fn name(number: usize) -> String {
    format!("key-{}", "k".repeat(number + 1))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_answers_come_in_the_order_asked_and_commands_of_a_key_keep_theirs() {
    let alone = Alone::start().await;
    let groups: BTreeSet<_> = (0..KEYS).map(|n| alone.node.group_of(&key(&name(n))).unwrap()).collect();
    assert!(groups.len() > 1, "all keys fell into one group");
    let asked = || (0..ROUNDS).flat_map(|round| (0..KEYS).map(move |number| (round, number)));
    let commands = asked().map(|(round, number)| append(&name(number), &format!("{round}{}", name(number))));
    let written = alone.node.write_many(commands.collect(), within(Duration::from_secs(10))).await;
    for ((round, number), written) in asked().zip(written) {
        let Ok(Reply::Written(written)) = written.map(|ok| ok.reply) else { panic!("{round}/{number}") };
        assert_eq!(written.len as usize, (round + 1) * (1 + name(number).len()), "{round}/{number}");
    }
    let reads: Vec<_> = (0..KEYS)
        .map(|number| {
            let consistency = [Consistency::Linearizable, Consistency::Lease, Consistency::Local][number % 3];
            Read { key: key(&name(number)), consistency, max_staleness: None }
        })
        .collect();
    let found = alone.node.read_many(reads, within(Duration::from_secs(10))).await;
    for (number, found) in found.into_iter().enumerate() {
        let expected: String = (0..ROUNDS).map(|round| format!("{round}{}", name(number))).collect();
        let entry = found.unwrap().entry;
        assert_eq!(entry.map(|entry| entry.value), Some(expected.into()), "{number}");
    }
}
