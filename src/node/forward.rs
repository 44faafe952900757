//! Writes for groups that other nodes lead, on their way there: those that gather in one turn of this node travel in one
//! message for each group, and are proposed together.
//!
//! Relies on the leader proposing all commands of a message or none. Guarantees that each write is told what is certain of
//! it: an answer for all of them is every one's, but for a refusal, which may have been meant for one; nothing was proposed
//! then, so each is asked for alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use parking_lot::Mutex;
use raft_store::command::Replies;
use raft_store::limits::{PACKED_BYTES_TARGET, PACKED_COMMANDS_MAX};
use raft_store::{GroupId, NodeId};
use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;
use tokio::time::Instant;

use super::peer::{self, Declined, Forwarded};
use super::route::{left, millis_until};
use super::traced;
use crate::error::Outcome;
use crate::group::Batch;
use crate::limits::{FORWARDED_DEADLINES_WITHIN, FORWARDED_QUEUED_MAX};
use crate::trace::{self, Traced};
use crate::transport::{CallError, Transport};

/// What became of a write that was sent, or was to be.
pub(super) type Told = Result<Forwarded<Replies>, CallError>;

/// The writes on their way to other nodes.
#[derive(Debug)]
pub(super) struct Forwarder {
    transport: Transport,
    queues: Mutex<BTreeMap<NodeId, mpsc::Sender<Part>>>,
}

/// One write.
#[derive(Debug)]
struct Part {
    group: GroupId,
    batch: Batch,
    deadline: Instant,
    /// If its way is logged; it travels by itself then.
    traced: Option<Arc<Traced>>,
    told: oneshot::Sender<Told>,
}

impl Forwarder {
    pub(super) fn new(transport: Transport) -> Self {
        Self { transport, queues: Mutex::default() }
    }

    /// Has a node propose commands of a group. Ends by the deadline, or up to [`FORWARDED_DEADLINES_WITHIN`] before.
    pub(super) async fn write(&self, node: NodeId, group: GroupId, batch: Batch, deadline: Instant) -> Told {
        let (told, outcome) = oneshot::channel();
        let part = Part { group, batch, deadline, traced: trace::traced(), told };
        if self.queue_to(node).try_send(part).is_err() {
            return Err(CallError::NotSent(format!("too many writes wait to be sent to node {node}")));
        }
        outcome.await.unwrap_or_else(|_| Err(CallError::Lost("the node is stopping".into())))
    }

    fn queue_to(&self, node: NodeId) -> mpsc::Sender<Part> {
        let begin = || {
            let (queue, parts) = mpsc::channel(FORWARDED_QUEUED_MAX);
            tokio::spawn(forward(self.transport.clone(), node, parts));
            queue
        };
        self.queues.lock().entry(node).or_insert_with(begin).clone()
    }
}

/// Sends what gathers to one node, until the forwarder is gone.
async fn forward(transport: Transport, node: NodeId, mut queue: mpsc::Receiver<Part>) {
    let (mut parts, mut under_way) = (Vec::new(), FuturesUnordered::new());
    loop {
        tokio::select! {
            received = queue.recv_many(&mut parts, FORWARDED_QUEUED_MAX) => {
                if received == 0 {
                    return;
                }
                // Whoever writes in this turn comes along.
                yield_now().await;
                while let Ok(part) = queue.try_recv() {
                    parts.push(part);
                }
                under_way.extend(bunches(&mut parts).into_iter().map(|bunch| send(&transport, node, bunch)));
            }
            Some(()) = under_way.next() => {}
        }
    }
}

/// Sorts writes by what can travel together; each bunch keeps their order.
fn bunches(parts: &mut Vec<Part>) -> Vec<Vec<Part>> {
    parts.sort_by_key(|part| part.group);
    let mut bunches: Vec<Vec<Part>> = Vec::new();
    let (mut bytes, mut commands) = (0, 0);
    for part in parts.drain(..) {
        bytes += part.batch.commands.len();
        commands += part.batch.count as usize;
        let fits = bytes <= PACKED_BYTES_TARGET && commands <= PACKED_COMMANDS_MAX;
        match bunches.last_mut() {
            Some(bunch) if fits && go_together(&bunch[0], &part) => bunch.push(part),
            _ => {
                (bytes, commands) = (part.batch.commands.len(), part.batch.count as usize);
                bunches.push(vec![part]);
            }
        }
    }
    bunches
}

