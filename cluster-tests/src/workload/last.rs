//! The last look at every key, once nobody writes any more: what was acknowledged must be there, at every node.

use std::collections::BTreeSet;

use anyhow::Context;

use super::shared::{Caller, Node, Shared};
use crate::client::OPERATION_TIMEOUT;
use crate::history::{Consistency, Input, Operation, Outcome};
use crate::wait;

/// Keys read at once: their values may be huge.
const READ_AT_ONCE: usize = 32;

/// Reads all keys at one node; every read must be answered by now.
pub(super) async fn read_all(
    shared: &Shared,
    node: Node,
    keys: &BTreeSet<String>,
) -> anyhow::Result<Vec<Operation>> {
    let process = shared.new_process();
    let mut caller = Caller::new(process, process, shared.protocol);
    let keys: Vec<&String> = keys.iter().collect();
    let mut history = Vec::with_capacity(keys.len());
    for some in keys.chunks(READ_AT_ONCE) {
        let reads: Vec<_> =
            some.iter().map(|key| ((*key).clone(), Input::Get(Consistency::Linearizable))).collect();
        let mut refused = None;
        let read = wait::until("last reads are answered", OPERATION_TIMEOUT * 3, async || {
            let done = caller.batch(shared, node, reads.clone()).await;
            refused = done.iter().find(|op| op.outcome != Outcome::Ok).cloned();
            refused.is_none().then_some(done)
        });
        let read = read.await.with_context(|| format!("node {}: {refused:?}", node.0));
        history.extend(read?);
    }
    Ok(history)
}
