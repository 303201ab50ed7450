//! Reading: the head, rows in order, openings.

use std::collections::HashSet;
use std::string::FromUtf8Error;

use rusqlite::types::ValueRef;
use rusqlite::{OptionalExtension as _, params};

use super::{Ledger, LedgerError};
use crate::core::entry::Line;
use crate::core::hash::Hash;
use crate::core::name::Token;
use crate::core::time::Timestamp;

/// The newest entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its place.
    pub seq: u64,
    /// Its leaf.
    pub leaf: Hash,
    /// Its writer's clock.
    pub recorded: Timestamp,
}

/// A row as it is stored, index columns included; nothing in it is trusted.
#[derive(Clone, Debug)]
pub struct Row {
    /// The entry's bytes.
    pub bytes: Vec<u8>,
    /// Column `seq`.
    pub seq: i64,
    /// Column `leaf`.
    pub leaf: Vec<u8>,
    /// Column `id`.
    pub id: String,
    /// Column `kind`.
    pub kind: String,
    /// Column `deployment`.
    pub deployment: Option<String>,
    /// Column `deployment_seq`.
    pub deployment_seq: Option<i64>,
}

/// The entries of one deployment, or of governance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Which; `None` for governance.
    pub deployment: Option<String>,
    /// How many.
    pub entries: u64,
    /// The lowest `deployment_seq`.
    pub first: Option<u64>,
    /// The highest.
    pub last: Option<u64>,
    /// The highest `seq`.
    pub last_seq: u64,
}

/// How many rows are fetched at a time, so that a long scan holds no lock in between.
const PAGE: i64 = 128;

/// Its condition is word for word that of the index `milestones`: else SQLite reads the whole table.
const MILESTONES: &str = "SELECT kind = 'deployment-closed', deployment FROM entries
    WHERE kind IN ('deployment-opened', 'deployment-closed') AND deployment IS NOT NULL ORDER BY seq";

