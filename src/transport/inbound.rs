//! Connections that peers dialled: accept, check the hello, hand calls to the handler.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use parking_lot::Mutex;
use raft_store::NodeId;
use tokio::io::AsyncWriteExt;
use tokio::sync::{Notify, Semaphore};

use super::answer::{Answer, Outbox};
use super::connection::{End, Ended, FrameReader, drive};
use super::frame::{Frame, Kind};
use super::hello::{Hello, Mismatch, Welcome, same_cluster};
use super::net::{Listener, Stream};
use super::tuning::{BACKOFF_MAX, BACKOFF_MIN, HELLO_BYTES_MAX};
use super::{FEATURE_TRACED, From, Handler, Shared};
use crate::tls::NotTls;

/// Accepts peers until the transport ends.
pub(super) async fn accept_all(shared: Arc<Shared>, mut listener: Listener, handler: Arc<dyn Handler>) {
    let room = Arc::new(Semaphore::new(shared.context.tuning.inbound_max));
    let mut backoff = BACKOFF_MIN;
    loop {
        let stream = match listener.accept().await {
            Ok(stream) => stream,
            Err(error) => {
                // Out of file descriptors, mostly: trying again at once would only burn the CPU.
                tracing::warn!(%error, "cannot accept a peer");
                tokio::time::sleep(backoff).await;
                backoff = (backoff * 2).min(BACKOFF_MAX);
                continue;
            }
        };
        backoff = BACKOFF_MIN;
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
            tracing::warn!(max = shared.context.tuning.inbound_max, "too many peer connections, one refused");
            continue;
        };
        let (peer, handler) = (Arc::clone(&shared), Arc::clone(&handler));
        shared.context.spawn(async move {
            serve(peer, stream, handler).await;
            drop(place);
        });
    }
}

async fn serve(shared: Arc<Shared>, accepted: Stream, handler: Arc<dyn Handler>) {
    let Some(mut stream) = secure(&shared, accepted).await else { return };
    let mut reader = FrameReader::default();
    let greeting = greet(&shared, &mut stream, &mut reader);
    let hello = match tokio::time::timeout(shared.context.tuning.hello, greeting).await {
        Ok(Ok(hello)) => hello,
        Ok(Err(reason)) => return tracing::info!(%reason, "refused a peer connection"),
        Err(_) => return tracing::info!("closed a peer connection that said no hello in time"),
    };
    let inbound = Inbound::new(shared, hello, handler);
    let ended = drive(&mut stream, &mut reader, &inbound, &inbound.shared.context).await;
    if !matches!(ended, Ended::Closed) {
        tracing::warn!(node = hello.node, lane = ?hello.lane, %ended, "closed a peer's connection");
    }
}

/// What peers that speak plain text where TLS is due are told.
const SPEAKS_TLS: &str = "this node's peers speak TLS";

/// Has the peer prove that it is a node, where certificates are shown; `None`: it is not let in.
async fn secure(shared: &Shared, accepted: Stream) -> Option<Stream> {
    let within = shared.context.tuning.hello;
    match shared.context.net.secure(accepted, within).await {
        Ok(stream) => return Some(stream),
        Err(NotTls::Failed(error)) => tracing::info!(%error, "refused a peer connection: TLS"),
        Err(NotTls::Plain(mut stream)) => {
            tracing::info!("refused a peer connection in plain text");
            let refusal = Frame::control(Kind::Refuse, Bytes::from_static(SPEAKS_TLS.as_bytes()));
            let tell = async {
                // Its hello is taken out of the way first: a close before would take the answer from it.
                FrameReader::default().read(&mut stream, HELLO_BYTES_MAX).await?;
                Ok::<_, Ended>(stream.write_all(&refusal.to_bytes()).await?)
            };
            // Whether it hears it or not, it is not let in.
            let _ = tokio::time::timeout(within, tell).await;
        }
    }
    None
}

/// Reads the hello and answers it.
async fn greet(shared: &Shared, stream: &mut Stream, reader: &mut FrameReader) -> Result<Hello, Ended> {
    stream.set_nodelay()?;
    let frame = reader.read(stream, HELLO_BYTES_MAX).await?;
    if frame.kind != Kind::Hello {
        return Err(Ended::Unexpected(frame.kind));
    }
    let (node, cluster) = (shared.context.node, shared.context.cluster());
    let judged = Hello::from_bytes(frame.body).and_then(|hello| hello.accept(node, cluster).map(|()| hello));
    let answer = match &judged {
        Ok(_) => {
            Frame::control(Kind::Welcome, Welcome { node, cluster, features: FEATURE_TRACED }.to_bytes())
        }
        Err(mismatch) => Frame::control(Kind::Refuse, Bytes::from(mismatch.to_string())),
    };
    stream.write_all(&answer.to_bytes()).await?;
    stream.flush().await?;
    Ok(judged?)
}

/// The accepting end of one connection; listed with the transport while it lives.
struct Inbound {
    shared: Arc<Shared>,
    handler: Arc<dyn Handler>,
    outbox: Arc<Outbox>,
    node: NodeId,
    connection: u64,
    /// The cluster the peer last said it belongs to.
    cluster: Mutex<u128>,
}

impl Inbound {
    fn new(shared: Arc<Shared>, hello: Hello, handler: Arc<dyn Handler>) -> Self {
        let connection = shared.last_connection.fetch_add(1, Ordering::Relaxed) + 1;
        let outbox = Arc::new(Outbox::new());
        shared.inbound.lock().insert(connection, (hello.node, Arc::clone(&outbox)));
        Self { shared, handler, outbox, node: hello.node, connection, cluster: Mutex::new(hello.cluster) }
    }

    fn joined(&self, body: &[u8]) -> Result<(), Ended> {
        let cluster = u128::from_le_bytes(body.try_into().map_err(|_| Mismatch::Malformed)?);
        *self.cluster.lock() = cluster;
        Ok(same_cluster(self.shared.context.cluster(), cluster)?)
    }
}

impl Drop for Inbound {
    fn drop(&mut self) {
        self.shared.inbound.lock().remove(&self.connection);
        self.outbox.close();
    }
}

impl End for Inbound {
    fn wake(&self) -> &Notify {
        self.outbox.wake()
    }

    fn take(&self, batch: &mut Vec<Frame>) -> Result<(), Ended> {
        self.outbox.take(batch)
    }

    fn beat(&self) {
        self.outbox.beat();
    }

    fn heard(&self) {
        self.shared.heard(self.node);
    }

    fn receive(&self, frame: Frame) -> Result<(), Ended> {
        match frame.kind {
            Kind::Call => {}
            Kind::Cluster => return self.joined(&frame.body),
            other => return Err(Ended::Unexpected(other)),
        }
        // Either may have joined a cluster since the hello.
        let theirs = *self.cluster.lock();
        same_cluster(self.shared.context.cluster(), theirs)?;
        let member = self.shared.context.is_member(theirs);
        let from = From { node: self.node, member, connection: self.connection };
        let answer = Answer::peer(Arc::clone(&self.outbox), frame.call);
        self.handler.handle(from, frame.service, frame.body, answer);
        Ok(())
    }
}
