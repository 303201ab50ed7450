//! What can go wrong with a ledger, each with the next step.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use rusqlite::ffi::SQLITE_IOERR_SHMSIZE;

use crate::core::entry::EntryError;
use crate::core::time::Timestamp;

/// Why a ledger could not be opened, read or appended to. Nothing was written unless said otherwise.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// No file there.
    #[error("there is no ledger at {0}: run `aether-audit init`, or name the ledger with --ledger")]
    Missing(PathBuf),
    /// No folder there.
    #[error("the folder {0} does not exist: make it, or name another place with --ledger")]
    FolderMissing(PathBuf),
    /// A folder, socket or device.
    #[error("{0} is not a file: name the ledger's file with --ledger")]
    NotAFile(PathBuf),
    /// Something is there already.
    #[error("{0} is there already: it was left as it is")]
    Exists(PathBuf),
    /// The bytes are no SQLite database.
    #[error("{0} is no database, or is damaged: restore it from a backup, then run `aether-audit verify`")]
    NotADatabase(PathBuf),
    /// A database of something else.
    #[error("{0} is a database, but not one of aether-audit: name the ledger with --ledger")]
    NotALedger(PathBuf),
    /// Tables of a newer program.
    #[error("{path} has schema version {found}; this program knows up to {known}: use a newer aether-audit")]
    Newer {
        /// The ledger.
        path: PathBuf,
        /// Its version.
        found: i32,
        /// The newest that this program knows.
        known: i32,
    },
    /// The file, its folder or its file system may not be written.
    #[error(
        "{0} may not be written: check the permissions of the file and of its folder (SQLite writes beside it)"
    )]
    ReadOnly(PathBuf),
    /// A write-ahead log stands beside it, and the folder may not be written.
    #[error(
        "{0} was copied while somebody wrote to it (there is a {0}-wal), and its folder may not be written: \
             copy both files to a folder of yours and name the copy with --ledger"
    )]
    NeedsWriting(PathBuf),
    /// The file may not be read.
    #[error("{0} may not be read: check its permissions")]
    Unreadable(PathBuf),
    /// No space left.
    #[error("the disk that holds {0} is full: nothing was written; make room and run the same command again")]
    Full(PathBuf),
    /// The disk, or a limit on the process, refuses.
    #[error(
        "{path} could not be read or written ({source}): nothing was appended; look at the disk and at the limits of \
             this process (`ulimit -a`), then run the same command again"
    )]
    Disk {
        /// The ledger.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The disk failed while an entry was made durable, and what it wrote of it could not be taken back.
    #[error(
        "{path} could not be written ({source}), and the entry may or may not be there: look at the disk, then at \
             `aether-audit log`, before you run the same command again"
    )]
    Doubt {
        /// The ledger.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// SQLite's locks do not hold there.
    #[error(
        "{path} is on a network file system ({kind}), where SQLite's locks do not hold: put the ledger on a local disk"
    )]
    Network {
        /// The ledger.
        path: PathBuf,
        /// For example `nfs`.
        kind: &'static str,
    },
    /// Another process held it too long.
    #[error("{0} is held by another process: try again")]
    Busy(PathBuf),
    /// Erased, but a reader kept the old bytes from leaving the write-ahead log.
    #[error(
        "erased, but another process is reading {0}, and until it ends the old bytes stand in {0}-wal: \
             run the same command again when it has ended"
    )]
    Traces(PathBuf),
    /// Erased, but the file could not be written anew.
    #[error(
        "erased, but old bytes may still stand in unused parts of {path}, which could not be written anew \
             (it takes free disk space of twice its size): {source}. Put that right and run the same command again"
    )]
    Unwiped {
        /// The ledger.
        path: PathBuf,
        /// Why not.
        source: rusqlite::Error,
    },
    /// A decision or act whose signer had not seen what came in meanwhile.
    #[error(
        "not appended: the signer had seen entry {seen}; since then entries {entries:?} came into this deployment. \
             Look at them (`aether-audit log`), then run the command again"
    )]
    Stale {
        /// The newest entry that the signer had seen.
        seen: u64,
        /// What came in since.
        entries: Vec<u64>,
    },
    /// Entry 0 into a ledger that has one, or anything else into one that has none.
    #[error("not appended: {0}")]
    Order(&'static str),
    /// The statement commits to a history that is not this ledger's.
    #[error(
        "not appended: the statement was signed having seen entry {seq} as {leaf}, which is not what this ledger holds. \
             It belongs to another log, its signer had appended to a copy of their own (have it signed again with --out, from a copy \
             of this ledger), or this ledger was restored from an older copy: run `aether-audit verify`"
    )]
    OtherHistory {
        /// The entry that the signer had seen.
        seq: u64,
        /// Its leaf, as the signer saw it.
        leaf: String,
    },
    /// The id is taken by another statement.
    #[error("not appended: the id {0} is already taken by another statement of this log")]
    IdTaken(String),
    /// The clock is behind the head.
    #[error(
        "not appended: this machine's clock says {now}, but the newest entry is of {head}: set the clock right"
    )]
    ClockBehind {
        /// This machine's clock.
        now: Timestamp,
        /// The head's.
        head: Timestamp,
    },
    /// The signer's clock was ahead.
    #[error(
        "not appended: the statement says {time}, more than 2 minutes after this machine's clock ({now}): \
             set the signer's clock right and sign again"
    )]
    ClockAhead {
        /// The signer's clock.
        time: Timestamp,
        /// This machine's clock.
        now: Timestamp,
    },
    /// What came in meanwhile no longer allows it.
    #[error("{0}")]
    Refused(Box<dyn std::error::Error + Send + Sync>),
    /// The entry would not be of the format.
    #[error("not appended: {0}")]
    Entry(#[from] EntryError),
    /// The ledger could not be put in its place.
    #[error("{path} could not be made ({source}): nothing is left behind")]
    Place {
        /// The ledger.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// Anything else that SQLite says.
    #[error("{path}: {source}")]
    Sqlite {
        /// The ledger.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
}

impl LedgerError {
    /// Whether the disk may hold what was to be appended, though it said that it failed.
    #[must_use]
    pub const fn leaves_doubt(&self) -> bool {
        matches!(
            self,
            Self::Full(_)
                | Self::Disk { .. }
                | Self::Doubt { .. }
                | Self::Sqlite { .. }
                | Self::ReadOnly(_)
                | Self::Traces(_)
                | Self::Unwiped { .. }
        )
    }

    /// The same, said of another path: what happens to a ledger on its way is about its place.
    pub(super) fn at(self, place: &Path) -> Self {
        let path = place.to_owned();
        match self {
            Self::ReadOnly(_) => Self::ReadOnly(path),
            Self::Full(_) => Self::Full(path),
            Self::Disk { source, .. } => Self::Disk { path, source },
            Self::Doubt { source, .. } => Self::Doubt { path, source },
            Self::Sqlite { source, .. } => Self::Sqlite { path, source },
            other => other,
        }
    }

    pub(super) fn from_sqlite(path: &Path, error: rusqlite::Error) -> Self {
        let path = path.to_owned();
        let extended = error.sqlite_error().map(|error| error.extended_code);
        match error.sqlite_error_code() {
            // The index beside the file, which a reader makes too, could not be made as long as it is.
            _ if extended == Some(SQLITE_IOERR_SHMSIZE) => Self::Full(path),
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::NotADatabase(path),
            Some(ErrorCode::DiskFull) => Self::Full(path),
            Some(ErrorCode::SystemIoFailure) => Self::Disk { path, source: error },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy(path),
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::ReadOnly(path)
            }
            _ => Self::Sqlite { path, source: error },
        }
    }
}
