//! What this node makes of another from the traffic between them. Pure: it is told what happened, and when.
//!
//! ```text
//!            silent for SUSPECT_PULSES            ... for DOWN_PULSES
//!   Alive ─────────────────────────────▶ Suspect ────────────────────▶ Down
//!     ▲ ╲                                   │ ╲                         ▲ │
//!     │  ╲──────────── connection refused ──┼──╲────────────────────────┘ │
//!     └──────────────── anything heard ─────┴─────────────────────────────┘
//! ```
//! Every node sends every other something with each pulse, so silence is not idleness. It is counted in pulses and not
//! by the clock: a pause of this process is one missed pulse, whatever its length. All of it is evidence and none of it
//! proof, so nothing that has to be safe may rest on it alone.

use std::time::Duration;

use tokio::time::Instant;

use super::tuning::{DOWN_PULSES, QUIET_PULSES, SUSPECT_PULSES};

/// How another node seems to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerState {
    /// It was heard from just now.
    Alive,
    /// Nothing was heard from it for a while, or nothing yet.
    Suspect,
    /// Nothing was heard from it for long, or nobody listens at its address.
    Down,
}

impl PeerState {
    /// Its name, as people are told it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Suspect => "suspect",
            Self::Down => "down",
        }
    }
}

/// What a state rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// It never was heard from.
    Unheard,
    /// It was heard from.
    Heard,
    /// It fell silent.
    Silent,
    /// The system at its address refuses connections: the process is gone, or something between lies.
    Refused,
}

impl Evidence {
    /// What it is, as people are told it.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Unheard => "not heard from yet",
            Self::Heard => "heard from",
            Self::Silent => "silent",
            Self::Refused => "refuses connections",
        }
    }
}

/// One node as seen from this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// How it seems to be.
    pub state: PeerState,
    /// Why.
    pub evidence: Evidence,
    /// Since when it is in that state.
    pub since: Instant,
    /// Pulses without a word from it.
    silent_pulses: u32,
}

impl Health {
    /// Of a node that this one has just learnt of.
    pub(super) fn unheard(now: Instant) -> Self {
        Self { state: PeerState::Suspect, evidence: Evidence::Unheard, since: now, silent_pulses: 0 }
    }

    /// Whether it was alive, and there is evidence now that it is not.
    pub fn is_gone(&self) -> bool {
        self.state != PeerState::Alive && self.evidence != Evidence::Unheard
    }

    /// Whether it is gone, or silent for so long that what can wait is better not sent to it now.
    pub fn is_quiet(&self) -> bool {
        self.is_gone() || (self.state == PeerState::Alive && self.silent_pulses >= QUIET_PULSES)
    }

    /// Whether no pulse has passed since this node learnt of it.
    pub(super) fn is_new(&self) -> bool {
        self.silent_pulses == 0 && self.evidence == Evidence::Unheard
    }

    /// How long it has been in its state.
    pub fn lasts(&self) -> Duration {
        self.since.elapsed()
    }

    /// Something came from it.
    pub(super) fn heard(&mut self, now: Instant) {
        self.silent_pulses = 0;
        self.enter(PeerState::Alive, Evidence::Heard, now);
    }

    /// A pulse in which nothing came from it.
    pub(super) fn missed(&mut self, now: Instant) {
        self.silent_pulses = self.silent_pulses.saturating_add(1);
        let evidence = if self.evidence == Evidence::Heard { Evidence::Silent } else { self.evidence };
        match self.state {
            PeerState::Alive if self.silent_pulses >= SUSPECT_PULSES => {
                self.enter(PeerState::Suspect, evidence, now);
            }
            PeerState::Suspect if self.silent_pulses >= DOWN_PULSES => {
                self.enter(PeerState::Down, evidence, now);
            }
            _ => {}
        }
    }

    /// A connection to it was refused.
    pub(super) fn refused(&mut self, now: Instant) {
        self.enter(PeerState::Down, Evidence::Refused, now);
    }

    fn enter(&mut self, state: PeerState, evidence: Evidence, now: Instant) {
        if self.state != state {
            self.since = now;
        }
        (self.state, self.evidence) = (state, evidence);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A node that was heard, and when.
    fn alive() -> (Health, Instant) {
        let now = Instant::now();
        let mut health = Health::unheard(now);
        health.heard(now);
        (health, now)
    }

    fn miss(health: &mut Health, pulses: u32, now: Instant) {
        (0..pulses).for_each(|_| health.missed(now));
    }

    #[test]
    fn a_node_that_falls_silent_is_suspect_then_down_and_alive_with_the_first_word() {
        let (mut health, began) = alive();
        let [later, end] = [1, 2].map(|seconds| began + Duration::from_secs(seconds));
        miss(&mut health, QUIET_PULSES - 1, later);
        assert!(!health.is_quiet());
        miss(&mut health, SUSPECT_PULSES - QUIET_PULSES, later);
        assert!(health.is_quiet());
        assert_eq!((health.state, health.is_gone(), health.since), (PeerState::Alive, false, began));
        miss(&mut health, 1, later);
        assert_eq!((health.state, health.evidence), (PeerState::Suspect, Evidence::Silent));
        assert!(health.is_gone() && health.since == later);
        miss(&mut health, DOWN_PULSES - SUSPECT_PULSES, end);
        assert_eq!((health.state, health.evidence), (PeerState::Down, Evidence::Silent));
        health.heard(end);
        assert_eq!((health.state, health.since, health.is_gone()), (PeerState::Alive, end, false));
        miss(&mut health, SUSPECT_PULSES - 1, end);
        assert_eq!(health.state, PeerState::Alive, "silence is counted anew");
    }

    #[test]
    fn a_node_that_refuses_is_down_at_once_until_it_is_heard() {
        let (mut health, began) = alive();
        health.refused(began);
        assert_eq!((health.state, health.evidence), (PeerState::Down, Evidence::Refused));
        miss(&mut health, 2 * DOWN_PULSES, began);
        assert_eq!((health.state, health.evidence), (PeerState::Down, Evidence::Refused));
        health.heard(began);
        assert_eq!((health.state, health.evidence), (PeerState::Alive, Evidence::Heard));
    }

    #[test]
    fn of_a_node_never_heard_from_nothing_is_said() {
        let now = Instant::now();
        let mut health = Health::unheard(now);
        miss(&mut health, 2 * DOWN_PULSES, now);
        assert_eq!((health.state, health.evidence), (PeerState::Down, Evidence::Unheard));
        assert!(!health.is_gone() && !health.is_quiet());
    }
}
