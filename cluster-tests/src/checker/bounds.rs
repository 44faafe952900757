//! How far group time may be from real time: what `quorate` states, as parameters of a judgement.

/// How far a deadline may be from real time. `None`: not judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// How much too early a key may go, ms, beside the drift of clocks.
    pub early_ms: Option<u64>,
    /// How much too late a read by the leader may still show a key, ms, beside the drift of clocks: as long as
    /// the group had no leader.
    pub late_ms: Option<u64>,
    /// By which part of a time clocks may run fast or slow: one in so many.
    pub drift_part: u64,
}

impl Bounds {
    /// Group time alone: for runs in which clocks are stepped, or a group is without leaders for long.
    pub const NONE: Self = Self { early_ms: None, late_ms: None, drift_part: 5 };

    /// What is stated for steady clocks: leases trust them to run alike within a fifth, a failover moves group
    /// time by less than 100 ms, and a group is without a leader for 3 s at most.
    pub const STATED: Self = Self { early_ms: Some(100), late_ms: Some(3000), drift_part: 5 };

    /// What drift makes of a time, ms.
    pub(super) fn drift(&self, ms: u64) -> u64 {
        ms / self.drift_part.max(1)
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self::NONE
    }
}
