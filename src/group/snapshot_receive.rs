//! Receives snapshots that a leader streams: chunks go to the store in order, and only a whole one is installed.
//!
//! What came before a connection broke is kept for [`SNAPSHOT_RESUME_WITHIN`]: a sender that offers the very same
//! snapshot again, judged by [`Offer`], goes on behind it. One stream for each group is kept, so an offer of any
//! other snapshot drops it, as do chunks that do not check and the group's end. What is dropped leaves nothing
//! behind. The map is built before openraft hears of the snapshot, because a Raft task answers no heartbeat and
//! gives no vote while it installs one.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use openraft::storage::Snapshot;
use raft_store::codec::{DecodeError, Decoder, put_u32};
use raft_store::raft::{Prepared, SnapshotMeta, Vote, messages};
use raft_store::snapshot_store::{SnapshotStore, SnapshotWriter, StoredSnapshot};
use raft_store::{GroupId, blocking};
use tokio::sync::mpsc;

use super::wire::{self, Offer};
use super::{Raft, metrics_of};
use crate::limits::{SNAPSHOT_MESSAGES_QUEUED_MAX, SNAPSHOT_RESUME_WITHIN};
use crate::transport::{Answer, Service};

enum Message {
    Begin(Offer),
    Chunk { stream: u32, index: u32, frame: Bytes },
    End { stream: u32, vote: Vote },
}

/// The entrance to one group's receiver.
#[derive(Debug)]
pub(crate) struct SnapshotReceiver {
    queue: mpsc::Sender<(Message, Answer)>,
}

impl SnapshotReceiver {
    pub(crate) fn spawn(group: GroupId, raft: Raft, store: SnapshotStore, prepared: Prepared) -> Self {
        Self::spawn_with(group, raft, store, prepared, SNAPSHOT_RESUME_WITHIN)
    }

    /// [`Self::spawn`] with another time for which a broken stream is kept.
    pub(super) fn spawn_with(
        group: GroupId,
        raft: Raft,
        store: SnapshotStore,
        prepared: Prepared,
        kept_for: Duration,
    ) -> Self {
        let (queue, messages) = mpsc::channel(SNAPSHOT_MESSAGES_QUEUED_MAX);
        let worker = Worker { group, raft, store, prepared, kept_for, begun: 0, stream: None };
        tokio::spawn(worker.run(messages));
        Self { queue }
    }

    /// Handles one message; one that fails or does not fit into the queue is left unanswered, which ends the
    /// sender's attempt.
    pub(crate) fn handle(&self, service: Service, body: Bytes, answer: Answer) -> Result<(), DecodeError> {
        let message = wire::decode(body, |input| message(service, input))?;
        let _ = self.queue.try_send((message, answer));
        Ok(())
    }
}

fn message(service: Service, input: &mut Decoder) -> Result<Message, DecodeError> {
    Ok(match service {
        wire::SNAPSHOT_BEGIN => Message::Begin(Offer::read(input)?),
        wire::SNAPSHOT_CHUNK => {
            let (stream, index) = (input.u32()?, input.u32()?);
            Message::Chunk { stream, index, frame: input.take(input.remaining())? }
        }
        _ => Message::End { stream: input.u32()?, vote: messages::vote(input)? },
    })
}

/// The stream under way, or the one that broke off.
struct Stream {
    /// Changes each time the sender begins: messages of an earlier attempt are seen as such.
    number: u32,
    offer: Offer,
    content: Content,
}

enum Content {
    Coming(SnapshotWriter),
    /// All of it: kept until the stream is dropped, since the answer to its end may get lost.
    Whole(StoredSnapshot),
}

impl Content {
    /// The chunk that is due.
    fn next(&self) -> u32 {
        match self {
            Self::Coming(writer) => writer.chunks(),
            Self::Whole(stored) => stored.chunks(),
        }
    }
}

struct Worker {
    group: GroupId,
    raft: Raft,
    store: SnapshotStore,
    prepared: Prepared,
    kept_for: Duration,
    begun: u32,
    stream: Option<Stream>,
}

impl Worker {
    async fn run(mut self, mut messages: mpsc::Receiver<(Message, Answer)>) {
        loop {
            let next = match self.stream {
                Some(_) => tokio::time::timeout(self.kept_for, messages.recv()).await,
                None => Ok(messages.recv().await),
            };
            match next {
                Ok(Some((message, answer))) => match self.handle(message).await {
                    Ok(body) => answer.send(body),
                    Err(error) => tracing::warn!(group = self.group, "snapshot not received: {error:#}"),
                },
                Ok(None) => break,
                Err(_) => self.drop_stream().await,
            }
        }
        self.drop_stream().await;
    }

