//! What happens to a packet on its way from one end to another: one direction, decided from numbers alone.

use std::fmt;
use std::time::Duration;

use rand::Rng;

/// Longest time a packet may wait for a narrow link before it is dropped, as a router's queue would.
const QUEUE_TIME_MAX: Duration = Duration::from_millis(400);
/// How far a packet that is to be overtaken is held back.
const OVERTAKEN_BY: Duration = Duration::from_millis(30);

/// Whether a link passes packets at all. Ordered: the worse one wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Cut {
    /// It passes them.
    #[default]
    Open,
    /// Every TCP segment is answered by a reset and dropped, as if the other end had forgotten its connections.
    Reset,
    /// They vanish.
    Silent,
}

/// The state of a link; by default a perfect one.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Conditions {
    /// Whether it passes packets.
    pub cut: Cut,
    /// How long every packet takes.
    pub delay: Duration,
    /// How much longer it takes at most, at random; packets overtake one another within it.
    pub jitter: Duration,
    /// Share of packets lost, 0 to 1.
    pub loss: f64,
    /// Share of packets that arrive twice, 0 to 1.
    pub duplicate: f64,
    /// Share of packets held back until later ones have passed, 0 to 1.
    pub reorder: f64,
    /// Bytes in a second; `None`: as many as there are.
    pub bytes_per_s: Option<u64>,
}

impl Conditions {
    /// A link that is as it should be, but for `cut`.
    pub fn cut(cut: Cut) -> Self {
        Self { cut, ..Self::default() }
    }

    /// Both at once: of everything the worse.
    pub fn and(self, other: Self) -> Self {
        let narrower = match (self.bytes_per_s, other.bytes_per_s) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        Self {
            cut: self.cut.max(other.cut),
            delay: self.delay.max(other.delay),
            jitter: self.jitter.max(other.jitter),
            loss: self.loss.max(other.loss),
            duplicate: self.duplicate.max(other.duplicate),
            reorder: self.reorder.max(other.reorder),
            bytes_per_s: narrower,
        }
    }

    /// Decides a packet's fate. `now` is any clock that does not go back; `flow` is this link's.
    pub fn pass(&self, flow: &mut Flow, now: Duration, bytes: usize, random: &mut impl Rng) -> Fate {
        match self.cut {
            Cut::Open => {}
            Cut::Reset => return Fate::Refused,
            Cut::Silent => return Fate::Lost,
        }
        if random.random_bool(self.loss) {
            return Fate::Lost;
        }
        let Some(queued) = self.queue(flow, now, bytes) else { return Fate::Lost };
        let after = queued + self.travel(random);
        let again = random.random_bool(self.duplicate).then(|| queued + self.travel(random));
        Fate::Passes { after, again }
    }

    /// Waits for its turn on a narrow link; `None` when the queue is too long.
    fn queue(&self, flow: &mut Flow, now: Duration, bytes: usize) -> Option<Duration> {
        let Some(rate) = self.bytes_per_s else { return Some(Duration::ZERO) };
        let wait = flow.free_at.saturating_sub(now);
        if wait > QUEUE_TIME_MAX {
            return None;
        }
        let takes = Duration::from_nanos(bytes as u64 * 1_000_000_000 / rate.max(1));
        flow.free_at = now + wait + takes;
        Some(wait + takes)
    }

    fn travel(&self, random: &mut impl Rng) -> Duration {
        let held = if random.random_bool(self.reorder) { OVERTAKEN_BY } else { Duration::ZERO };
        self.delay + self.jitter.mul_f64(random.random::<f64>()) + held
    }
}

impl fmt::Display for Conditions {
    /// What is wrong, in a few words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        match self.cut {
            Cut::Open => {}
            Cut::Reset => words.push("reset".to_owned()),
            Cut::Silent => words.push("cut".to_owned()),
        }
        if !(self.delay + self.jitter).is_zero() {
            words.push(format!("{} ms + up to {}", self.delay.as_millis(), self.jitter.as_millis()));
        }
        let shares = [(self.loss, "lost"), (self.duplicate, "twice"), (self.reorder, "overtaken")];
        let shares = shares.into_iter().filter(|(share, _)| *share > 0.0);
        words.extend(shares.map(|(share, what)| format!("{:.0} % {what}", share * 100.0)));
        words.extend(self.bytes_per_s.map(|rate| format!("{rate} B/s")));
        f.write_str(&words.join(", "))
    }
}