impl Ledger {
    /// From here on everything is read as it is now, whatever others append or erase meanwhile.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn snapshot(&self) -> Result<(), LedgerError> {
        self.wrap(self.connection.execute_batch("BEGIN; SELECT 1 FROM entries LIMIT 1;"))
    }

    /// The newest entry; `None` in an empty ledger.
    ///
    /// # Errors
    /// [`LedgerError`], also where the newest row is not of the format.
    pub fn head(&self) -> Result<Option<Head>, LedgerError> {
        let row = self
            .connection
            .prepare_cached("SELECT seq, leaf, bytes FROM entries ORDER BY seq DESC LIMIT 1")
            .and_then(|mut statement| {
                statement
                    .query_row([], |row| {
                        Ok((row.get::<_, i64>(0)?, row.get::<_, [u8; 32]>(1)?, row.get::<_, Vec<u8>>(2)?))
                    })
                    .optional()
            });
        let Some((seq, leaf, bytes)) = self.wrap(row)? else {
            return Ok(None);
        };
        let line: Line = serde_json::from_slice(&bytes).map_err(|e| LedgerError::Entry(e.into()))?;
        Ok(Some(Head {
            seq: u64::try_from(seq).unwrap_or_default(),
            leaf: Hash(leaf),
            recorded: line.recorded,
        }))
    }

    /// The leaf of an entry, as its column says.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn leaf(&self, seq: u64) -> Result<Option<Hash>, LedgerError> {
        let Ok(seq) = i64::try_from(seq) else {
            return Ok(None);
        };
        let found = self
            .connection
            .query_row("SELECT leaf FROM entries WHERE seq = ?1", [seq], |row| row.get::<_, [u8; 32]>(0))
            .optional();
        Ok(self.wrap(found)?.map(Hash))
    }

    /// Every leaf in order, as the columns say.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn leaves(&self) -> Result<Vec<Hash>, LedgerError> {
        let read = || -> rusqlite::Result<Vec<Hash>> {
            let mut statement = self.connection.prepare("SELECT leaf FROM entries ORDER BY seq")?;
            statement.query_map([], |row| row.get::<_, [u8; 32]>(0).map(Hash))?.collect()
        };
        self.wrap(read())
    }

    /// Every row in order of its key, a page at a time. What a damaged row holds comes back as it is,
    /// or as an error in its place.
    pub fn rows(&self) -> impl Iterator<Item = Result<Row, LedgerError>> + '_ {
        self.rows_from(i64::MIN)
    }

    /// The same, of the rows after `seq`.
    pub fn rows_after(&self, seq: u64) -> impl Iterator<Item = Result<Row, LedgerError>> + '_ {
        self.rows_from(i64::try_from(seq).map_or(i64::MAX, |seq| seq.saturating_add(1)))
    }

    fn rows_from(&self, from: i64) -> impl Iterator<Item = Result<Row, LedgerError>> + '_ {
        let mut next = from;
        let mut page = Vec::new().into_iter();
        let mut failed = false;
        std::iter::from_fn(move || {
            if let Some(row) = page.next() {
                return Some(Ok(row));
            }
            if failed {
                return None;
            }
            match self.page(next) {
                Ok(rows) => {
                    next = rows.last().map_or(next, |row| row.seq.saturating_add(1));
                    page = rows.into_iter();
                    page.next().map(Ok)
                }
                Err(error) => {
                    failed = true;
                    Some(Err(error))
                }
            }
        })
    }

    fn page(&self, from: i64) -> Result<Vec<Row>, LedgerError> {
        let read = || -> rusqlite::Result<Vec<Row>> {
            let mut statement = self.connection.prepare_cached(
                "SELECT seq, leaf, id, kind, deployment, deployment_seq, bytes FROM entries WHERE seq >= ?1 ORDER BY seq LIMIT ?2",
            )?;
            statement.query_map(params![from, PAGE], row)?.collect()
        };
        self.wrap(read())
    }

    /// The entries that concern a deployment: its own and all governance, in order. With `None`,
    /// governance alone.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn entries_of(&self, deployment: Option<&str>) -> Result<Vec<Vec<u8>>, LedgerError> {
        let read = || -> rusqlite::Result<Vec<(i64, Vec<u8>)>> {
            let mut statement = self.connection.prepare_cached(
                "SELECT seq, bytes FROM entries WHERE deployment IS NULL
                 UNION ALL SELECT seq, bytes FROM entries WHERE deployment = ?1",
            )?;
            statement.query_map([deployment], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        // SQLite would sort the bytes along with the numbers.
        let mut found = self.wrap(read())?;
        found.sort_unstable_by_key(|(seq, _)| *seq);
        Ok(found.into_iter().map(|(_, bytes)| bytes).collect())
    }

    /// One entry's bytes.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn entry(&self, seq: u64) -> Result<Option<Vec<u8>>, LedgerError> {
        let seq = i64::try_from(seq).unwrap_or(i64::MAX);
        let found =
            self.connection.query_row("SELECT bytes FROM entries WHERE seq = ?1", [seq], |row| row.get(0));
        self.wrap(found.optional())
    }

    /// The entries after `seq`, in order.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn entries_since(&self, seq: u64) -> Result<Vec<Vec<u8>>, LedgerError> {
        let read = || -> rusqlite::Result<Vec<Vec<u8>>> {
            let mut statement =
                self.connection.prepare_cached("SELECT bytes FROM entries WHERE seq > ?1 ORDER BY seq")?;
            statement.query_map([i64::try_from(seq).unwrap_or(i64::MAX)], |row| row.get(0))?.collect()
        };
        self.wrap(read())
    }

    /// Every deployment in the order of opening, and whether it is closed.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn deployments(&self) -> Result<Vec<(Token, bool)>, LedgerError> {
        let read = || -> rusqlite::Result<Vec<(bool, String)>> {
            let mut statement = self.connection.prepare(MILESTONES)?;
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        let (closings, openings): (Vec<_>, Vec<_>) =
            self.wrap(read())?.into_iter().partition(|(closing, _)| *closing);
        let closed: HashSet<String> = closings.into_iter().map(|(_, id)| id).collect();
        let all =
            openings.into_iter().filter_map(|(_, id)| Some((closed.contains(&id), Token::new(id).ok()?)));
        Ok(all.map(|(closed, id)| (id, closed)).collect())
    }

    /// How many entries each deployment has, and governance (`None`), as the columns say; their sequence numbers are
    /// contiguous exactly where the counts say so.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn spans(&self) -> Result<Vec<Span>, LedgerError> {
        let count = |number: Option<i64>| u64::try_from(number.unwrap_or(-1)).unwrap_or(u64::MAX);
        let read = || -> rusqlite::Result<Vec<Span>> {
            let mut statement = self.connection.prepare(
                "SELECT deployment, count(*), min(deployment_seq), max(deployment_seq), max(seq) FROM entries GROUP BY deployment",
            )?;
            let span = |row: &rusqlite::Row| {
                Ok(Span {
                    deployment: row.get(0)?,
                    entries: count(row.get(1)?),
                    first: row.get::<_, Option<i64>>(2)?.map(|seq| count(Some(seq))),
                    last: row.get::<_, Option<i64>>(3)?.map(|seq| count(Some(seq))),
                    last_seq: count(row.get(4)?),
                })
            };
            statement.query_map([], span)?.collect()
        };
        self.wrap(read())
    }

    /// The stored bytes (salt ‖ bytes) of an opening.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn opening(&self, commit: &Hash) -> Result<Option<Vec<u8>>, LedgerError> {
        let found = self
            .connection
            .prepare_cached("SELECT bytes FROM openings WHERE digest = ?1")
            .and_then(|mut statement| statement.query_row([commit.as_bytes()], |row| row.get(0)).optional());
        self.wrap(found)
    }

    /// The commits of every stored opening, sorted.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn openings(&self) -> Result<Vec<Hash>, LedgerError> {
        let mut commits = Vec::new();
        self.each_opening(&mut |commit| commits.push(commit))?;
        Ok(commits)
    }

    /// Gives the commit of every stored opening, one by one, sorted.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn each_opening(&self, found: &mut dyn FnMut(Hash)) -> Result<(), LedgerError> {
        let mut read = || -> rusqlite::Result<()> {
            let mut statement = self.connection.prepare("SELECT digest FROM openings ORDER BY digest")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                found(Hash(row.get(0)?));
            }
            Ok(())
        };
        self.wrap(read())
    }
}

