//! Why a log cannot be opened or used.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use crate::GroupId;

/// Why a log cannot be opened or used.
#[derive(Debug, thiserror::Error)]
pub enum WalError {
    /// Another process (or another log of this one) has the directory open.
    #[error("the log directory {dir} is in use by another process")]
    Locked {
        /// The directory.
        dir: String,
    },
    /// The file system failed.
    #[error("{file}: {source}")]
    Io {
        /// File or directory.
        file: String,
        /// What it said.
        source: io::Error,
    },
    /// A segment was written by an older or a newer program.
    #[error("{file}: log format {version} is not known to this program, which reads format {known} only")]
    UnknownVersion {
        /// The segment file.
        file: String,
        /// The version it names.
        version: u32,
        /// The version this program reads and writes.
        known: u32,
    },
    /// Bytes are damaged in a way that a crash cannot explain.
    #[error("{file} is damaged at byte {offset}: {what}")]
    Corrupt {
        /// The segment file.
        file: String,
        /// Where in it.
        offset: u64,
        /// What is wrong there, with the groups it concerns where the records tell.
        what: Cow<'static, str>,
    },
    /// A segment between others is gone.
    #[error("log segment {file} is missing")]
    MissingSegment {
        /// The file that should be there.
        file: String,
    },
    /// Every batch is sound, but an entry between others is in none of them.
    #[error("group {group}: entry {index} is missing from the log")]
    Hole {
        /// The group.
        group: GroupId,
        /// Index of the entry.
        index: u64,
    },
    /// The disk had no room for what still waited when the log was closed.
    #[error("the log was closed with writes waiting for room: {0}")]
    Full(String),
    /// A write or sync failed before; the log takes nothing any more.
    #[error("the log has failed: {0}")]
    Failed(String),
}

impl WalError {
    /// Names the file an I/O error was about.
    pub(super) fn io(file: &str) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Io { file: file.to_owned(), source }
    }
}

/// Says of an I/O error what was being done, where.
pub(super) fn while_doing(what: impl std::fmt::Display) -> impl FnOnce(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{what}: {error}"))
}

/// Whether an error says that the disk, or a quota, has no room: what waiting can cure.
pub(super) fn is_no_room(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// The first failure of a log, told to everyone who comes later.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    kind: io::ErrorKind,
    why: Arc<str>,
}

impl Failure {
    /// Remembers `error`.
    pub(super) fn new(error: &io::Error) -> Self {
        Self { kind: error.kind(), why: error.to_string().into() }
    }

    /// The failure as an error for one caller.
    pub(super) fn to_io(&self) -> io::Error {
        io::Error::new(self.kind, WalError::Failed(self.why.to_string()))
    }

    /// The failure for [`super::SharedLog::health`].
    pub(super) fn to_wal(&self) -> WalError {
        WalError::Failed(self.why.to_string())
    }
}
