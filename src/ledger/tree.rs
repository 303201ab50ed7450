//! The Merkle tree beside the entries: the roots of complete runs of 256, 65,536, … leaves are kept, so that
//! a proof reads some hundred hashes and never the whole log.
//!
//! Like every index column they are a convenience: `verify` builds the tree anew from the entries.

use rusqlite::{Connection, OptionalExtension as _, params};

use serde::Deserialize;

use super::{Ledger, LedgerError};
use crate::core::hash::Hash;
use crate::core::merkle::{self, Frontier};

/// Kept are the heights 8, 16, 24, …, as C2SP tlog-tiles has them.
const TILE: u32 = 8;
const WIDTH: u64 = 1 << TILE;

/// Keeps what became complete with leaf `seq`.
pub(super) fn grow(connection: &Connection, seq: u64) -> rusqlite::Result<()> {
    let (mut height, mut count) = (0, seq + 1);
    while count % WIDTH == 0 {
        count /= WIDTH;
        let root = fold(connection, height, (count - 1) * WIDTH, WIDTH)?;
        height += TILE;
        connection
            .prepare_cached(
                "INSERT INTO nodes (height, position, hash) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            )?
            .execute(params![height, i64::try_from(count - 1).unwrap_or(i64::MAX), root.as_bytes()])?;
    }
    Ok(())
}

/// Keeps what is complete in a ledger that was made before there were such nodes.
pub(super) fn fill(connection: &Connection) -> rusqlite::Result<()> {
    let count: i64 = connection.query_row("SELECT count(*) FROM entries", [], |row| row.get(0))?;
    let complete = u64::try_from(count).unwrap_or_default() / WIDTH;
    (1..=complete).try_for_each(|run| grow(connection, run * WIDTH - 1))
}

/// The root of `count` consecutive kept hashes of one height, leaves where it is 0.
fn fold(connection: &Connection, height: u32, from: u64, count: u64) -> rusqlite::Result<Hash> {
    let sql = if height == 0 {
        "SELECT leaf FROM entries WHERE seq >= ?1 AND seq < ?2 AND ?3 = 0 ORDER BY seq"
    } else {
        "SELECT hash FROM nodes WHERE height = ?3 AND position >= ?1 AND position < ?2 ORDER BY position"
    };
    let bound = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![bound(from), bound(from + count), height])?;
    let mut run = Frontier::new();
    while let Some(row) = rows.next()? {
        run.push(Hash(row.get(0)?));
    }
    if run.size() == count { Ok(run.root()) } else { Err(rusqlite::Error::QueryReturnedNoRows) }
}

impl Ledger {
    /// The root of leaves `index·2^height .. (index+1)·2^height`.
    fn node(&self, height: u32, index: u64) -> Result<Hash, LedgerError> {
        let kept = if self.nodes { height - height % TILE } else { 0 };
        let count = 1 << (height - kept);
        self.wrap(fold(&self.connection, kept, index * count, count))
    }

    /// The root over the first `size` entries, as the columns say.
    ///
    /// # Errors
    /// [`LedgerError`], also where there are fewer.
    pub fn root_at(&self, size: u64) -> Result<Hash, LedgerError> {
        merkle::root_at(&mut |height, index| self.node(height, index), size)
    }

    /// The audit path of entry `seq` in the tree of the first `size` entries (RFC 6962 §2.1.1); `seq < size`.
    ///
    /// # Errors
    /// [`LedgerError`], also where there are fewer.
    pub fn inclusion(&self, seq: u64, size: u64) -> Result<Vec<Hash>, LedgerError> {
        merkle::inclusion(&mut |height, index| self.node(height, index), seq, size)
    }

    /// The proof that the first `size` entries begin with the first `old` (RFC 6962 §2.1.2); `old ≤ size`.
    ///
    /// # Errors
    /// [`LedgerError`], also where there are fewer.
    pub fn consistency(&self, old: u64, size: u64) -> Result<Vec<Hash>, LedgerError> {
        merkle::consistency(&mut |height, index| self.node(height, index), old, size)
    }

    /// The first entry below which a kept node is not what the leaves make, or is missing; `None` where all
    /// are right. Reads every leaf.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn wrong_node(&self) -> Result<Option<u64>, LedgerError> {
        let count = if self.nodes { self.head()?.map_or(0, |head| head.seq + 1) } else { 0 };
        let kept = |height: u32, position: u64| {
            let position = i64::try_from(position).unwrap_or(i64::MAX);
            let mut found = self
                .connection
                .prepare_cached("SELECT hash FROM nodes WHERE height = ?1 AND position = ?2")?;
            found.query_row(params![height, position], |row| row.get(0).map(Hash)).optional()
        };
        let (mut height, mut nodes) = (0, count);
        while nodes >= WIDTH {
            nodes /= WIDTH;
            for position in 0..nodes {
                let made = self.wrap(fold(&self.connection, height, position * WIDTH, WIDTH))?;
                if self.wrap(kept(height + TILE, position))? != Some(made) {
                    return Ok(Some(position << (height + TILE)));
                }
            }
            height += TILE;
        }
        Ok(None)
    }

    /// The frontier of the first `size` entries, as the columns say.
    ///
    /// # Errors
    /// [`LedgerError`], also where there are fewer.
    pub fn frontier(&self, size: u64) -> Result<Frontier, LedgerError> {
        Frontier::resume(&mut |height, index| self.node(height, index), size)
    }

    /// Gives the leaf of each entry from `next` on, made from its bytes, as long as they are chained to `prev`
    /// and to each other and the columns agree; else the first `seq` where that ends. Reads nothing before `next`.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn follow(
        &self,
        next: u64,
        prev: Hash,
        leaf: &mut dyn FnMut(Hash),
    ) -> Result<Option<u64>, LedgerError> {
        self.wrap(follow(&self.connection, next, prev, leaf))
    }
}

/// What is read of an entry here.
#[derive(Deserialize)]
struct Link {
    prev: Hash,
}

fn follow(
    connection: &Connection,
    mut next: u64,
    mut prev: Hash,
    found: &mut dyn FnMut(Hash),
) -> rusqlite::Result<Option<u64>> {
    let sql = "SELECT seq, leaf, bytes FROM entries WHERE seq >= ?1 ORDER BY seq";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([i64::try_from(next).unwrap_or(i64::MAX)])?;
    while let Some(row) = rows.next()? {
        let bytes: Vec<u8> = row.get(2)?;
        let leaf = merkle::leaf_hash(&bytes);
        let linked = serde_json::from_slice::<Link>(&bytes).is_ok_and(|link| link.prev == prev);
        if !linked || u64::try_from(row.get::<_, i64>(0)?) != Ok(next) || row.get::<_, [u8; 32]>(1)? != leaf.0
        {
            return Ok(Some(next));
        }
        found(leaf);
        (prev, next) = (leaf, next + 1);
    }
    Ok(None)
}
