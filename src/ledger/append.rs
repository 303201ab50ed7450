//! Appending: compare-and-swap on the head, durable before it is acknowledged.

use std::collections::HashMap;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use super::{Ledger, LedgerError};
use crate::core::dsse::Envelope;
use crate::core::entry::{EntryError, Line, Opened};
use crate::core::event::{Class, Event};
use crate::core::hash::Hash;
use crate::core::merkle;
use crate::core::name::Token;
use crate::core::opening::Opening;
use crate::core::time::Timestamp;

use super::read::Head;
use super::tree;

/// A signed statement to be given its place, with the openings that it carries.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The signed statement.
    pub envelope: Envelope,
    /// What its commitments open to.
    pub openings: Vec<Opening>,
}

/// A statement's place in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Where it stands.
    pub seq: u64,
    /// Its leaf.
    pub leaf: Hash,
    /// When it was given its place.
    pub recorded: Timestamp,
    /// Whether it stood there already.
    pub already: bool,
}

/// Allows an append or says why not, given the entries that came since the caller looked, the new one last.
pub type Judge<'a> = dyn FnMut(&[Vec<u8>]) -> Result<(), Box<dyn std::error::Error + Send + Sync>> + 'a;

/// The kinds that nobody has to have seen before they decide.
const ASIDES: &str = "'message-sent','evidence-collected','metric-read','note-added','review-recorded','report-issued','opening-erased'";

/// From so many statements on a second thread pays.
const MANY: usize = 64;
/// So many are handed over together.
const CHUNK: usize = 32;

/// How long emptying the write-ahead log waits for those who still read it.
const READERS: Duration = Duration::from_secs(3);

impl Ledger {
    /// Appends one statement. The caller has checked its signatures and authority. What an `opening-erased`
    /// names is wiped in the same durable step.
    ///
    /// # Errors
    /// [`LedgerError`]; nothing was appended or wiped then, but for [`LedgerError::Traces`] and
    /// [`LedgerError::Unwiped`], where the opening is gone and its old bytes are still in the file or beside it.
    pub fn append(&mut self, now: Timestamp, submission: &Submission) -> Result<Appended, LedgerError> {
        let appended = self.append_all(now, std::slice::from_ref(submission))?;
        appended.into_iter().next().ok_or(LedgerError::Order("nothing to append"))
    }

    /// Appends several statements in one durable step: all of them or none.
    ///
    /// # Errors
    /// [`LedgerError`]; nothing was appended then.
    pub fn append_all(
        &mut self,
        now: Timestamp,
        submissions: &[Submission],
    ) -> Result<Vec<Appended>, LedgerError> {
        self.append_and(now, submissions, |_, _| Ok(()))
    }

    /// Appends one statement if `judge` still allows it when its place is certain. `judge` is given the
    /// entries after `known`, which the caller has not seen, and then the new entry; nobody appends meanwhile.
    ///
    /// # Errors
    /// [`LedgerError`], [`LedgerError::Refused`] with what `judge` said; nothing was appended then.
    pub fn append_judged(
        &mut self,
        now: Timestamp,
        submission: &Submission,
        known: u64,
        judge: &mut Judge,
    ) -> Result<Appended, LedgerError> {
        let path = self.path.clone();
        let appended = self.append_and(now, std::slice::from_ref(submission), |connection, appended| {
            if appended.iter().any(|appended| appended.already) {
                return Ok(());
            }
            let since = since(connection, known).map_err(|e| LedgerError::from_sqlite(&path, e))?;
            judge(&since).map_err(LedgerError::Refused)
        })?;
        appended.into_iter().next().ok_or(LedgerError::Order("nothing to append"))
    }

    /// Wipes what erased openings left in the file: SQLite overwrites what is deleted, but not the copies that stay
    /// where pages were split before, so the whole file is written anew; then its log is moved in and emptied.
    ///
    /// # Errors
    /// [`LedgerError::Unwiped`] where the file could not be written anew, [`LedgerError::Traces`] where a reader keeps
    /// the old bytes in the write-ahead log. What the ledger says is the same before and after.
    pub fn scrub(&self) -> Result<(), LedgerError> {
        let unwiped = |source| LedgerError::Unwiped { path: self.path.clone(), source };
        self.connection.execute_batch("VACUUM").map_err(unwiped)?;
        match self.empty_log() {
            Ok(true) => Ok(()),
            _ => Err(LedgerError::Traces(self.path.clone())),
        }
    }

