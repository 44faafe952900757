//! The seeded bugs: number, name, and what each does wrong.

use std::fmt;
use std::str::FromStr;

macro_rules! catalogue {
    ($($number:literal $variant:ident $name:literal $what:literal,)+) => {
        /// One seeded bug.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Mutant {
            $(#[doc = $what] $variant = $number,)+
        }

        impl Mutant {
            /// All of them, by number.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// What one is called on a command line.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// What it does wrong, in one line.
            pub fn what(self) -> &'static str {
                match self {
                    $(Self::$variant => $what,)+
                }
            }
        }
    };
}

catalogue! {
    1 AckBeforeMajority "ack-before-majority"
        "a leader answers a write when it proposes it, before a majority has it",
    2 FlushedBeforeFsync "flushed-before-fsync"
        "the log reports a batch flushed that is synced with the next one only",
    3 ForgetVote "forget-vote"
        "a log that is opened again has forgotten its votes",
    4 SkipReadRound "skip-read-round"
        "a leader answers linearizable reads without asking a quorum whether it still leads",
    5 JoinRunningRound "join-running-round"
        "a read joins a read-index round that is already under way",
    6 AnswerBeforeApplied "answer-before-applied"
        "a read is answered before its index is applied",
    7 LongLease "long-lease"
        "a leader answers lease reads for one and a half leases",
    8 VoteAtOnce "vote-at-once"
        "a restarted voter votes and stands at once, though it may have granted a lease",
    9 ApplyTwice "apply-twice"
        "the first entry behind a restored snapshot is applied twice",
    10 SnapshotMissesLast "snapshot-misses-last"
        "a snapshot lacks what the last write before it wrote",
    11 SnapshotForgetsDeadlines "snapshot-forgets-deadlines"
        "a snapshot keeps no deadlines: restored keys never expire",
    12 ExpireByOwnClock "expire-by-own-clock"
        "a replica hides keys that are due by its own wall clock",
    13 RetryProposed "retry-proposed"
        "the server sends a write again that may have been proposed already",
    14 RemoveWithoutJoint "remove-without-joint"
        "the log goes from the old voters to fewer ones without the joint configuration between",
    15 ServeUnownedSlot "serve-unowned-slot"
        "a group reads and writes slots that it does not own",
    16 BreakPromise "break-promise"
        "a voter that sees its leader gone votes for another, though it promised a lease",
}

impl Mutant {
    /// Its number, from 1 on.
    pub fn number(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// No mutant has that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no mutant {0:?}")]
pub struct UnknownMutant(String);

impl FromStr for Mutant {
    type Err = UnknownMutant;

    /// By name or number.
    fn from_str(text: &str) -> Result<Self, UnknownMutant> {
        let asked = |mutant: &&Self| mutant.name() == text || mutant.number().to_string() == text;
        Self::ALL.iter().find(asked).copied().ok_or_else(|| UnknownMutant(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutant_is_found_by_name_and_by_number() {
        for &mutant in Mutant::ALL {
            assert_eq!(mutant.name().parse(), Ok(mutant));
            assert_eq!(mutant.number().to_string().parse(), Ok(mutant));
        }
        assert_eq!("17".parse::<Mutant>(), Err(UnknownMutant("17".to_owned())));
        assert!(Mutant::ALL.iter().map(|mutant| mutant.number()).eq(1..=16));
    }
}
