//! The tables, and the refusal of those of a newer program.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::{LedgerError, tree};

/// `aaud`, so that `file` and SQLite tools can tell.
const APPLICATION_ID: i32 = 0x6161_7564;
/// Raised by one with each change of the tables.
const VERSION: i32 = 2;

const TABLES: &str = "
CREATE TABLE entries (
    seq            INTEGER PRIMARY KEY CHECK (seq >= 0),
    leaf           BLOB NOT NULL CHECK (length(leaf) = 32),
    id             TEXT NOT NULL UNIQUE,
    kind           TEXT NOT NULL,
    deployment     TEXT,
    deployment_seq INTEGER,
    bytes          BLOB NOT NULL CHECK (length(bytes) <= 65535),
    CHECK ((deployment IS NULL) = (deployment_seq IS NULL))
) STRICT;

CREATE UNIQUE INDEX entries_by_deployment ON entries (deployment, deployment_seq);
CREATE INDEX milestones ON entries (kind, deployment) WHERE kind IN ('deployment-opened', 'deployment-closed');

CREATE TRIGGER entries_in_order BEFORE INSERT ON entries
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq) + 1, 0) FROM entries)
BEGIN SELECT raise(ABORT, 'entries are appended in order'); END;

CREATE TRIGGER entries_never_replaced BEFORE INSERT ON entries
WHEN EXISTS (SELECT 1 FROM entries WHERE id = NEW.id)
  OR EXISTS (SELECT 1 FROM entries WHERE deployment = NEW.deployment AND deployment_seq = NEW.deployment_seq)
BEGIN SELECT raise(ABORT, 'entries are never replaced'); END;

CREATE TRIGGER entries_never_change BEFORE UPDATE ON entries
BEGIN SELECT raise(ABORT, 'entries are never changed'); END;

CREATE TRIGGER entries_never_go BEFORE DELETE ON entries
BEGIN SELECT raise(ABORT, 'entries are never deleted'); END;

CREATE TABLE openings (
    digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
    bytes  BLOB NOT NULL CHECK (length(bytes) >= 16)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER openings_never_replaced BEFORE INSERT ON openings
WHEN EXISTS (SELECT 1 FROM openings WHERE digest = NEW.digest)
BEGIN SELECT raise(IGNORE); END;

CREATE TRIGGER openings_never_change BEFORE UPDATE ON openings
BEGIN SELECT raise(ABORT, 'openings are never changed'); END;
";

/// Since version 2: roots of complete runs of leaves.
const NODES: &str = "
CREATE TABLE nodes (
    height   INTEGER NOT NULL CHECK (height > 0),
    position INTEGER NOT NULL CHECK (position >= 0),
    hash     BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (height, position)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER nodes_never_change BEFORE UPDATE ON nodes
BEGIN SELECT raise(ABORT, 'nodes are never changed'); END;

CREATE TRIGGER nodes_never_go BEFORE DELETE ON nodes
BEGIN SELECT raise(ABORT, 'nodes are never deleted'); END;
";

pub(super) fn create(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; {TABLES} {NODES} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}; COMMIT;"
    ))
}

/// Gives a ledger of version 1 its tree: all of it or nothing, and once, however many open it at the same time.
pub(super) fn raise(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i32 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version < VERSION {
        transaction.execute_batch(NODES)?;
        tree::fill(&transaction)?;
        transaction.execute_batch(&format!("PRAGMA user_version = {VERSION}"))?;
    }
    transaction.commit()
}

/// Whether the ledger has all tables of this program, or is of version 1.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<bool, LedgerError> {
    let pragma = |name: &str| -> Result<i32, LedgerError> {
        connection
            .query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
            .map_err(|e| LedgerError::from_sqlite(path, e))
    };
    let path = path.to_owned();
    match (pragma("application_id")?, pragma("user_version")?) {
        (APPLICATION_ID, VERSION) => Ok(true),
        (APPLICATION_ID, 1) => Ok(false),
        (APPLICATION_ID, found) if found > VERSION => Err(LedgerError::Newer { path, found, known: VERSION }),
        _ => Err(LedgerError::NotALedger(path)),
    }
}
