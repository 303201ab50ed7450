//! Following a ledger that others append to: what is new, and whether what was seen is still there.
//!
//! The ledger is opened only when its files have changed, and is let go at once: whoever wrote last can move the
//! write-ahead log into the file, whoever erases waits for nobody, and a file put in its place is seen.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::core::hash::Hash;
use crate::ledger::{Ledger, LedgerError};

/// So long is a writer waited for.
const PATIENCE: Duration = Duration::from_millis(500);
/// At least so often the ledger itself is looked at, whatever its files say.
const AT_LEAST: Duration = Duration::from_secs(2);
/// So many entries are taken at once.
const PAGE: usize = 2048;

/// What to say where [`Look::other`] is so, of one log alone.
pub const CHANGED: &str = "THE HISTORY WAS CHANGED: what was shown here is not in the ledger any more, or another log stands in its \
     place; keep the file, and run `aether-audit verify` with a checkpoint from elsewhere";

/// A ledger that is followed, and the newest entry that was taken from it.
pub struct Tail {
    path: PathBuf,
    last: Option<(u64, Hash)>,
    stamp: Option<Stamp>,
    looked: Option<Instant>,
}

/// What tells that a ledger's files are as they were: device, file, size, time.
type Stamp = [Option<(u64, u64, u64, i64, i64)>; 2];

/// The ledger at one moment, in which something is new.
pub struct Look {
    /// As it is now, whatever others do meanwhile.
    pub ledger: Ledger,
    /// The entries after those that were taken before, as bytes; the next look has the rest of very many.
    pub new: Vec<Vec<u8>>,
    /// What was taken before is not in it: it has another history, which begins anew here.
    pub other: bool,
}

impl Tail {
    /// A ledger of which nothing was taken yet.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self { path, last: None, stamp: None, looked: None }
    }

    /// What is new; `None` where nothing is. With nothing taken yet it begins with the newest `first` entries.
    ///
    /// # Errors
    /// Where the ledger is not there, is held or cannot be read; another look may succeed.
    pub fn look(&mut self, first: u64) -> Result<Option<Look>, LedgerError> {
        let stamp = stamp(&self.path);
        if self.stamp == Some(stamp) && self.looked.is_some_and(|at| at.elapsed() < AT_LEAST) {
            return Ok(None);
        }
        self.stamp = None;
        let ledger = Ledger::open_read_only_within(&self.path, PATIENCE)?;
        ledger.snapshot()?;
        let other = match self.last {
            Some((seq, leaf)) => ledger.leaf(seq)? != Some(leaf),
            None => false,
        };
        let last = self.last.filter(|_| !other);
        let after = match last {
            Some((seq, _)) => Some(seq),
            None => ledger.head()?.and_then(|head| (head.seq + 1).saturating_sub(first).checked_sub(1)),
        };
        let page = |rows: &mut dyn Iterator<Item = Result<crate::ledger::Row, LedgerError>>| {
            rows.take(PAGE).map(|row| row.map(|row| row.bytes)).collect::<Result<Vec<_>, _>>()
        };
        let new = match after {
            Some(seq) => page(&mut ledger.rows_after(seq))?,
            None => page(&mut ledger.rows())?,
        };
        // Where there is more, the next look takes it.
        self.stamp = (new.len() < PAGE).then_some(stamp);
        self.looked = Some(Instant::now());
        if new.is_empty() && !other {
            return Ok(None);
        }
        if other {
            self.last = None;
        }
        Ok(Some(Look { ledger, new, other }))
    }

    /// The next look is a real one, whatever the files say.
    pub const fn again(&mut self) {
        self.stamp = None;
    }

    /// What was taken, its newest entry.
    pub const fn took(&mut self, seq: u64, leaf: Hash) {
        self.last = Some((seq, leaf));
    }
}

fn stamp(path: &Path) -> Stamp {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    [path.to_owned(), log.into()].map(|path| {
        let found = fs::metadata(path).ok()?;
        Some((found.dev(), found.ino(), found.len(), found.mtime(), found.mtime_nsec()))
    })
}
