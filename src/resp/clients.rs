//! The connections of a listener, as `CLIENT LIST` shows them and `CLIENT KILL` ends them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering::Relaxed};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::table;

/// Says that no command was called yet.
const NO_COMMAND: usize = usize::MAX;

/// One connection.
#[derive(Debug)]
pub(super) struct Client {
    /// Its number, never used again in this process.
    pub(super) id: u64,
    /// Where it comes from.
    pub(super) addr: SocketAddr,
    /// Where it came in.
    pub(super) local: SocketAddr,
    /// What it calls itself.
    pub(super) name: Mutex<Bytes>,
    /// Its user.
    pub(super) user: Mutex<Bytes>,
    /// The library it says it uses: name and version.
    pub(super) library: Mutex<[Bytes; 2]>,
    /// The version of the protocol it speaks.
    pub(super) protocol: AtomicI64,
    /// Commands that wait for `EXEC`; negative: there is no transaction.
    pub(super) queued: AtomicI64,
    /// Told when it is to be ended.
    ended: Notify,
    since: Instant,
    /// When it last sent commands, ms after `since`.
    last_ms: AtomicU64,
    /// The last of them, by its row in the table.
    last_command: AtomicUsize,
}

impl Client {
    /// Notes that commands came, the last of them in this row of the table.
    pub(super) fn called(&self, row: Option<usize>) {
        self.last_ms.store(self.since.elapsed().as_millis() as u64, Relaxed);
        self.last_command.store(row.unwrap_or(NO_COMMAND), Relaxed);
    }

    /// Resolves once it is killed.
    pub(super) async fn killed(&self) {
        self.ended.notified().await;
    }

    /// Its line of `CLIENT LIST`.
    pub(super) fn line(&self) -> String {
        let Self { id, addr, local, .. } = self;
        let age_ms = self.since.elapsed().as_millis() as u64;
        let idle = age_ms.saturating_sub(self.last_ms.load(Relaxed)) / 1000;
        let queued = self.queued.load(Relaxed);
        let flags = if queued >= 0 { "x" } else { "N" };
        let [library, version] = self.library.lock().clone();
        let mut line = format!("id={id} addr={addr} laddr={local} fd=-1 name={}", text(&self.name.lock()));
        // Writing to a string cannot fail.
        let _ = write!(
            line,
            " age={} idle={idle} flags={flags} db=0 sub=0 psub=0 ssub=0 multi={queued}",
            age_ms / 1000
        );
        let _ = write!(
            line,
            " cmd={} user={} redir=-1 resp={}",
            table::name_of(self.last_command.load(Relaxed)),
            text(&self.user.lock()),
            self.protocol.load(Relaxed)
        );
        let _ = writeln!(line, " lib-name={} lib-ver={}", text(&library), text(&version));
        line
    }
}

fn text(bytes: &Bytes) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// Every connection of a listener.
#[derive(Debug, Default)]
pub(super) struct Clients {
    open: Mutex<BTreeMap<u64, Arc<Client>>>,
    last_id: AtomicU64,
}

impl Clients {
    /// Notes a new connection.
    pub(super) fn enter(&self, addr: SocketAddr, local: SocketAddr) -> Arc<Client> {
        let client = Arc::new(Client {
            id: self.last_id.fetch_add(1, Relaxed) + 1,
            addr,
            local,
            name: Mutex::default(),
            user: Mutex::new(Bytes::from_static(super::session::USER_DEFAULT.as_bytes())),
            library: Mutex::default(),
            protocol: AtomicI64::new(super::encode::Protocol::Resp2.number()),
            queued: AtomicI64::new(-1),
            ended: Notify::new(),
            since: Instant::now(),
            last_ms: AtomicU64::new(0),
            last_command: AtomicUsize::new(NO_COMMAND),
        });
        self.open.lock().insert(client.id, client.clone());
        client
    }

    /// Ends a connection at its next pause between two batches of commands; it is listed no more.
    pub(super) fn kill(&self, client: &Client) {
        self.leave(client.id);
        client.ended.notify_one();
    }

    /// Forgets a connection that ended.
    pub(super) fn leave(&self, id: u64) {
        self.open.lock().remove(&id);
    }

    /// Every connection, the oldest first.
    pub(super) fn all(&self) -> Vec<Arc<Client>> {
        self.open.lock().values().cloned().collect()
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.open.lock().len()
    }
}
