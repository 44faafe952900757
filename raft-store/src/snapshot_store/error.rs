//! What can go wrong with stored snapshots.

use std::io;
use std::path::PathBuf;

use super::SnapshotId;
use crate::GroupId;
use crate::codec::DecodeError;

/// Why a snapshot could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The database under the store failed.
    #[error("the snapshot database failed: {0}")]
    Database(#[from] io::Error),
    /// Another process, or another store in this one, has the folder open.
    #[error("the snapshot database in {0:?} is in use")]
    InUse(PathBuf),
    /// An earlier write failed, or the database could not be opened again; the store serves nothing any more.
    #[error("the snapshot database is closed after an earlier failure")]
    Closed,
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

impl SnapshotError {
    /// Whether stored bytes are not what was written, and no later version of the program wrote them either.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::CorruptChunk { reason, .. } | Self::CorruptRecord { reason, .. } => {
                !matches!(reason, CorruptReason::Version(_))
            }
            Self::Unreadable { .. } => true,
            _ => false,
        }
    }
}

impl From<SnapshotError> for io::Error {
    fn from(error: SnapshotError) -> Self {
        match error {
            SnapshotError::Database(error) => error,
            error => Self::new(io::ErrorKind::InvalidData, error),
        }
    }
}
