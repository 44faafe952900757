//! Histories: what clients asked, when, and what they were told. One JSON object a line.
//!
//! The format is the one of the public histories in `data/`: `op` and `in` are the input, `out` the output.
//! Times are nanoseconds on one monotonic clock, shared by all clients of a run.

mod lines;

use serde::{Deserialize, Serialize};

pub use lines::{read, write};

/// What is certain about an operation's effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It took effect between its call and its return.
    Ok,
    /// It never happened and never will.
    Fail,
    /// It takes effect once, at any time after its call, or never.
    #[default]
    Unknown,
}

/// How fresh a read asked to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Consistency {
    /// By read index.
    #[default]
    Linearizable,
    /// By the leader's lease; judged as linearizable.
    Lease,
    /// From any replica; judged by its stated age and by monotonicity.
    Local,
}

/// What a compare-and-set expects.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expect {
    /// The key is absent.
    Absent,
    /// The key is present.
    Present,
    /// The key has just this version.
    Version(u64),
    /// The key has just this value (public histories; Quorate compares versions).
    Value(String),
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "op", content = "in", rename_all = "lowercase")]
pub enum Input {
    /// Read the key.
    Get(Consistency),
    /// Write the key.
    Set {
        /// The value; unique in its history, so that a read names the write it saw.
        value: String,
        /// Time to live, ms of group time; `None`: never expires.
        ttl_ms: Option<u64>,
    },
    /// Delete the key.
    Delete,
    /// Write the key if it is as expected.
    Cas {
        /// The condition.
        expect: Expect,
        /// The value.
        value: String,
        /// Time to live, ms of group time; `None`: never expires.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ttl_ms: Option<u64>,
    },
    /// Add to the key's number; an absent key counts as 0. A deadline stays.
    Incr {
        /// What to add.
        by: i64,
    },
    /// Append to the key's value; an absent key counts as empty. A deadline stays.
    Append {
        /// What to append.
        value: String,
    },
    /// Give a key that is there a new deadline; its version grows.
    Touch {
        /// Time to live, ms of group time.
        ttl_ms: u64,
    },
    /// Take the deadline from a key that is there; its version grows.
    Persist,
}

impl Default for Input {
    fn default() -> Self {
        Self::Get(Consistency::default())
    }
}

impl Input {
    /// The value this would write, for inputs that name one whole.
    pub fn value(&self) -> Option<&str> {
        match self {
            Self::Set { value, .. } | Self::Cas { value, .. } => Some(value),
            Self::Get(_)
            | Self::Delete
            | Self::Incr { .. }
            | Self::Append { .. }
            | Self::Touch { .. }
            | Self::Persist => None,
        }
    }

    /// The time to live this would give the key, ms; `None` if it gives it none.
    pub fn ttl_ms(&self) -> Option<u64> {
        match self {
            Self::Set { ttl_ms, .. } | Self::Cas { ttl_ms, .. } => *ttl_ms,
            Self::Touch { ttl_ms } => Some(*ttl_ms),
            Self::Get(_) | Self::Delete | Self::Incr { .. } | Self::Append { .. } | Self::Persist => None,
        }
    }

    /// Whether this is a read that promises to see every write acknowledged before it.
    pub fn is_linearizable_read(&self) -> bool {
        matches!(self, Self::Get(Consistency::Linearizable | Consistency::Lease))
    }
}

/// An entry as a read saw it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Seen {
    /// Its value.
    pub value: String,
    /// Its version, where the store has versions.
    pub version: Option<u64>,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Output {
    /// What a read found; `None`: absent or expired.
    Read(Option<Seen>),
    /// The key was written.
    Written {
        /// Its new version.
        version: Option<u64>,
        /// Whether it was absent before.
        created: Option<bool>,
        /// The new value, of operations that compute one.
        value: Option<String>,
    },
    /// The condition did not hold.
    Mismatch {
        /// The version the key had; `None`: none was told.
        current: Option<u64>,
    },
    /// The key is absent, and the operation needs it: nothing changed.
    Missing,
    /// The value is no number that could be added to: nothing changed.
    NotANumber,
    /// The key is absent now.
    Deleted {
        /// Whether it was there before.
        deleted: bool,
        /// The group's version then.
        version: Option<u64>,
    },
}

impl Output {
    /// The version this answer tells of, if any.
    pub fn version(&self) -> Option<u64> {
        match self {
            Self::Read(seen) => seen.as_ref().and_then(|s| s.version),
            Self::Written { version, .. } | Self::Deleted { version, .. } => *version,
            Self::Mismatch { current } => *current,
            Self::Missing | Self::NotANumber => None,
        }
    }
}

/// What an answer told of the key's deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expires {
    /// Nothing.
    #[default]
    Untold,
    /// There is none.
    Never,
    /// It is so many ms after the group time of the answer.
    In(u64),
}

impl Expires {
    fn is_untold(&self) -> bool {
        *self == Self::Untold
    }
}

/// One operation of one client on one key. The default is one of which nothing is known, to be filled in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// The client.
    pub client: u64,
    /// The client's life: a client that cannot know what became of its operation goes on as a new process.
    pub process: u64,
    /// The node asked.
    pub node: u64,
    /// The key.
    pub key: String,
    /// When it was called, ns.
    pub call_ns: u64,
    /// When its answer came or the client gave up, ns.
    pub return_ns: u64,
    /// What was asked.
    #[serde(flatten)]
    pub input: Input,
    /// What was answered; `None` unless the outcome is `ok`.
    #[serde(rename = "out")]
    pub output: Option<Output>,
    /// What is certain.
    pub outcome: Outcome,
    /// The group time the answer carried, ms.
    pub time_ms: Option<u64>,
    /// How old what a local read saw may be, as the answer stated it, ms. It counts back from the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<u64>,
    /// What the answer told of the key's deadline.
    #[serde(default, skip_serializing_if = "Expires::is_untold")]
    pub expires: Expires,
    /// Which of the client's connections to this node it went over: local reads of one never go back.
    #[serde(default)]
    pub connection: u64,
    /// Why it did not succeed, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error: String,
}
