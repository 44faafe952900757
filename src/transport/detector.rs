//! One peer's [`Health`], fed by its connections and by this node's pulse.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, MissedTickBehavior};

use super::context::{Context, Heard};
use super::health::{Health, PeerState};
use super::shared::Shared;

/// What is known of one peer, shared by all its connections.
#[derive(Debug)]
pub(super) struct Detector {
    heard: Heard,
    /// Whether anything came since the last pulse.
    fresh: AtomicBool,
    /// Whether the state is `Alive`: spares the lock for each read.
    alive: AtomicBool,
    health: Mutex<Health>,
}

impl Detector {
    /// Of a peer nothing was heard of.
    pub(super) fn new() -> Self {
        let health = Mutex::new(Health::unheard(Instant::now()));
        Self { heard: Heard::default(), fresh: AtomicBool::new(false), alive: AtomicBool::new(false), health }
    }

    /// How it seems to be.
    pub(super) fn health(&self) -> Health {
        *self.health.lock()
    }

    /// How long ago anything was heard; `None`: never.
    pub(super) fn silent_for(&self, context: &Context) -> Option<Duration> {
        self.heard.ago(context)
    }

    /// Notes that bytes arrived.
    pub(super) fn hear(&self, context: &Context) {
        self.heard.now(context);
        self.fresh.store(true, Ordering::Release);
        if !self.alive.load(Ordering::Acquire) {
            self.change(context, Health::heard);
        }
    }

    /// Notes that a connection to it was refused.
    pub(super) fn refused(&self, context: &Context) {
        self.change(context, Health::refused);
    }

    /// Counts one pulse; whether the peer is worth a connection that nobody asked for: it lives, or was never tried.
    pub(super) fn pulse(&self, context: &Context) -> bool {
        let first = self.heard.ago(context).is_none() && self.health.lock().is_new();
        let heard = self.fresh.swap(false, Ordering::AcqRel);
        self.change(context, if heard { Health::heard } else { Health::missed });
        first || self.alive.load(Ordering::Acquire)
    }

    fn change(&self, context: &Context, by: impl FnOnce(&mut Health, Instant)) {
        let mut health = self.health.lock();
        let before = health.state;
        by(&mut health, Instant::now());
        let after = health.state;
        self.alive.store(after == PeerState::Alive, Ordering::Release);
        drop(health);
        if before != after {
            context.health_changed();
        }
    }
}

/// Beats on every control lane and to whoever has dialled, since that one need not be known here yet, and counts what comes
/// from the peers; for as long as the transport lives.
pub(super) async fn keep_pulse(shared: Arc<Shared>) {
    let mut pulse = tokio::time::interval(shared.context.pulse);
    pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        pulse.tick().await;
        shared.peers.pulse(&shared.context);
        shared.inbound.lock().values().for_each(|(_, outbox)| outbox.beat());
    }
}

#[cfg(test)]
mod tests {
    use super::super::net::Net;
    use super::super::tuning::{QUIET_PULSES, SUSPECT_PULSES, Tuning};
    use super::*;

    #[tokio::test]
    async fn only_silence_in_a_row_counts() {
        let context = Context::new(1, Net::Tcp, Duration::from_secs(3600), Tuning::default());
        let detector = Detector::new();
        for _ in 0..2 * SUSPECT_PULSES {
            detector.hear(&context);
            detector.pulse(&context);
            for _ in 1..QUIET_PULSES {
                detector.pulse(&context);
            }
            assert_eq!(detector.health().state, PeerState::Alive);
            assert!(!detector.health().is_quiet());
        }
        for _ in 0..SUSPECT_PULSES {
            detector.pulse(&context);
        }
        assert!(detector.health().is_gone());
        detector.hear(&context);
        assert!(!detector.health().is_quiet(), "the first word counts at once");
    }
}