/// What a link remembers between packets.
#[derive(Debug, Clone, Copy, Default)]
pub struct Flow {
    /// When a narrow link has sent all it was given.
    free_at: Duration,
}

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It arrives, and perhaps a second time.
    Passes {
        /// So long from now.
        after: Duration,
        /// A copy arrives so long from now.
        again: Option<Duration>,
    },
    /// It vanishes.
    Lost,
    /// It vanishes and its sender is sent a reset.
    Refused,
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn fates(conditions: Conditions, count: usize) -> Vec<Fate> {
        let (mut flow, mut random) = (Flow::default(), StdRng::seed_from_u64(1));
        (0..count).map(|_| conditions.pass(&mut flow, SECOND, 1000, &mut random)).collect()
    }

    #[test]
    fn a_perfect_link_passes_everything_at_once() {
        let at_once = Fate::Passes { after: Duration::ZERO, again: None };
        assert!(fates(Conditions::default(), 100).iter().all(|fate| *fate == at_once));
    }

    #[test]
    fn shares_are_as_said() {
        let lossy = Conditions { loss: 0.25, duplicate: 0.5, ..Conditions::default() };
        let all = fates(lossy, 10_000);
        let lost = all.iter().filter(|fate| **fate == Fate::Lost).count();
        let twice = all.iter().filter(|fate| matches!(fate, Fate::Passes { again: Some(_), .. })).count();
        assert!((2_300..2_700).contains(&lost), "{lost}");
        assert!((3_500..4_000).contains(&twice), "{twice}");
    }

    #[test]
    fn delays_stay_in_their_range_and_some_packets_are_overtaken() {
        let (delay, jitter) = (Duration::from_millis(5), Duration::from_millis(3));
        let slow = Conditions { delay, jitter, reorder: 0.1, ..Conditions::default() };
        let mut overtaken = 0;
        for fate in fates(slow, 1000) {
            let Fate::Passes { after, .. } = fate else { panic!("{fate:?}") };
            assert!(after >= delay && after <= delay + jitter + OVERTAKEN_BY);
            overtaken += usize::from(after >= delay + OVERTAKEN_BY);
        }
        assert!((50..150).contains(&overtaken), "{overtaken}");
    }

    #[test]
    fn a_narrow_link_queues_and_then_drops() {
        let narrow = Conditions { bytes_per_s: Some(10_000), ..Conditions::default() };
        let all = fates(narrow, 8);
        for (at, fate) in all.iter().take(5).enumerate() {
            let after = Duration::from_millis(100) * (at as u32 + 1);
            assert_eq!(*fate, Fate::Passes { after, again: None });
        }
        assert_eq!(all[7], Fate::Lost);
    }

    #[test]
    fn what_is_wrong_is_told_in_few_words() {
        let jitter = Duration::from_millis(3);
        let bad = Conditions { jitter, loss: 0.05, bytes_per_s: Some(9), ..Conditions::cut(Cut::Reset) };
        assert_eq!(bad.to_string(), "reset, 0 ms + up to 3, 5 % lost, 9 B/s");
        assert_eq!(Conditions::default().to_string(), "");
    }

    #[test]
    fn of_two_states_the_worse_counts() {
        let one = Conditions { loss: 0.5, bytes_per_s: Some(7), ..Conditions::cut(Cut::Reset) };
        let two = Conditions { delay: SECOND, bytes_per_s: Some(9), ..Conditions::cut(Cut::Silent) };
        let both = one.and(two);
        assert_eq!((both.cut, both.loss, both.delay, both.bytes_per_s), (Cut::Silent, 0.5, SECOND, Some(7)));
        assert_eq!(both, two.and(one));
        assert_eq!(fates(both, 1), [Fate::Lost]);
        assert_eq!(fates(one, 1), [Fate::Refused]);
    }
}
