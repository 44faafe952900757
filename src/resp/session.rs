//! What a connection has chosen and begun: its protocol, its freshness, its transaction. No socket, no cluster.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use bytes::{Bytes, BytesMut};
use raft_store::key::{DEFAULT_NAMESPACE, Key};

use super::clients::Client;
use super::encode::{self, Protocol};
use super::parse::Frame;
use super::plan::Context;
use super::value::Value;
use crate::auth::Grant;
use crate::clock;
use crate::config::{Config, Consistency};
use crate::limits::{RESP_QUEUED_BYTES_MAX, RESP_QUEUED_COMMANDS_MAX};

/// Which of the two listeners a connection came in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// A single Redis server: any node answers for any key.
    Plain,
    /// A node of a Redis Cluster, which sends clients to the leader of a slot.
    Cluster,
}

/// Which answers a connection wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Replies {
    /// All.
    On,
    /// None.
    Off,
    /// All but the next.
    SkipNext,
}

/// The user of who shows no token, and a name that fits every token: clients send it when they are given a password only.
pub(super) const USER_DEFAULT: &str = "default";

/// What an argument that is kept takes beside its bytes: how it is named, and what the allocator adds.
const ARGUMENT_BYTES: usize = size_of::<Bytes>() + 32;

/// Keys with the versions they had.
type Watched = Vec<(Key, Option<u64>)>;

/// Commands between `MULTI` and `EXEC`.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// The commands, with their names.
    pub(super) frames: Vec<Frame>,
    /// Bytes they take.
    bytes: usize,
    /// Whether one was refused, so that `EXEC` will be too.
    pub(super) spoilt: bool,
}

impl Queue {
    /// Adds a command; the error that answers it when there is no room. A transaction that comes to nothing keeps none.
    ///
    /// What is kept are copies: an argument may share the buffer it was read into, which can be many times as large.
    pub(super) fn push(&mut self, frame: &[Bytes]) -> Result<(), Value> {
        if self.spoilt {
            return Ok(());
        }
        self.bytes += frame.iter().map(|argument| argument.len() + ARGUMENT_BYTES).sum::<usize>();
        if self.frames.len() >= RESP_QUEUED_COMMANDS_MAX || self.bytes > RESP_QUEUED_BYTES_MAX {
            return Err(Value::err("too many commands are queued in this transaction"));
        }
        self.frames.push(frame.iter().map(|argument| Bytes::copy_from_slice(argument)).collect());
        Ok(())
    }
}

/// One connection's state.
#[derive(Debug)]
pub(super) struct Session {
    /// What others see of it.
    pub(super) client: Arc<Client>,
    /// How it came in.
    pub(super) face: Face,
    /// The version of the protocol it speaks.
    pub(super) protocol: Protocol,
    /// Which answers it wants.
    pub(super) replies: Replies,
    /// How fresh its reads are.
    pub(super) consistency: Consistency,
    /// Whether it reads from replicas (`READONLY`).
    pub(super) readonly: bool,
    /// Its transaction.
    pub(super) queue: Option<Queue>,
    /// Keys it watches, with the versions they had; `None`: they were absent.
    pub(super) watched: Watched,
    /// What the token it showed allows; `None`: it showed none.
    pub(super) grant: Option<Arc<Grant>>,
    /// Commands so far.
    pub(super) commands: u64,
    /// Whether it ends once its answers are sent.
    pub(super) closing: bool,
    value_bytes_max: usize,
    consistency_default: Consistency,
}

impl Session {
    /// At the start of a connection.
    pub(super) fn new(client: Arc<Client>, face: Face, config: &Config) -> Self {
        Self {
            client,
            face,
            protocol: Protocol::default(),
            replies: Replies::On,
            consistency: config.resp_consistency,
            readonly: false,
            queue: None,
            watched: Vec::new(),
            grant: None,
            commands: 0,
            closing: false,
            value_bytes_max: config.value_max,
            consistency_default: config.resp_consistency,
        }
    }

