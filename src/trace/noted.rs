//! What is noted of the request that the present task carries out: what it is about, and where its time went.
//!
//! An adapter wraps the work of one request in [`carry_out`]; whoever gets to know something further down calls [`note`],
//! without being handed anything. Work that goes on in another task is not seen: there a note is lost, which is harmless.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Duration;

use raft_store::GroupId;
use tracing::Instrument as _;
use tracing::instrument::Instrumented;

use super::span::Traced;

/// Who speaks to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// The HTTP API.
    Http,
    /// The Redis protocol.
    Resp,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Http, Self::Resp];

    /// As it is called in figures and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Resp => "resp",
        }
    }
}

/// What a request asked of the node; of several, the weightiest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It reads keys.
    Read,
    /// It looks through many keys.
    Scan,
    /// It writes.
    Write,
}

impl Kind {
    /// All of them, in order.
    pub const ALL: [Self; 3] = [Self::Read, Self::Scan, Self::Write];

    /// As it is called in figures.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Scan => "scan",
            Self::Write => "write",
        }
    }
}

/// Where the time of a request went; of parts that ran side by side, the longest of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Times {
    /// Waiting to be packed into an entry, where this node leads.
    pub queued: Duration,
    /// From there until the entry was applied.
    pub applied: Duration,
    /// Waiting until the leader was confirmed, where this node leads.
    pub round: Duration,
    /// Asking another node, with all it did.
    pub forwarded: Duration,
}

/// What is known of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Noted {
    /// What it asked for; `None`: nothing of the groups.
    pub kind: Option<Kind>,
    /// How many keys it is about.
    pub keys: usize,
    /// Length of the first of them.
    pub key_bytes: usize,
    /// The group that was asked last.
    pub group: Option<GroupId>,
    /// Where its time went.
    pub times: Times,
}

impl Noted {
    /// Notes that so many keys are asked for.
    pub fn asks(&mut self, kind: Kind, keys: usize, first_key_bytes: usize) {
        self.kind = self.kind.max(Some(kind));
        if self.keys == 0 {
            self.key_bytes = first_key_bytes;
        }
        self.keys += keys;
    }
}

/// One request, at its beginning.
#[derive(Debug)]
pub struct Request {
    protocol: Protocol,
    traced: Option<Arc<Traced>>,
    noted: Cell<Noted>,
    /// The first key, if keys may be told.
    key: Option<RefCell<Vec<u8>>>,
}

impl Request {
    /// A request; `traced` when its way is logged, and `keeps_key` when its key may be.
    pub fn new(protocol: Protocol, traced: Option<Arc<Traced>>, keeps_key: bool) -> Self {
        Self { protocol, traced, noted: Cell::default(), key: keeps_key.then(RefCell::default) }
    }
}

tokio::task_local! {
    static REQUEST: Request;
}

/// Does the work of a request; what was noted meanwhile, and its first key, if that is kept.
pub async fn carry_out<F: Future>(request: Request, work: F) -> (F::Output, Noted, Option<Vec<u8>>) {
    let span = request.traced.as_ref().map_or_else(tracing::Span::none, |traced| traced.span().clone());
    let work: Instrumented<_> = async {
        let done = work.await;
        let (noted, key) =
            REQUEST.with(|request| (request.noted.get(), request.key.as_ref().map(RefCell::take)));
        (done, noted, key)
    }
    .instrument(span);
    REQUEST.scope(request, work).await
}

/// Notes something of the request that this task carries out, if it does.
pub fn note(what: impl FnOnce(&mut Noted)) {
    // Outside of a request there is nothing to note it of.
    let _ = REQUEST.try_with(|request| {
        let mut noted = request.noted.get();
        what(&mut noted);
        request.noted.set(noted);
    });
}

/// Notes the first key, if keys may be told.
pub fn note_key(key: &[u8]) {
    let _ = REQUEST.try_with(|request| {
        if let Some(kept) = request.key.as_ref().filter(|kept| kept.borrow().is_empty()) {
            kept.borrow_mut().extend_from_slice(key);
        }
    });
}

/// Whether this task carries out a request, so that it is worth to look at a clock for it.
pub fn noting() -> bool {
    REQUEST.try_with(|_| ()).is_ok()
}

/// Who speaks to the client of the request that this task carries out.
pub fn protocol() -> Option<Protocol> {
    REQUEST.try_with(|request| request.protocol).ok()
}

/// What the way of the request that this task carries out is logged by, if it is.
pub(super) fn traced_here() -> Option<Arc<Traced>> {
    REQUEST.try_with(|request| request.traced.clone()).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[tokio::test]
    async fn what_is_noted_belongs_to_the_request_around_it() {
        let work = async {
            note(|noted| noted.asks(Kind::Read, 2, 7));
            tokio::task::yield_now().await;
            note(|noted| noted.asks(Kind::Write, 1, 9));
            note(|noted| noted.times.round = MS);
            tokio::spawn(async { note(|noted| noted.group = Some(3)) }).await.unwrap();
            (protocol(), noting())
        };
        let request = Request::new(Protocol::Resp, None, false);
        let (done, noted, key) = carry_out(request, work).await;
        assert_eq!(done, (Some(Protocol::Resp), true));
        let times = Times { round: MS, ..Times::default() };
        assert_eq!(noted, Noted { kind: Some(Kind::Write), keys: 3, key_bytes: 7, group: None, times });
        assert_eq!((key, noting()), (None, false));
    }

    #[tokio::test]
    async fn the_first_key_is_kept_only_if_keys_may_be_told() {
        for (keeps, expected) in [(false, None), (true, Some(b"first".to_vec()))] {
            let work = async {
                note_key(b"first");
                note_key(b"second");
            };
            assert_eq!(carry_out(Request::new(Protocol::Http, None, keeps), work).await.2, expected);
        }
    }
}