    /// After a commit that failed: SQLite may have written all of it before the disk said no, and would find it there
    /// the next time it recovers. Emptying the write-ahead log takes it back; where that fails too, there is doubt.
    fn taken_back(&self, error: rusqlite::Error) -> LedgerError {
        // Where there was no room, the last part of it is what could not be written.
        let full = error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull);
        if full || matches!(self.empty_log(), Ok(true)) {
            LedgerError::from_sqlite(&self.path, error)
        } else {
            LedgerError::Doubt { path: self.path.clone(), source: error }
        }
    }

    /// Moves what stands in the write-ahead log into the file and empties the log; `false` where readers kept it.
    fn empty_log(&self) -> rusqlite::Result<bool> {
        self.connection.busy_timeout(READERS.min(self.patience))?;
        let emptied =
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
        self.connection.busy_timeout(self.patience)?;
        Ok(emptied? == 0)
    }

    fn append_and(
        &mut self,
        now: Timestamp,
        submissions: &[Submission],
        also: impl FnOnce(&Connection, &[Appended]) -> Result<(), LedgerError>,
    ) -> Result<Vec<Appended>, LedgerError> {
        let mut wiped = false;
        let path = self.path.clone();
        let wrap = |error| LedgerError::from_sqlite(&path, error);
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(wrap)?;
        let mut appended = Vec::with_capacity(submissions.len());
        let mut known =
            Known { head: read_head(&transaction).map_err(|e| lift(&path, e))?, ..Known::default() };
        // Whatever stops the other thread comes through here, before anything is committed.
        opened(submissions, |opened| -> Result<(), LedgerError> {
            for (submission, opened) in submissions.iter().zip(opened) {
                let place = place(&transaction, now, submission, &opened?, &mut known, &mut wiped);
                appended.push(place.map_err(|e| lift(&path, e))?);
            }
            Ok(())
        })?;
        also(&transaction, &appended)?;
        if let Err(error) = transaction.commit() {
            return Err(self.taken_back(error));
        }
        if wiped {
            self.scrub()?;
        }
        Ok(appended)
    }
}

/// Takes envelopes apart, many of them on a thread of its own, ahead of `place`, which is given them in order.
fn opened<T>(
    submissions: &[Submission],
    place: impl FnOnce(&mut dyn Iterator<Item = Result<Opened, EntryError>>) -> T,
) -> T {
    let open = |submission: &Submission| Opened::of(&submission.envelope);
    if submissions.len() < MANY {
        return place(&mut submissions.iter().map(open));
    }
    std::thread::scope(|scope| {
        let (give, opened) = std::sync::mpsc::channel();
        scope.spawn(move || {
            for some in submissions.chunks(CHUNK) {
                if give.send(some.iter().map(open).collect::<Vec<_>>()).is_err() {
                    return;
                }
            }
        });
        place(&mut opened.into_iter().flatten())
    })
}

/// Wipes the opening that a statement erases; whether it is such a statement. Run again, it wipes again.
fn wipe(connection: &Connection, opened: &Opened) -> Result<bool, Failure> {
    if opened.statement.kind() != "opening-erased" {
        return Ok(false);
    }
    if let Ok(Event::OpeningErased(body)) =
        Event::parse(opened.statement.kind(), &opened.statement.predicate.body)
    {
        connection.execute("DELETE FROM openings WHERE digest = ?1", [body.commit.as_bytes()])?;
    }
    Ok(true)
}

/// An error of SQLite, or one of the ledger's own.
enum Failure {
    Sqlite(rusqlite::Error),
    Ledger(LedgerError),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl<E: Into<LedgerError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Ledger(error.into())
    }
}