    /// What its commands are planned and answered by now.
    pub(super) fn context(&self) -> Context {
        let (namespace, value_bytes_max) = (DEFAULT_NAMESPACE, self.value_bytes_max);
        Context { namespace, value_bytes_max, wall_ms: clock::wall_ms() }
    }

    /// Writes an answer, if this connection wants it.
    pub(super) fn answer(&mut self, value: &Value, out: &mut BytesMut) {
        match self.replies {
            Replies::On => encode::put(out, value, self.protocol),
            Replies::Off => {}
            Replies::SkipNext => self.replies = Replies::On,
        }
    }

    /// Speaks this version from now on.
    pub(super) fn speak(&mut self, protocol: Protocol) {
        self.protocol = protocol;
        self.client.protocol.store(protocol.number(), Relaxed);
    }

    /// Begins a transaction.
    pub(super) fn begin(&mut self) {
        self.queue = Some(Queue::default());
        self.show_queue();
    }

    /// Ends the transaction, if there is one, and forgets the keys watched for it.
    pub(super) fn end_transaction(&mut self) -> Option<(Queue, Watched)> {
        let queue = self.queue.take()?;
        self.show_queue();
        Some((queue, std::mem::take(&mut self.watched)))
    }

    /// Shows others how many commands wait.
    pub(super) fn show_queue(&self) {
        let queued = self.queue.as_ref().map_or(-1, |queue| queue.frames.len() as i64);
        self.client.queued.store(queued, Relaxed);
    }

    /// The name of its user.
    pub(super) fn user(&self) -> &str {
        self.grant.as_ref().map_or(USER_DEFAULT, |grant| &grant.user)
    }

    /// Has the rights of a token from now on.
    pub(super) fn sign_in(&mut self, grant: Arc<Grant>) {
        *self.client.user.lock() = Bytes::from(grant.user.clone());
        self.grant = Some(grant);
    }

    /// Has no rights any more; what it began with them is dropped.
    pub(super) fn sign_out(&mut self) {
        self.end_transaction();
        self.watched.clear();
        self.grant = None;
        *self.client.user.lock() = Bytes::from_static(USER_DEFAULT.as_bytes());
    }

    /// Back to how a connection begins (`RESET`).
    pub(super) fn reset(&mut self) {
        self.sign_out();
        self.speak(Protocol::default());
        self.replies = Replies::On;
        self.consistency = self.consistency_default;
        self.readonly = false;
        *self.client.name.lock() = Bytes::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(arguments: usize, len: usize) -> Frame {
        vec![Bytes::from(vec![b'x'; len]); arguments]
    }

    #[test]
    fn a_transaction_has_a_most_of_commands_and_of_bytes() {
        let mut commands = Queue::default();
        let pushed = (0..=RESP_QUEUED_COMMANDS_MAX).filter(|_| commands.push(&frame(1, 1)).is_ok()).count();
        assert_eq!(pushed, RESP_QUEUED_COMMANDS_MAX);
        for (arguments, len) in [(2, 1 << 20), (1 << 16, 0)] {
            let mut queue = Queue::default();
            let pushed = (0..1000).take_while(|_| queue.push(&frame(arguments, len)).is_ok()).count();
            assert_eq!(pushed, RESP_QUEUED_BYTES_MAX / (arguments * (len + ARGUMENT_BYTES)));
        }
    }

    #[test]
    fn what_is_queued_keeps_no_larger_buffer_alive() {
        let mut large = BytesMut::from(&[b'x'; 9000][..]);
        let argument = large.split_to(600).freeze();
        let mut queue = Queue::default();
        queue.push(std::slice::from_ref(&argument)).unwrap();
        assert_ne!(queue.frames[0][0].as_ptr(), argument.as_ptr());
        assert_eq!(queue.frames, [[argument]]);
    }

    #[test]
    fn a_transaction_that_comes_to_nothing_keeps_nothing_more() {
        let mut queue = Queue { spoilt: true, ..Queue::default() };
        assert_eq!((queue.push(&frame(1, 1)), queue.frames.len()), (Ok(()), 0));
    }
}
