//! The ledger: entries and openings in SQLite, appended by compare-and-swap on the head.
//!
//! An append is durable before it returns: WAL with `synchronous=FULL`, one immediate transaction. Whoever ends writing
//! moves the write-ahead log into the file, even where others have the ledger open, so that a copy of the file is the
//! whole ledger.

mod append;
mod error;
mod folder;
mod place;
mod read;
mod schema;
mod tree;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::core::time::Timestamp;

pub use append::{Appended, Judge, Submission};
pub use error::LedgerError;
pub use folder::{Folder, FolderError};
pub use read::{Head, Row, Span};

/// How long a writer waits for the others.
const BUSY: Duration = Duration::from_secs(30);
/// How long it waits at its end for those who read an older state: readers here take a part at a time.
const SETTLING: Duration = Duration::from_millis(500);

/// An open ledger.
#[derive(Debug)]
pub struct Ledger {
    connection: Connection,
    path: PathBuf,
    /// Whether the nodes of the tree are kept: not in a ledger of version 1 that is only read.
    nodes: bool,
    /// How long it waits for other writers.
    patience: Duration,
}

impl Ledger {
    /// Makes a new, empty ledger.
    ///
    /// # Errors
    /// [`LedgerError`], and where a file is already there.
    pub fn create(path: &Path) -> Result<Self, LedgerError> {
        place::check_new(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let ledger = Self::connect(path, flags, BUSY)?;
        ledger.configure()?;
        schema::create(&ledger.connection).map_err(|e| LedgerError::from_sqlite(path, e))?;
        Ok(ledger)
    }

    /// Makes a new ledger with its entry 0: all of it, or nothing. It comes to its place whole, so that
    /// whoever is killed on the way leaves no ledger, or a good one.
    ///
    /// # Errors
    /// [`LedgerError`], and where a file is already there.
    pub fn create_with(path: &Path, now: Timestamp, first: &Submission) -> Result<Appended, LedgerError> {
        place::check_new(path)?;
        let staging = place::staging(path)?;
        let staged = staging.path().join("ledger.db");
        let appended = Self::create(&staged)
            .and_then(|mut ledger| {
                let appended = ledger.append(now, first)?;
                ledger.settle()?;
                Ok(appended)
            })
            .map_err(|error| error.at(path))?;
        place::put(&staged, path)?;
        Ok(appended)
    }

    /// Opens a ledger for reading and appending.
    ///
    /// # Errors
    /// [`LedgerError`]: each cause has its own.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        Self::open_within(path, BUSY)
    }

    /// The same, waiting for other writers so long at most, now and at each append.
    ///
    /// # Errors
    /// [`LedgerError`]: each cause has its own.
    pub fn open_within(path: &Path, patience: Duration) -> Result<Self, LedgerError> {
        place::check_existing(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut ledger = Self::connect(path, flags, patience)?;
        let whole = schema::check(&ledger.connection, path)?;
        ledger.configure()?;
        if !whole {
            schema::raise(&mut ledger.connection).map_err(|e| LedgerError::from_sqlite(path, e))?;
        }
        Ok(ledger)
    }

    /// Opens a ledger for reading alone; a file, folder or disk that may not be written is fine.
    ///
    /// # Errors
    /// [`LedgerError`]: each cause has its own.
    pub fn open_read_only(path: &Path) -> Result<Self, LedgerError> {
        Self::open_read_only_within(path, BUSY)
    }

    /// The same, waiting for other writers so long at most.
    ///
    /// # Errors
    /// [`LedgerError`]: each cause has its own.
    pub fn open_read_only_within(path: &Path, patience: Duration) -> Result<Self, LedgerError> {
        place::check_readable(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut ledger = Self::connect(path, flags, patience)?;
        match schema::check(&ledger.connection, path) {
            Ok(nodes) => {
                ledger.nodes = nodes;
                ledger.frugal()
            }
            Err(LedgerError::ReadOnly(_) | LedgerError::Full(_) | LedgerError::Disk { .. })
                if place::is_whole(path) =>
            {
                drop(ledger);
                let uri = place::immutable(path);
                let mut ledger =
                    Self::connect(Path::new(&uri), flags | OpenFlags::SQLITE_OPEN_URI, patience)?;
                path.clone_into(&mut ledger.path);
                ledger.nodes = schema::check(&ledger.connection, path)?;
                ledger.frugal()
            }
            Err(LedgerError::ReadOnly(path)) => Err(LedgerError::NeedsWriting(path)),
            Err(error) => Err(error),
        }
    }

    /// Copies the entries, and no opening, into a ledger of their own at `path`, in the place of an older copy.
    ///
    /// # Errors
    /// [`LedgerError`]; an older copy is left as it was then.
    pub fn copy_entries(&self, path: &Path) -> Result<(), LedgerError> {
        let staging = place::staging(path)?;
        let staged = staging.path().join("copy.db");
        self.wrap(self.connection.execute("VACUUM INTO ?1", [staged.to_string_lossy()]))?;
        let wrap = |error| LedgerError::from_sqlite(path, error);
        let copy = Connection::open(&staged).map_err(wrap)?;
        copy.execute_batch("PRAGMA journal_mode = DELETE; DELETE FROM openings; VACUUM;").map_err(wrap)?;
        drop(copy);
        place::replace(&staged, path)
    }

    /// Moves all of the write-ahead log into the file: closing would do so too, and tell nobody where it fails.
    fn settle(&self) -> Result<(), LedgerError> {
        let moved = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
        match self.wrap(moved)? {
            0 => Ok(()),
            _ => Err(LedgerError::Busy(self.path.clone())),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn connect(path: &Path, flags: OpenFlags, patience: Duration) -> Result<Self, LedgerError> {
        let open = || -> rusqlite::Result<Connection> {
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(patience)?;
            // Plans that do not hang on what is bound: nothing is ever prepared a second time.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
            Ok(connection)
        };
        let connection = open().map_err(|e| LedgerError::from_sqlite(path, e))?;
        Ok(Self { connection, path: path.to_owned(), nodes: true, patience })
    }

    /// Reading in order needs few pages: 512 KiB of them are kept.
    fn frugal(self) -> Result<Self, LedgerError> {
        self.wrap(self.connection.execute_batch("PRAGMA cache_size = -512;"))?;
        Ok(self)
    }

    /// The cache holds what a large batch changes, and the log several such, so that little is written twice.
    fn configure(&self) -> Result<(), LedgerError> {
        self.connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;
                 PRAGMA recursive_triggers = ON; PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 4000;",
            )
            .map_err(|e| LedgerError::from_sqlite(&self.path, e))
    }

    fn wrap<T>(&self, result: rusqlite::Result<T>) -> Result<T, LedgerError> {
        result.map_err(|e| LedgerError::from_sqlite(&self.path, e))
    }
}

impl Drop for Ledger {
    /// SQLite does so only where nobody else has the ledger open, and a reader may have it open for days. Whoever reads an
    /// older state just now is waited for: moving a part would leave a file that is no state at all. What cannot be moved
    /// stays in the log, durable as it is.
    fn drop(&mut self) {
        if matches!(self.connection.is_readonly("main"), Ok(false)) {
            let patience = self.connection.busy_timeout(SETTLING.min(self.patience));
            let moved = patience
                .and_then(|()| self.connection.query_row("PRAGMA wal_checkpoint(FULL)", [], |_| Ok(())));
            drop(moved);
        }
    }
}
