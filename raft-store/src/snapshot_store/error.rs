//! What can go wrong with stored snapshots.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::SnapshotId;
use super::backend::{is_damage, is_full};
use crate::GroupId;
use crate::codec::DecodeError;

/// Why a snapshot could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The disk, or this process's share of it, is full. Nothing that was durable is lost, what was being
    /// written is; it may be tried again, and works once there is room.
    #[error("no room for snapshots: {0}")]
    Full(String),
    /// The database failed; `during` says at what, and where.
    #[error("{during}: {error}")]
    Failed {
        /// What was done: chunk, snapshot, group and folder as far as they are known.
        during: String,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// Another process, or another store in this one, has the folder open.
    #[error("the snapshot database in {0:?} is in use")]
    InUse(PathBuf),
    /// An earlier write failed, or the database could not be opened again; the store serves nothing any more.
    #[error("the snapshot database is closed since it failed: {0}")]
    Closed(String),
    /// The group was closed, and its old instance changes nothing any more.
    #[error("group {0} was closed meanwhile")]
    GroupClosed(GroupId),
    /// The database's own files are damaged.
    #[error("the snapshot database is damaged: {0}")]
    Damaged(Damage),
    /// The database was written by a version of the program that this one cannot read.
    #[error("{path:?} has the unknown format version {version}")]
    UnknownVersion {
        /// The file.
        path: PathBuf,
        /// What it says.
        version: u32,
    },
    /// Chunks of a snapshot being written were lost when the database was opened again.
    #[error("chunks of {0} were lost when the database was opened again")]
    Lost(SnapshotId),
    /// A stored chunk is missing, damaged or not the one asked for.
    #[error("chunk {chunk} of {id} is corrupt: {reason}")]
    CorruptChunk {
        /// The snapshot.
        id: SnapshotId,
        /// The chunk's place in it.
        chunk: u32,
        /// What is wrong with it.
        reason: CorruptReason,
    },
    /// The database could not read a chunk.
    #[error("chunk {chunk} of {id} is unreadable: {error}")]
    Unreadable {
        /// The snapshot.
        id: SnapshotId,
        /// The chunk's place in it.
        chunk: u32,
        /// What the database says.
        #[source]
        error: io::Error,
    },
    /// A group's record of its current snapshot, or of one begun, is damaged.
    #[error("the snapshot record of group {group} is corrupt: {reason}")]
    CorruptRecord {
        /// The group.
        group: GroupId,
        /// What is wrong with it.
        reason: CorruptReason,
    },
    /// A key of the database is none this program writes.
    #[error("the snapshot database holds an unknown key of {0} bytes")]
    UnknownKey(usize),
    /// A frame sent by another node is not the next one of the snapshot it sends.
    #[error("the frame received as chunk {chunk} of group {group} is not usable: {reason}")]
    BadFrame {
        /// The group.
        group: GroupId,
        /// The chunk expected.
        chunk: u32,
        /// What is wrong with it.
        reason: CorruptReason,
    },
    /// A chunk is larger than `SNAPSHOT_CHUNK_BYTES_MAX`, or there are more than `u32::MAX` of them.
    #[error("a snapshot chunk of {0} bytes is too large, or one too many")]
    TooLarge(usize),
    /// The snapshot is another store's, so it cannot become current in this one.
    #[error("{0} belongs to another snapshot store")]
    Foreign(SnapshotId),
}

/// What is wrong with stored or received bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CorruptReason {
    /// It is not there.
    #[error("it is missing")]
    Missing,
    /// It does not begin as it should.
    #[error("wrong magic")]
    Magic,
    /// Written by a version of the program that this one cannot read.
    #[error("unknown format version {0}")]
    Version(u8),
    /// The checksum does not match.
    #[error("wrong checksum")]
    Checksum,
    /// It is a valid one of another group, snapshot or place.
    #[error("it belongs elsewhere")]
    Misplaced,
    /// Its compressed bytes cannot be restored.
    #[error("it does not decompress")]
    Compression,
    /// Its fields cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// Where the database's files are damaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The file, or the folder if the file is not known.
    pub path: PathBuf,
    /// Where in it, in bytes, if that is known.
    pub offset: Option<u64>,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(offset) = self.offset {
            write!(f, " at offset {offset}")?;
        }
        write!(f, ": {}", self.what)
    }
}

impl SnapshotError {
    /// `error`, which came `during` what the text says.
    pub(super) fn failed(during: String, error: io::Error) -> Self {
        if is_full(&error) {
            Self::Full(format!("{during}: {error}"))
        } else {
            Self::Failed { during, error }
        }
    }

    /// The same, said to have come while `doing` something.
    pub(super) fn within(self, doing: impl fmt::Display) -> Self {
        match self {
            Self::Full(what) => Self::Full(format!("{doing}: {what}")),
            Self::Failed { during, error } => Self::Failed { during: format!("{doing}: {during}"), error },
            error => error,
        }
    }

    /// Whether the same can work later, from the start: the disk was full, or what was written so far was lost
    /// with the writes of somebody who met a full disk.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Full(_) | Self::Lost(_))
    }

    /// Whether stored bytes are not what was written, and no later version of the program wrote them either:
    /// the snapshot has to come from elsewhere.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Damaged(_) | Self::UnknownKey(_) => true,
            Self::CorruptChunk { reason, .. } | Self::CorruptRecord { reason, .. } => {
                !matches!(reason, CorruptReason::Version(_))
            }
            Self::Unreadable { error, .. } | Self::Failed { error, .. } => is_damage(error),
            _ => false,
        }
    }
}

impl From<SnapshotError> for io::Error {
    fn from(error: SnapshotError) -> Self {
        let kind = match &error {
            SnapshotError::Full(_) => io::ErrorKind::StorageFull,
            SnapshotError::Failed { error, .. } | SnapshotError::Unreadable { error, .. } => error.kind(),
            SnapshotError::Closed(_)
            | SnapshotError::GroupClosed(_)
            | SnapshotError::InUse(_)
            | SnapshotError::Lost(_) => io::ErrorKind::Other,
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}
