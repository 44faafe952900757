//! What became of a client's request, once its answer is ready: it is timed and, if it took long, kept and logged.

use std::time::Duration;

use super::Node;
use crate::trace::{Noted, Protocol, Slow, SlowLog};

/// A request that was served.
#[derive(Debug)]
pub struct Served {
    /// The protocol it came by.
    pub protocol: Protocol,
    /// What was asked for, in the protocol's words.
    pub operation: &'static str,
    /// How long it took.
    pub took: Duration,
    /// What was noted meanwhile.
    pub noted: Noted,
    /// Its first key, if keys may be told.
    pub key: Option<Vec<u8>>,
}

impl Node {
    /// Accounts for a request that was served. Its id is asked for only if it was slow.
    pub fn served(&self, served: Served, request_id: impl FnOnce() -> String) {
        let Served { protocol, operation, took, noted, key } = served;
        // What asked nothing of the groups, such as a look at the cluster, may wait for as long as it likes.
        let Some(kind) = noted.kind else { return };
        self.inner.operations.took(protocol, kind, took);
        if self.inner.slow.is_slow(took) {
            self.inner.slow.note(Slow::new(protocol, operation, request_id(), took, &noted).with_key(key));
        }
    }

    /// The slow operations that came in by this node.
    pub fn slow_log(&self) -> &SlowLog {
        &self.inner.slow
    }
}
