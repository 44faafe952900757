//! Whether a shown token is one: what both protocols ask, without asking anybody else.
//!
//! The node brings the book of tokens whenever it changes, and says when a quorum confirmed that it is the newest. A gate
//! whose book was never confirmed, or not for `TOKENS_UNCONFIRMED_MAX`, lets only the root token in: who was cut off
//! from the cluster must not go on for ever with tokens that were deleted meanwhile. Figures alone are still shown.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parking_lot::{Mutex, RwLock};

use super::limiter::Limiter;
use super::metrics::Metrics;
use super::{Denied, Digest, Grant, Protocol, Secret, TokenBook, token};
use crate::limits::{TOKEN_BYTES_MAX, TOKENS_UNCONFIRMED_MAX};

/// Says that no book was confirmed yet.
const NEVER: u64 = u64::MAX;

/// The time a decision is made at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The wall clock, ms since 1970: ends tokens.
    pub wall_ms: u64,
    /// A clock that never steps, ms: bounds failures and how long a book is trusted.
    pub boot_ms: u64,
}

/// The tokens this node knows.
#[derive(Debug, Default)]
struct Known {
    /// Version of the book's entry in the meta group.
    version: u64,
    grants: BTreeMap<String, Arc<Grant>>,
}

/// Decides who is let in. Shared by everything that serves clients.
#[derive(Debug)]
pub struct Gate {
    /// `None`: nobody is asked for a token.
    root: Option<Arc<Grant>>,
    known: RwLock<Known>,
    confirmed_boot_ms: AtomicU64,
    limiter: Mutex<Limiter>,
    metrics: Metrics,
}

impl Gate {
    /// A gate that asks for tokens, of which `root` allows everything; without it, one that lets everybody in.
    pub fn new(root: Option<&Secret>) -> Self {
        Self {
            root: root.map(|secret| Arc::new(Grant::root(secret.digest()))),
            known: RwLock::default(),
            confirmed_boot_ms: AtomicU64::new(NEVER),
            limiter: Mutex::default(),
            metrics: Metrics::default(),
        }
    }

    /// Whether tokens are asked for.
    pub fn is_on(&self) -> bool {
        self.root.is_some()
    }

    /// Whether it knows the book as of this version, or a newer one.
    pub fn knows(&self, version: u64) -> bool {
        self.known.read().version >= version
    }

    /// Takes the book as of this version of its entry (0: there is none yet), unless it knows a newer one.
    pub fn learn(&self, version: u64, book: &TokenBook) {
        let mut known = self.known.write();
        if version < known.version {
            return;
        }
        let grants = book.tokens().iter().map(|token| (token.id.clone(), Arc::new(Grant::of(token))));
        *known = Known { version, grants: grants.collect() };
    }

    /// Notes that a quorum confirmed what was learnt, by a question that was sent at `asked_boot_ms`.
    pub fn confirm(&self, asked_boot_ms: u64) {
        self.confirmed_boot_ms.store(asked_boot_ms, Relaxed);
    }

    /// The holder of a shown token.
    ///
    /// # Errors
    /// Why it is not let in; with too many failures of this address `Denied::Limited`.
    pub fn enter(&self, shown: &[u8], from: IpAddr, now: Now) -> Result<Arc<Grant>, Denied> {
        self.find(shown, now, self.is_sure(now)).map_err(|denied| self.limited(denied, from, now))
    }

    /// The holder of a token that is shown for figures alone: a book that was confirmed once will do, however old. Else a
    /// node without a quorum would stop telling that it has none, and with its figures the alert on that would end.
    ///
    /// # Errors
    /// As [`Self::enter`].
    pub fn enter_for_metrics(&self, shown: &[u8], from: IpAddr, now: Now) -> Result<Arc<Grant>, Denied> {
        let confirmed_once = self.confirmed_boot_ms.load(Relaxed) != NEVER;
        self.find(shown, now, confirmed_once).map_err(|denied| self.limited(denied, from, now))
    }

    /// Whether who entered with this grant may go on.
    ///
    /// # Errors
    /// Its token was deleted (`Denied::Wrong`) or has ended, or this node cannot tell.
    pub fn recheck(&self, grant: &Grant, now: Now) -> Result<(), Denied> {
        if grant.is_root() {
            return Ok(());
        }
        if grant.is_over(now.wall_ms) {
            return Err(Denied::Expired);
        }
        if !self.is_sure(now) {
            return Err(Denied::Unsure);
        }
        let known = self.known.read();
        let known = known.grants.get(&grant.id).is_some_and(|known| known.digest == grant.digest);
        if known { Ok(()) } else { Err(Denied::Wrong) }
    }

    /// Counts what became of a request.
    pub fn count(&self, protocol: Protocol, denied: Option<&Denied>) {
        self.metrics.count(protocol, denied);
    }

    /// Figures as Prometheus text.
    pub fn metrics(&self) -> String {
        self.metrics.text()
    }

    fn find(&self, shown: &[u8], now: Now, sure: bool) -> Result<Arc<Grant>, Denied> {
        let shown = Some(shown).filter(|shown| shown.len() <= TOKEN_BYTES_MAX).ok_or(Denied::Wrong)?;
        if let Some(root) = self.root.as_ref().filter(|root| root.digest == Digest::of(shown)) {
            return Ok(root.clone());
        }
        let (id, digest) = token::read(shown).ok_or(Denied::Wrong)?;
        if !sure {
            return Err(Denied::Unsure);
        }
        let known = self.known.read().grants.get(id).cloned();
        let grant = known.filter(|grant| grant.digest == digest).ok_or(Denied::Wrong)?;
        if grant.is_over(now.wall_ms) { Err(Denied::Expired) } else { Ok(grant) }
    }

    fn limited(&self, denied: Denied, from: IpAddr, now: Now) -> Denied {
        if !matches!(denied, Denied::Wrong | Denied::Expired) {
            return denied;
        }
        let wait = self.limiter.lock().fail(from, now.boot_ms);
        wait.map_or(denied, |retry_after_ms| Denied::Limited { retry_after_ms })
    }

    fn is_sure(&self, now: Now) -> bool {
        let confirmed = self.confirmed_boot_ms.load(Relaxed);
        confirmed != NEVER
            && now.boot_ms.saturating_sub(confirmed) < TOKENS_UNCONFIRMED_MAX.as_millis() as u64
    }
}
