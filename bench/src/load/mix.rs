//! What is done in which proportion, and to which keys: the shares of a mix, and YCSB's presets (Cooper et al.,
//! "Benchmarking Cloud Serving Systems with YCSB", SoCC 2010).

use clap::ValueEnum;

/// One kind of operation, as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Reads a key.
    Get,
    /// Writes a key that is there.
    Set,
    /// Writes a new key.
    Insert,
    /// Reads keys in order from one on.
    Scan,
    /// Reads a key, then writes it: one operation.
    Rmw,
}

impl Kind {
    /// All of them, in the order they are printed.
    pub(crate) const ALL: [Self; 5] = [Self::Get, Self::Set, Self::Insert, Self::Scan, Self::Rmw];

    /// As it is printed.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Set => "set",
            Self::Insert => "insert",
            Self::Scan => "scan",
            Self::Rmw => "rmw",
        }
    }
}

/// Which of the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Distribution {
    /// All alike.
    Uniform,
    /// A few very often, spread over all keys.
    Zipfian,
    /// The newest most often.
    Latest,
}

impl Distribution {
    /// As it is printed.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Zipfian => "zipfian",
            Self::Latest => "latest",
        }
    }
}

/// Percentages of the kinds; they add up to 100.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Mix {
    percents: [f64; Kind::ALL.len()],
}

impl Mix {
    /// Reads and writes only, the reads being this share of all.
    pub(crate) fn of_reads(ratio: f64) -> Self {
        Self { percents: [100.0 * ratio, 100.0 - 100.0 * ratio, 0.0, 0.0, 0.0] }
    }

    /// The kind that stands at `point`, from 0 to below 100, when all are laid side by side.
    pub(crate) fn at(&self, point: f64) -> Kind {
        let mut end = 0.0;
        for (kind, percent) in Kind::ALL.into_iter().zip(self.percents) {
            end += percent;
            if point < end {
                return kind;
            }
        }
        // Sums of shares may end a rounding error below 100.
        self.kinds().last().map_or(Kind::Set, |(kind, _)| kind)
    }

    /// The kinds that come up, and their percentages.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = (Kind, f64)> {
        Kind::ALL.into_iter().zip(self.percents).filter(|(_, percent)| *percent > 0.0)
    }

    /// Whether a kind comes up.
    pub(crate) fn has(&self, wanted: Kind) -> bool {
        self.kinds().any(|(kind, _)| kind == wanted)
    }

    /// Whether keys have to be there before it begins.
    pub(crate) fn reads(&self) -> bool {
        [Kind::Get, Kind::Scan, Kind::Rmw].into_iter().any(|kind| self.has(kind))
    }
}

/// YCSB's core workloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Ycsb {
    /// Update heavy: 50 % get, 50 % set, zipfian.
    A,
    /// Read mostly: 95 % get, 5 % set, zipfian.
    B,
    /// Read only, zipfian.
    C,
    /// Read the latest: 95 % get, 5 % insert, latest.
    D,
    /// Short ranges: 95 % scan, 5 % insert, zipfian.
    E,
    /// 50 % get, 50 % read-modify-write, zipfian.
    F,
}

impl Ycsb {
    /// What is done.
    pub(crate) fn mix(self) -> Mix {
        let percents = match self {
            Self::A => [50.0, 50.0, 0.0, 0.0, 0.0],
            Self::B => [95.0, 5.0, 0.0, 0.0, 0.0],
            Self::C => [100.0, 0.0, 0.0, 0.0, 0.0],
            Self::D => [95.0, 0.0, 5.0, 0.0, 0.0],
            Self::E => [0.0, 0.0, 5.0, 95.0, 0.0],
            Self::F => [50.0, 0.0, 0.0, 0.0, 50.0],
        };
        Mix { percents }
    }

    /// To which keys.
    pub(crate) fn distribution(self) -> Distribution {
        if self == Self::D { Distribution::Latest } else { Distribution::Zipfian }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_fall_into_their_shares() {
        let mix = Ycsb::D.mix();
        assert_eq!((mix.at(0.0), mix.at(94.9), mix.at(95.0)), (Kind::Get, Kind::Get, Kind::Insert));
        assert_eq!(mix.at(100.0), Kind::Insert);
        assert_eq!(Mix::of_reads(0.0).at(0.0), Kind::Set);
        assert_eq!(Mix::of_reads(1.0).at(99.999), Kind::Get);
    }

    #[test]
    fn every_preset_adds_up_and_says_whether_it_reads() {
        for preset in Ycsb::value_variants() {
            let sum: f64 = preset.mix().kinds().map(|(_, percent)| percent).sum();
            assert_eq!(sum, 100.0, "{preset:?}");
            assert!(preset.mix().reads());
        }
        assert!(!Mix::of_reads(0.0).reads() && Mix::of_reads(0.1).reads());
    }
}
