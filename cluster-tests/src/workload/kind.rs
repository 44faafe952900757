//! The kinds of work clients can do, by name, and mixes of them.

use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;
use rand::Rng;
use rand::rngs::StdRng;
use serde::Serialize;

/// One kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Reads, sets, deletes and compare-and-sets on keys that everybody shares.
    Register,
    /// Chains of compare-and-sets by version on a few hot keys.
    Cas,
    /// Numbers added to and taken from; each answer tells the sum.
    Counter,
    /// Unique elements added once each, one key for each element.
    Set,
    /// Unique elements appended to lists.
    Append,
    /// Short times to live: read around the deadline, prolonged, made permanent, replaced.
    Ttl,
    /// Locks with a time to live: taken if absent, renewed and given up by version.
    Lease,
    /// Several keys in one request, each operation judged alone.
    Batch,
    /// All clients at once, then none: huge values next to small ones.
    Bursts,
}

impl Kind {
    /// What the names of its keys begin with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Register => "key",
            Self::Cas => "cas",
            Self::Counter => "counter",
            Self::Set => "set",
            Self::Append => "append",
            Self::Ttl => "ttl",
            Self::Lease => "lease",
            Self::Batch => "batch",
            Self::Bursts => "bursts",
        }
    }

    /// The kind that uses a key of this name, by the part before the first `-`.
    pub fn of(key: &str) -> Option<Self> {
        let prefix = key.split('-').next()?;
        Self::value_variants().iter().copied().find(|kind| kind.prefix() == prefix)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_possible_value().as_ref().map_or("", |value| value.get_name()))
    }
}

/// Why a text names no mix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MixError {
    /// No such kind.
    #[error("no such workload: {0:?}")]
    Unknown(String),
    /// A weight that is no whole number above 0.
    #[error("a weight is a whole number above 0, not {0:?}")]
    Weight(String),
    /// A kind twice.
    #[error("{0} twice")]
    Twice(Kind),
}

/// Kinds of work, each with its weight: how often it is chosen against the others. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mix(Vec<(Kind, u32)>);

impl Mix {
    /// Every kind, equally often.
    pub fn all() -> Self {
        Self(Kind::value_variants().iter().map(|kind| (*kind, 1)).collect())
    }

    /// What is left of it with these kinds alone; registers when that is nothing.
    pub(super) fn only(self, wanted: impl Fn(Kind) -> bool) -> Self {
        let kinds: Vec<_> = self.0.into_iter().filter(|(kind, _)| wanted(*kind)).collect();
        if kinds.is_empty() { Self::default() } else { Self(kinds) }
    }

    /// The kinds in it.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.0.iter().map(|(kind, _)| *kind)
    }

    /// The place in the mix of a kind drawn by weight.
    pub(super) fn draw(&self, random: &mut StdRng) -> usize {
        let whole: u32 = self.0.iter().map(|(_, weight)| weight).sum();
        let mut left = random.random_range(0..whole.max(1));
        for (place, (_, weight)) in self.0.iter().enumerate() {
            match left.checked_sub(*weight) {
                Some(rest) => left = rest,
                None => return place,
            }
        }
        0
    }
}

impl Default for Mix {
    /// Registers alone.
    fn default() -> Self {
        Self(vec![(Kind::Register, 1)])
    }
}

/// `register,ttl=3`: names with weights, 1 when left out; or `all`.
impl FromStr for Mix {
    type Err = MixError;

    fn from_str(text: &str) -> Result<Self, MixError> {
        if text == "all" {
            return Ok(Self::all());
        }
        let mut kinds: Vec<(Kind, u32)> = Vec::new();
        for part in text.split(',') {
            let (name, weight) = part.split_once('=').unwrap_or((part, "1"));
            let kind = Kind::from_str(name, false).map_err(|_| MixError::Unknown(name.to_owned()))?;
            let weight = weight.parse::<u16>().ok().filter(|weight| *weight > 0);
            let weight = weight.ok_or_else(|| MixError::Weight(part.to_owned()))?;
            if kinds.iter().any(|(known, _)| *known == kind) {
                return Err(MixError::Twice(kind));
            }
            kinds.push((kind, weight.into()));
        }
        Ok(Self(kinds))
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self
            .0
            .iter()
            .map(|(kind, weight)| if *weight == 1 { kind.to_string() } else { format!("{kind}={weight}") })
            .collect();
        f.write_str(&parts.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn mixes_are_written_as_they_are_read() {
        for text in ["register", "register,ttl=3", "set=2,append,lease"] {
            assert_eq!(text.parse::<Mix>().unwrap().to_string(), text);
        }
        assert_eq!("all".parse(), Ok(Mix::all()));
        assert_eq!(Mix::all().kinds().count(), 9);
        assert_eq!("nothing".parse::<Mix>(), Err(MixError::Unknown("nothing".into())));
        assert_eq!("".parse::<Mix>(), Err(MixError::Unknown(String::new())));
        assert_eq!("ttl=0".parse::<Mix>(), Err(MixError::Weight("ttl=0".into())));
        assert_eq!("ttl,ttl=2".parse::<Mix>(), Err(MixError::Twice(Kind::Ttl)));
    }

    #[test]
    fn kinds_are_drawn_by_weight() {
        let mix: Mix = "register,ttl=3".parse().unwrap();
        let mut random = StdRng::seed_from_u64(1);
        let drawn: usize = (0..4000).map(|_| mix.draw(&mut random)).sum();
        assert!((2800..3200).contains(&drawn), "{drawn} of 4000");
    }

    #[test]
    fn every_kind_is_known_by_its_keys() {
        for kind in Kind::value_variants() {
            assert_eq!(Kind::of(&format!("{}-3.1", kind.prefix())), Some(*kind));
        }
        assert_eq!(Kind::of("other"), None);
    }
}
