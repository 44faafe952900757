//! How fresh reads must be: chosen by the request, by the connection, or by a setting.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How fresh a read must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Consistency {
    /// Sees every write acknowledged before the read began (read index).
    Linearizable,
    /// The same, answered by the leader while its lease holds; read index otherwise.
    Lease,
    /// Whatever a replica has, with its staleness.
    Local,
}

/// The text names no consistency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is linearizable, lease or local")]
pub struct NoConsistency;

impl FromStr for Consistency {
    type Err = NoConsistency;

    fn from_str(text: &str) -> Result<Self, NoConsistency> {
        let known = [Self::Linearizable, Self::Lease, Self::Local];
        known.into_iter().find(|known| known.name().eq_ignore_ascii_case(text)).ok_or(NoConsistency)
    }
}

impl Consistency {
    /// Its name, as settings and clients write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linearizable => "linearizable",
            Self::Lease => "lease",
            Self::Local => "local",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        for known in [Consistency::Linearizable, Consistency::Lease, Consistency::Local] {
            assert_eq!(known.name().to_ascii_uppercase().parse(), Ok(known));
        }
        assert_eq!("stale".parse::<Consistency>(), Err(NoConsistency));
    }
}