fn lift(path: &std::path::Path, failure: Failure) -> LedgerError {
    match failure {
        Failure::Sqlite(error) => LedgerError::from_sqlite(path, error),
        Failure::Ledger(error) => error,
    }
}

fn read_head(connection: &Connection) -> Result<Option<Head>, Failure> {
    let row = connection
        .prepare_cached("SELECT seq, leaf, bytes FROM entries ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, [u8; 32]>(1)?, row.get::<_, Vec<u8>>(2)?))
        })
        .optional()?;
    let Some((seq, leaf, bytes)) = row else {
        return Ok(None);
    };
    let line: Line = serde_json::from_slice(&bytes).map_err(EntryError::from)?;
    Ok(Some(Head { seq: u64::try_from(seq).unwrap_or_default(), leaf: Hash(leaf), recorded: line.recorded }))
}

/// What one durable step has looked up, or written itself: nobody else writes meanwhile.
#[derive(Default)]
struct Known {
    head: Option<Head>,
    /// The leaf that was asked for last.
    leaf: Option<(u64, Option<Hash>)>,
    /// The next `deploymentSeq` of each deployment.
    next: HashMap<Token, u64>,
}

fn place(
    connection: &Connection,
    now: Timestamp,
    submission: &Submission,
    opened: &Opened,
    known: &mut Known,
    wiped: &mut bool,
) -> Result<Appended, Failure> {
    let head = known.head;
    *wiped |= wipe(connection, opened)?;
    let predicate = &opened.statement.predicate;
    if let Some(already) = already_there(connection, predicate.id.as_str(), submission)? {
        return Ok(already);
    }
    match (head, predicate.seen) {
        (None, None) => {}
        (None, Some(_)) => {
            Err(LedgerError::Order("the ledger is empty: entry 0 is made by `aether-audit init`"))?;
        }
        (Some(_), None) => Err(LedgerError::Order("the ledger has an entry 0 already"))?,
        (Some(_), Some(seen)) => {
            let (_, leaf) = match known.leaf {
                Some(same) if same.0 == seen.seq => same,
                _ => *known.leaf.insert((seen.seq, leaf(connection, seen.seq)?)),
            };
            if leaf != Some(seen.leaf) {
                Err(LedgerError::OtherHistory { seq: seen.seq, leaf: seen.leaf.to_string() })?;
            }
        }
    }
    let recorded = clock(now, predicate.time, head)?;
    let deployment = predicate.deployment.as_ref().map(Token::as_str);
    let kind = opened.statement.kind();
    if let (Some(deployment), Some(seen)) = (deployment, predicate.seen)
        && must_have_seen(opened)
    {
        let entries = weighty_since(connection, deployment, seen.seq)?;
        if !entries.is_empty() {
            Err(LedgerError::Stale { seen: seen.seq, entries })?;
        }
    }
    let deployment_seq = match &predicate.deployment {
        None => None,
        Some(id) => Some(match known.next.get(id) {
            Some(next) => *next,
            None => next_in(connection, id.as_str())?,
        }),
    };
    let seq = head.map_or(0, |head| head.seq + 1);
    let prev = head.map_or(Hash::ZERO, |head| head.leaf);
    let line = Line { deployment_seq, envelope: submission.envelope.clone(), prev, recorded, seq };
    let bytes = line.to_bytes()?;
    let leaf = merkle::leaf_hash(&bytes);
    connection
        .prepare_cached(
            "INSERT INTO entries (seq, leaf, id, kind, deployment, deployment_seq, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            i64::try_from(seq).unwrap_or(i64::MAX),
            leaf.as_bytes(),
            predicate.id.as_str(),
            kind,
            deployment,
            deployment_seq.map(|seq| i64::try_from(seq).unwrap_or(i64::MAX)),
            bytes
        ])?;
    tree::grow(connection, seq)?;
    for opening in &submission.openings {
        connection
            .prepare_cached(
                "INSERT INTO openings (digest, bytes) VALUES (?1, ?2) ON CONFLICT (digest) DO NOTHING",
            )?
            .execute(params![opening.commit().as_bytes(), opening.to_file_bytes()])?;
    }
    known.head = Some(Head { seq, leaf, recorded });
    if let (Some(id), Some(count)) = (&predicate.deployment, deployment_seq) {
        known.next.insert(id.clone(), count + 1);
    }
    Ok(Appended { seq, leaf, recorded, already: false })
}

