//! How far behind a replica may be, and how it catches up with its leader: what local reads rest on.
//!
//! Guarantees: a bound that is told was taken before the replica was looked at, so the answer is no older than it says.

use std::sync::Arc;
use std::time::Duration;

use raft_store::key::Key;
use tokio::time::{Instant, timeout_at};

use super::Inner;
use super::peer::{self, Looked};
use super::route::left;
use crate::clock::boot_ms;
use crate::group::{Group, Lookups};
use crate::limits::{FIRST_REFRESH_MAX, READ_ATTEMPT_MAX, STALE_REFRESH};
use crate::transport::Lane;

impl Inner {
    /// What a replica holds, with a bound on its age. An old bound is renewed in the background: the next local read
    /// finds it fresher. Without any yet, the read waits a moment for the first, and then says that there is none.
    pub(super) async fn read_local(&self, replica: &Arc<Group>, keys: &[Key]) -> Looked {
        let bound = self.bound_of(replica).await;
        let lookups: Lookups = replica.look_up(keys);
        self.renew_bound(replica, bound);
        Looked { lookups, staleness_ms: bound.map(|bound| bound.as_millis() as u64) }
    }

    /// How far behind a replica may be. Taken before it is looked at: the answer may only be fresher than it says.
    pub(super) async fn bound_of(&self, replica: &Group) -> Option<Duration> {
        if replica.staleness().is_none() {
            self.refresh(replica, FIRST_REFRESH_MAX).await;
        }
        replica.staleness()
    }

    /// Has the bound renewed in the background when it is old.
    pub(super) fn renew_bound(&self, replica: &Arc<Group>, bound: Option<Duration>) {
        if bound.is_none_or(|bound| bound > STALE_REFRESH) && replica.begin_refresh() {
            let (inner, replica) = (self.shared(), replica.clone());
            tokio::spawn(async move {
                inner.refresh(&replica, READ_ATTEMPT_MAX).await;
                replica.end_refresh();
            });
        }
    }

    /// Confirms that a replica has applied everything acknowledged before now, if its leader can be asked.
    async fn refresh(&self, replica: &Group, within: Duration) {
        let started_ms = boot_ms();
        let deadline = Instant::now() + within;
        let index = if replica.leads() {
            timeout_at(deadline, replica.read_index(false)).await.ok().and_then(|index| index.ok())
        } else {
            self.ask_read_index(replica, deadline).await
        };
        if let Some(index) = index {
            let _ = timeout_at(deadline, replica.caught_up(index, started_ms)).await;
        }
    }

    async fn ask_read_index(&self, replica: &Group, deadline: Instant) -> Option<u64> {
        let leader = replica.leader()?;
        let body = crate::group::wire::body(replica.id(), |_| ());
        let call = self.transport.call(leader, Lane::Control, peer::READ_INDEX, body, left(deadline));
        peer::forwarded(call.await.ok()?, raft_store::codec::Decoder::u64).ok()?.ok()
    }
}
