//! Receives snapshots that a leader streams: chunks go to the store in order, and only a whole one is
//! installed. A stream that is broken off leaves nothing behind.

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use openraft::storage::Snapshot;
use raft_store::GroupId;
use raft_store::codec::{DecodeError, Decoder, put_u32};
use raft_store::raft::{SnapshotMeta, Vote, messages};
use raft_store::snapshot_store::{SnapshotStore, SnapshotWriter, StoredSnapshot};
use tokio::sync::mpsc;

use super::{Raft, wire};
use crate::limits::SNAPSHOT_MESSAGES_QUEUED_MAX;
use crate::transport::{Answer, Service};

enum Message {
    Begin(SnapshotMeta),
    Chunk { stream: u32, index: u32, frame: Bytes },
    End { stream: u32, vote: Vote },
}

/// The entrance to one group's receiver.
#[derive(Debug)]
pub(crate) struct SnapshotReceiver {
    queue: mpsc::Sender<(Message, Answer)>,
}

impl SnapshotReceiver {
    pub(crate) fn spawn(group: GroupId, raft: Raft, store: SnapshotStore) -> Self {
        let (queue, messages) = mpsc::channel(SNAPSHOT_MESSAGES_QUEUED_MAX);
        let worker = Worker { group, raft, store, begun: 0, stream: None };
        tokio::spawn(worker.run(messages));
        Self { queue }
    }

    /// Handles one message; one that fails or does not fit into the queue is left unanswered, which ends the
    /// sender's stream.
    pub(crate) fn handle(&self, service: Service, body: Bytes, answer: Answer) -> Result<(), DecodeError> {
        let message = wire::decode(body, |input| message(service, input))?;
        let _ = self.queue.try_send((message, answer));
        Ok(())
    }
}

fn message(service: Service, input: &mut Decoder) -> Result<Message, DecodeError> {
    Ok(match service {
        wire::SNAPSHOT_BEGIN => Message::Begin(messages::snapshot_meta(input)?),
        wire::SNAPSHOT_CHUNK => {
            let (stream, index) = (input.u32()?, input.u32()?);
            Message::Chunk { stream, index, frame: input.take(input.remaining())? }
        }
        _ => Message::End { stream: input.u32()?, vote: messages::vote(input)? },
    })
}

/// The stream under way.
struct Stream {
    number: u32,
    meta: SnapshotMeta,
    writer: SnapshotWriter,
}

struct Worker {
    group: GroupId,
    raft: Raft,
    store: SnapshotStore,
    begun: u32,
    stream: Option<Stream>,
}

impl Worker {
    async fn run(mut self, mut messages: mpsc::Receiver<(Message, Answer)>) {
        while let Some((message, answer)) = messages.recv().await {
            match self.handle(message).await {
                Ok(body) => answer.send(body),
                Err(error) => {
                    tracing::warn!(group = self.group, "snapshot stream ended: {error:#}");
                    self.stream = None;
                }
            }
        }
    }

    async fn handle(&mut self, message: Message) -> anyhow::Result<Bytes> {
        match message {
            Message::Begin(meta) => self.begin(meta).await,
            Message::Chunk { stream, index, frame } => self.chunk(stream, index, frame).await,
            Message::End { stream, vote } => self.install(stream, vote).await,
        }
    }

    /// Begins a stream, in the place of any other.
    async fn begin(&mut self, meta: SnapshotMeta) -> anyhow::Result<Bytes> {
        self.stream = None;
        let (store, group) = (self.store.clone(), self.group);
        let writer = tokio::task::spawn_blocking(move || store.begin(group)).await??;
        self.begun += 1;
        self.stream = Some(Stream { number: self.begun, meta, writer });
        Ok(wire::encode(|out| put_u32(out, self.begun)))
    }

    async fn chunk(&mut self, number: u32, index: u32, frame: Bytes) -> anyhow::Result<Bytes> {
        let mut stream = self.take(number)?;
        ensure!(
            stream.writer.chunks() == index,
            "chunk {index} came when {} was due",
            stream.writer.chunks()
        );
        let write = move || stream.writer.put_raw(&frame).map(|()| stream);
        self.stream = Some(tokio::task::spawn_blocking(write).await??);
        Ok(Bytes::new())
    }

    async fn install(&mut self, number: u32, vote: Vote) -> anyhow::Result<Bytes> {
        let Stream { meta, writer, .. } = self.take(number)?;
        let finish = move || writer.finish(&meta).map(|stored| (meta, stored));
        let (meta, stored): (_, StoredSnapshot) = tokio::task::spawn_blocking(finish).await??;
        let response = self.raft.install_full_snapshot(vote, Snapshot { meta, snapshot: stored }).await?;
        Ok(wire::encode(|out| messages::put_vote(out, &response.vote)))
    }

    fn take(&mut self, number: u32) -> anyhow::Result<Stream> {
        let stream = self.stream.take().context("no snapshot stream is under way")?;
        ensure!(stream.number == number, "stream {number} was replaced by stream {}", stream.number);
        Ok(stream)
    }
}