/// An append whose answer was lost is recognised when it is tried again.
fn already_there(
    connection: &Connection,
    id: &str,
    submission: &Submission,
) -> Result<Option<Appended>, Failure> {
    let row = connection
        .prepare_cached("SELECT seq, leaf, bytes FROM entries WHERE id = ?1")?
        .query_row([id], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, [u8; 32]>(1)?, row.get::<_, Vec<u8>>(2)?))
        })
        .optional()?;
    let Some((seq, leaf, bytes)) = row else {
        return Ok(None);
    };
    let line: Line = serde_json::from_slice(&bytes).map_err(EntryError::from)?;
    if line.envelope != submission.envelope {
        Err(LedgerError::IdTaken(id.to_owned()))?;
    }
    let seq = u64::try_from(seq).unwrap_or_default();
    Ok(Some(Appended { seq, leaf: Hash(leaf), recorded: line.recorded, already: true }))
}

fn leaf(connection: &Connection, seq: u64) -> Result<Option<Hash>, Failure> {
    let seq = i64::try_from(seq).unwrap_or(i64::MAX);
    let found = connection
        .prepare_cached("SELECT leaf FROM entries WHERE seq = ?1")?
        .query_row([seq], |row| row.get::<_, [u8; 32]>(0))
        .optional()?;
    Ok(found.map(Hash))
}

/// `recorded` is the later of the clock and the head's.
fn clock(now: Timestamp, time: Timestamp, head: Option<Head>) -> Result<Timestamp, LedgerError> {
    if let Some(head) = head
        && head.recorded > now.plus_seconds(120)
    {
        return Err(LedgerError::ClockBehind { now, head: head.recorded });
    }
    let recorded = head.map_or(now, |head| now.max(head.recorded));
    if time > recorded.plus_seconds(120) {
        return Err(LedgerError::ClockAhead { time, now });
    }
    Ok(recorded)
}

fn must_have_seen(opened: &Opened) -> bool {
    if Event::class_of(opened.statement.kind()) == Some(Class::Aside) {
        return false;
    }
    Event::parse(opened.statement.kind(), &opened.statement.predicate.body)
        .is_ok_and(|event| event.must_have_seen())
}

fn weighty_since(connection: &Connection, deployment: &str, seen: u64) -> Result<Vec<u64>, Failure> {
    let sql = format!(
        "SELECT seq FROM entries WHERE deployment = ?1 AND seq > ?2 AND kind NOT IN ({ASIDES}) ORDER BY seq"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![deployment, i64::try_from(seen).unwrap_or(i64::MAX)], |row| {
        row.get::<_, i64>(0)
    })?;
    rows.map(|seq| Ok(u64::try_from(seq?).unwrap_or_default())).collect()
}

fn since(connection: &Connection, seq: u64) -> rusqlite::Result<Vec<Vec<u8>>> {
    let mut statement = connection.prepare_cached("SELECT bytes FROM entries WHERE seq > ?1 ORDER BY seq")?;
    statement.query_map([i64::try_from(seq).unwrap_or(i64::MAX)], |row| row.get(0))?.collect()
}

fn next_in(connection: &Connection, deployment: &str) -> Result<u64, Failure> {
    let next: i64 = connection
        .prepare_cached("SELECT coalesce(max(deployment_seq) + 1, 0) FROM entries WHERE deployment = ?1")?
        .query_row([deployment], |row| row.get(0))?;
    Ok(u64::try_from(next).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::ASIDES;
    use crate::core::event::{Class, Event};

    #[test]
    fn asides_are_those_of_the_events() {
        let listed: Vec<&str> = ASIDES.split(',').map(|kind| kind.trim_matches('\'')).collect();
        for kind in Event::KINDS {
            assert_eq!(listed.contains(kind), Event::class_of(kind) == Some(Class::Aside), "{kind}");
        }
    }
}