/// Reads a row without trusting the types of its columns: a file can be edited by other programs.
fn row(row: &rusqlite::Row) -> rusqlite::Result<Row> {
    let bytes = |index| -> rusqlite::Result<Vec<u8>> {
        Ok(match row.get_ref(index)? {
            ValueRef::Blob(bytes) | ValueRef::Text(bytes) => bytes.to_vec(),
            _ => Vec::new(),
        })
    };
    let lossy = |error: FromUtf8Error| String::from_utf8_lossy(error.as_bytes()).into_owned();
    let text = |index| bytes(index).map(|bytes| String::from_utf8(bytes).unwrap_or_else(lossy));
    let optional = |index| row.get_ref(index).map(|value| value != ValueRef::Null);
    Ok(Row {
        seq: row.get(0)?,
        leaf: bytes(1)?,
        id: text(2)?,
        kind: text(3)?,
        deployment: if optional(4)? { Some(text(4)?) } else { None },
        deployment_seq: row.get(5).unwrap_or(Some(-1)),
        bytes: bytes(6)?,
    })
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::MILESTONES;
    use crate::ledger::schema;

    #[test]
    fn deployments_are_found_without_reading_every_entry() {
        let connection = Connection::open_in_memory().unwrap();
        schema::create(&connection).unwrap();
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {MILESTONES}")).unwrap();
        let steps: Vec<String> =
            plan.query_map([], |row| row.get("detail")).unwrap().map(Result::unwrap).collect();
        assert!(steps.iter().any(|step| step.contains("COVERING INDEX milestones")), "{steps:?}");
        assert!(
            !steps.iter().any(|step| step.starts_with("SCAN entries") && !step.contains("INDEX")),
            "{steps:?}"
        );
    }
}
