//! Who shows wrong tokens, and how often: a leaky bucket for each address. Time comes in as an argument.
//!
//! Only what is wrong is counted and refused: a right token is taken from any address at any time, so that one client
//! with an old token cannot shut out others behind the same address. Nor need guessing be slowed down: of 256 bits no one
//! finds any. What is bounded is the work and the noise.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::limits::{AUTH_ADDRESSES_MAX, AUTH_FAILURE_KEPT, AUTH_FAILURES_MAX};

/// How long a failure counts, ms.
const KEPT_MS: u64 = AUTH_FAILURE_KEPT.as_millis() as u64;
/// Bits of an IPv6 address that a provider gives to one customer, and that therefore count as one address.
const IPV6_NETWORK: u128 = !0 << 64;

/// Failures of every address that are not forgotten.
#[derive(Debug, Default)]
pub(super) struct Limiter {
    /// When the last failure of each will be forgotten, ms; at most `AUTH_ADDRESSES_MAX`.
    empty_at_ms: BTreeMap<IpAddr, u64>,
}

impl Limiter {
    /// Notes a failure. When there were too many: how long to wait until the next is answered, ms.
    pub(super) fn fail(&mut self, from: IpAddr, now_ms: u64) -> Option<u64> {
        let from = network(from);
        self.make_room(from, now_ms);
        let empty_at = self.empty_at_ms.entry(from).or_insert(now_ms);
        let after = (*empty_at).max(now_ms) + KEPT_MS;
        let full_at = now_ms + AUTH_FAILURES_MAX * KEPT_MS;
        if after > full_at {
            return Some(after - full_at);
        }
        *empty_at = after;
        None
    }

    /// Keeps the number of addresses within its bound: those without failures go first, then the one with the fewest.
    fn make_room(&mut self, from: IpAddr, now_ms: u64) {
        if self.empty_at_ms.len() < AUTH_ADDRESSES_MAX || self.empty_at_ms.contains_key(&from) {
            return;
        }
        self.empty_at_ms.retain(|_, empty_at| *empty_at > now_ms);
        if self.empty_at_ms.len() >= AUTH_ADDRESSES_MAX {
            let fewest = self.empty_at_ms.iter().min_by_key(|(_, empty_at)| **empty_at).map(|(ip, _)| *ip);
            fewest.map(|ip| self.empty_at_ms.remove(&ip));
        }
    }
}

/// The address as it is counted.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & IPV6_NETWORK).into()),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(number: u32) -> IpAddr {
        IpAddr::V4(number.into())
    }

    #[test]
    fn a_burst_is_answered_then_one_a_second() {
        let mut limiter = Limiter::default();
        for _ in 0..AUTH_FAILURES_MAX {
            assert_eq!(limiter.fail(ip(1), 5_000), None);
        }
        assert_eq!(limiter.fail(ip(1), 5_000), Some(KEPT_MS));
        assert_eq!(limiter.fail(ip(1), 5_400), Some(KEPT_MS - 400), "waiting is not prolonged by asking");
        assert_eq!(limiter.fail(ip(1), 5_000 + KEPT_MS), None);
        assert_eq!(limiter.fail(ip(1), 5_000 + KEPT_MS), Some(KEPT_MS));
        assert_eq!(limiter.fail(ip(2), 5_000), None, "others are not concerned");
    }

    #[test]
    fn a_customer_s_ipv6_addresses_are_one_and_mapped_ipv4_is_ipv4() {
        let mut limiter = Limiter::default();
        let v6 = |low: u16| IpAddr::V6([0x2001, 0xdb8, 1, 2, 0, 0, 0, low].into());
        let answered = (0..100).filter(|low| limiter.fail(v6(*low), 0).is_none()).count();
        assert_eq!(answered as u64, AUTH_FAILURES_MAX);
        assert_eq!(network("::ffff:1.2.3.4".parse().unwrap()), ip(0x0102_0304));
    }

    proptest::proptest! {
        #[test]
        fn addresses_and_answers_are_bounded(calls in proptest::collection::vec((0u32..3, 0u64..3000), 1..400)) {
            let (mut limiter, mut now_ms, mut answered) = (Limiter::default(), 0, [0; 3]);
            for (from, pause_ms) in calls {
                now_ms += pause_ms;
                answered[from as usize] += u64::from(limiter.fail(ip(from), now_ms).is_none());
            }
            let most = AUTH_FAILURES_MAX + now_ms / KEPT_MS;
            proptest::prop_assert!(answered.iter().all(|count| *count <= most), "{answered:?} > {most}");
        }
    }

    #[test]
    fn the_table_is_bounded_and_keeps_those_that_fail_most() {
        let mut limiter = Limiter::default();
        for _ in 0..=AUTH_FAILURES_MAX {
            limiter.fail(ip(0), 0);
        }
        for number in 1..=10_000 {
            limiter.fail(ip(number), 0);
        }
        assert_eq!(limiter.empty_at_ms.len(), AUTH_ADDRESSES_MAX);
        assert!(limiter.fail(ip(0), 0).is_some(), "it is still known");
    }
}