    async fn handle(&mut self, message: Message) -> anyhow::Result<Bytes> {
        match message {
            Message::Begin(offer) => self.begin(offer).await,
            Message::Chunk { stream, index, frame } => self.chunk(stream, index, frame).await,
            Message::End { stream, vote } => self.end(stream, vote).await,
        }
    }

    /// Goes on with the stream of the same snapshot, or begins one in the place of any other.
    async fn begin(&mut self, offer: Offer) -> anyhow::Result<Bytes> {
        let content = match self.stream.take() {
            Some(stream) if stream.offer == offer => stream.content,
            _ => {
                let (store, group) = (self.store.clone(), self.group);
                Content::Coming(blocking::run(move || store.begin(group)).await??)
            }
        };
        self.begun += 1;
        let (number, next) = (self.begun, content.next());
        tracing::info!(
            group = self.group,
            from = offer.sender,
            next,
            chunks = offer.chunks,
            "snapshot coming"
        );
        self.stream = Some(Stream { number, offer, content });
        Ok(wire::encode(|out| {
            put_u32(out, number);
            put_u32(out, next);
        }))
    }

    async fn chunk(&mut self, number: u32, index: u32, frame: Bytes) -> anyhow::Result<Bytes> {
        let due = self.stream(number)?.content.next();
        ensure!(index == due, "chunk {index} came when {due} was due");
        let Some(Stream { offer, content: Content::Coming(mut writer), .. }) = self.stream.take() else {
            anyhow::bail!("chunk {index} is one too many");
        };
        let write = move || writer.put_raw(&frame).map(|()| writer);
        let content = Content::Coming(blocking::run(write).await??);
        self.stream = Some(Stream { number, offer, content });
        Ok(Bytes::new())
    }

    async fn end(&mut self, number: u32, vote: Vote) -> anyhow::Result<Bytes> {
        let stream = self.stream(number)?;
        let (next, chunks) = (stream.content.next(), stream.offer.chunks);
        let meta = stream.offer.meta.clone();
        ensure!(next == chunks, "the stream ended at chunk {next} of {chunks}");
        let stored = self.whole().await?;
        if let Err(error) = self.prepare(&stored, &meta).await {
            self.drop_stream().await;
            return Err(error);
        }
        let snapshot = Snapshot { meta, snapshot: stored };
        let installed = self.raft.install_full_snapshot(vote, snapshot).await;
        // What openraft had no use for is not kept.
        let prepared = self.prepared.clone();
        blocking::run(move || prepared.clear()).await?;
        let vote = installed?.vote;
        Ok(wire::encode(|out| messages::put_vote(out, &vote)))
    }

    /// Builds the map, unless openraft will have no use for it.
    async fn prepare(&self, stored: &StoredSnapshot, meta: &SnapshotMeta) -> anyhow::Result<()> {
        if metrics_of(&self.raft).last_applied >= meta.last_log_id {
            return Ok(());
        }
        let (prepared, stored) = (self.prepared.clone(), stored.clone());
        Ok(blocking::run(move || prepared.prepare(&stored)).await??)
    }

    /// Makes what came durable, and keeps it in the stream.
    async fn whole(&mut self) -> anyhow::Result<StoredSnapshot> {
        let Stream { number, offer, content } = self.stream.take().context("no stream is under way")?;
        let meta = offer.meta.clone();
        let stored = match content {
            Content::Coming(writer) => blocking::run(move || writer.finish(&meta)).await??,
            Content::Whole(stored) => stored,
        };
        self.stream = Some(Stream { number, offer, content: Content::Whole(stored.clone()) });
        Ok(stored)
    }

    fn stream(&self, number: u32) -> anyhow::Result<&Stream> {
        let stream = self.stream.as_ref().context("no snapshot stream is under way")?;
        ensure!(stream.number == number, "stream {number} was replaced by stream {}", stream.number);
        Ok(stream)
    }

    /// Gives back what the stream took of the disk.
    async fn drop_stream(&mut self) {
        if self.stream.take().is_none() {
            return;
        }
        let store = self.store.clone();
        match blocking::run(move || store.sweep()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(group = self.group, %error, "a broken snapshot was not removed"),
            Err(error) => tracing::warn!(group = self.group, %error, "a broken snapshot was not removed"),
        }
    }
}