fn go_together(first: &Part, other: &Part) -> bool {
    let apart = first.deadline.max(other.deadline) - first.deadline.min(other.deadline);
    let alone = first.traced.is_some() || other.traced.is_some();
    !alone && first.group == other.group && apart <= FORWARDED_DEADLINES_WITHIN
}

/// Sends one bunch and tells everyone.
async fn send(transport: &Transport, node: NodeId, bunch: Vec<Part>) {
    let told = ask(transport, node, &bunch).await;
    if bunch.len() > 1 && is_refusal(&told) {
        join_all(bunch.into_iter().map(|part| async move {
            let alone = ask(transport, node, std::slice::from_ref(&part)).await;
            tell(vec![part], alone);
        }))
        .await;
    } else {
        tell(bunch, told);
    }
}

/// Whether nothing was proposed for a reason that need not hold for each write alone.
fn is_refusal(told: &Told) -> bool {
    matches!(told, Ok(Err(Declined::Error(error))) if error.outcome == Some(Outcome::NotApplied))
}

async fn ask(transport: &Transport, node: NodeId, bunch: &[Part]) -> Told {
    let deadline = bunch.iter().map(|part| part.deadline).min().unwrap_or_else(Instant::now);
    let batch = joined(bunch);
    let body = peer::put_write(bunch[0].group, millis_until(deadline), &batch);
    let traced = bunch[0].traced.clone();
    let answer = traced::call(transport, node, peer::WRITE, body, left(deadline), traced).await?;
    match peer::forwarded(answer, peer::written) {
        Ok(Ok(written)) if written.replies.len() != batch.count as usize => {
            let (told, asked) = (written.replies.len(), batch.count);
            let detail = format!("answered with {told} replies to {asked} commands");
            Err(CallError::Lost(detail))
        }
        Ok(answer) => Ok(answer),
        Err(error) => Err(CallError::Lost(format!("answered nonsense: {error}"))),
    }
}

fn joined(bunch: &[Part]) -> Batch {
    match bunch {
        [part] => part.batch.clone(),
        parts => Batch::joined(parts.iter().map(|part| &part.batch)),
    }
}

/// Tells everyone: the replies to its own commands, or else what is true of all.
fn tell(bunch: Vec<Part>, told: Told) {
    match told {
        Ok(Ok(Replies { time_ms, replies })) => {
            let mut replies = replies.into_iter();
            for part in bunch {
                let replies = replies.by_ref().take(part.batch.count as usize).collect();
                // Whoever asked may have gone away.
                let _ = part.told.send(Ok(Ok(Replies { time_ms, replies })));
            }
        }
        refused => bunch.into_iter().for_each(|part| drop(part.told.send(refused.clone()))),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;

    /// The shape of the bunches made of writes of these groups, numbers of commands and deadlines, ms from now.
    fn shape(writes: &[(GroupId, u32, u64)]) -> Vec<Vec<u32>> {
        let now = Instant::now();
        let part = |&(group, count, ms): &(GroupId, u32, u64)| {
            let batch = Batch::received(Bytes::new(), count);
            let deadline = now + Duration::from_millis(ms);
            Part { group, batch, deadline, traced: None, told: oneshot::channel().0 }
        };
        let mut parts = writes.iter().map(part).collect();
        let bunches = bunches(&mut parts);
        bunches.iter().map(|bunch| bunch.iter().map(|part| part.batch.count).collect()).collect()
    }

    #[test]
    fn writes_of_one_group_travel_together_in_order() {
        assert_eq!(shape(&[(2, 1, 0), (1, 2, 0), (2, 3, 0), (1, 4, 0)]), [[2, 4], [1, 3]]);
        assert_eq!(shape(&[]), Vec::<Vec<u32>>::new());
    }

    #[test]
    fn a_message_ends_before_it_is_too_long_or_would_end_too_early_for_some() {
        let max = PACKED_COMMANDS_MAX as u32;
        assert_eq!(shape(&[(1, max - 1, 0), (1, 1, 0), (1, 1, 0)]), [vec![max - 1, 1], vec![1]]);
        assert_eq!(shape(&[(1, max + 1, 0), (1, 1, 0)]), [[max + 1], [1]]);
        let within = FORWARDED_DEADLINES_WITHIN.as_millis() as u64;
        assert_eq!(shape(&[(1, 1, 0), (1, 2, within), (1, 3, within + 1)]), [vec![1, 2], vec![3]]);
        assert_eq!(shape(&[(1, 1, 1000), (1, 2, 0)]), [[1], [2]]);
    }
}
