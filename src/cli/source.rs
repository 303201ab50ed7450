//! What can be verified and rendered from: a ledger or an export, behind one face.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::app::App;
use crate::core::entry::Entry;
use crate::core::event::{Class, Event};
use crate::core::hash::Hash;
use crate::core::log::Log;
use crate::core::merkle::leaf_hash;
use crate::core::name::Token;
use crate::core::timestamp::StoredToken;
use crate::core::verify::{Columns, Openings, Scope, Stored};
use crate::ledger::{Folder, Ledger};
use crate::report::Opened;
use crate::report::carried::{Carried, FILE_SHOWN_MAX};

/// A ledger or an export.
pub enum Source {
    /// A SQLite ledger.
    Ledger(Ledger),
    /// An export folder.
    Export(Folder),
    /// What a `report.html` carries.
    Page(Box<Carried>),
}

impl Source {
    /// What stands at `path`.
    ///
    /// # Errors
    /// Where it is neither a ledger nor an export.
    pub fn open(path: &Path) -> Result<Self> {
        if !path.exists() {
            bail!(
                "there is nothing at {}: give an export folder, a record folder or a ledger file",
                path.display()
            );
        }
        if path.is_dir() {
            return match Folder::at(path) {
                Some(folder) => Ok(Self::Export(folder)),
                None => bail!(
                    "{} is neither an export (no entries.jsonl) nor a record folder (no report.dsse.json)",
                    path.display()
                ),
            };
        }
        Ok(Self::Ledger(Ledger::open_read_only(path)?))
    }

    /// The ledger of this project.
    ///
    /// # Errors
    /// Where there is none.
    pub fn here(app: &App) -> Result<Self> {
        let path = app.ledger_path()?;
        if path.is_dir() { Self::open(&path) } else { Ok(Self::Ledger(Ledger::open_read_only(&path)?)) }
    }

    /// Every entry as it is stored.
    ///
    /// # Errors
    /// Where the entries cannot be opened at all.
    pub fn stored(&self) -> Result<Box<dyn Iterator<Item = Result<Stored, String>> + '_>> {
        Ok(match self {
            Self::Ledger(ledger) => Box::new(ledger.rows().map(|row| {
                let row = row.map_err(|e| e.to_string())?;
                let columns = Columns {
                    seq: u64::try_from(row.seq).unwrap_or(u64::MAX),
                    leaf: row.leaf,
                    deployment: row.deployment,
                    deployment_seq: row.deployment_seq.map(|seq| u64::try_from(seq).unwrap_or(u64::MAX)),
                    id: row.id,
                    kind: row.kind,
                };
                Ok(Stored { bytes: row.bytes, columns: Some(columns) })
            })),
            Self::Page(carried) => Box::new(
                carried.entries.iter().map(|bytes| Ok(Stored { bytes: bytes.clone(), columns: None })),
            ),
            Self::Export(folder) => Box::new(
                folder
                    .lines()?
                    .map(|line| line.map(|bytes| Stored { bytes, columns: None }).map_err(|e| e.to_string())),
            ),
        })
    }

    /// How much of the log the entries are.
    ///
    /// # Errors
    /// Where `leaves.txt` is there and cannot be read.
    pub fn scope(&self) -> Result<Scope> {
        Ok(match self {
            Self::Ledger(_) => Scope::Log,
            Self::Page(carried) => Scope::Pruned(carried.tree.clone()),
            Self::Export(folder) => {
                folder.leaves()?.map_or(Scope::Log, |leaves| Scope::Deployment { leaves })
            }
        })
    }

    /// The leaf of every entry of the log; zeros for those that a page does not have.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn leaves(&self) -> Result<Vec<Hash>> {
        match self {
            Self::Ledger(ledger) => Ok(ledger.leaves()?),
            Self::Page(carried) => Ok(carried.tree.leaves.clone()),
            Self::Export(folder) => match folder.leaves()? {
                Some(leaves) => Ok(leaves),
                None => folder.lines()?.map(|line| Ok(leaf_hash(&line?))).collect(),
            },
        }
    }

    /// The checkpoint that stands beside the entries.
    ///
    /// # Errors
    /// Where it is there and cannot be read.
    pub fn checkpoint(&self) -> Result<Option<String>> {
        Ok(match self {
            Self::Ledger(_) => None,
            Self::Page(carried) => carried.checkpoint.clone(),
            Self::Export(folder) => folder.checkpoint()?,
        })
    }

    /// The time-stamp tokens that stand beside the entries.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn tokens(&self) -> Result<Vec<StoredToken>> {
        Ok(match self {
            Self::Ledger(_) | Self::Page(_) => Vec::new(),
            Self::Export(folder) => folder.tokens()?,
        })
    }

    /// The bytes (salt ‖ bytes) of an opening.
    ///
    /// # Errors
    /// Where it is there and cannot be read.
    pub fn opening(&self, commit: &Hash) -> Result<Option<Vec<u8>>> {
        Ok(match self {
            Self::Ledger(ledger) => ledger.opening(commit)?,
            Self::Page(carried) => carried.texts.openings.get(commit).cloned(),
            Self::Export(folder) => folder.opening(commit)?,
        })
    }

    /// Governance and one deployment, up to and with entry `to`: the entries and their fold.
    ///
    /// # Errors
    /// Where an entry is not of the format.
    pub fn read(&self, deployment: &Token, to: u64) -> Result<(Vec<Entry>, Log)> {
        let mut entries = self.around(Some(deployment))?;
        entries.retain(|entry| entry.line.seq <= to);
        let mut log = Log::default();
        for entry in &entries {
            log.take(entry, |_| Vec::new());
        }
        Ok((entries, log))
    }

    /// What of a text a page says that it is too long to be shown: something as long stands for it.
    #[must_use]
    pub fn long(&self, commit: &Hash) -> Option<Opened> {
        match self {
            Self::Page(carried) if carried.texts.long.contains(commit) => {
                Some(Opened::Bytes(vec![b' '; FILE_SHOWN_MAX + 1]))
            }
            _ => None,
        }
    }

    /// The stored bytes of at least the entries of governance and of one deployment.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn bytes_around(&self, deployment: Option<&Token>) -> Result<Vec<Vec<u8>>> {
        Ok(match self {
            Self::Ledger(ledger) => ledger.entries_of(deployment.map(Token::as_str))?,
            Self::Export(folder) => folder.lines()?.collect::<Result<_, _>>()?,
            Self::Page(carried) => carried.entries.clone(),
        })
    }

    /// The entries of governance, and of one deployment.
    ///
    /// # Errors
    /// Where an entry is not of the format.
    pub fn around(&self, deployment: Option<&Token>) -> Result<Vec<Entry>> {
        let all = self.bytes_around(deployment)?;
        let mut entries =
            Entry::parse_all(&all).context("an entry is not of the format: run `aether-audit verify`")?;
        entries.retain(|entry| {
            let its = entry.statement.predicate.deployment.as_ref();
            its.is_none()
                || its == deployment
                || Event::class_of(entry.statement.kind()) == Some(Class::Governance)
        });
        Ok(entries)
    }
}

/// The openings of a source, for the verifier.
pub struct Held<'a>(pub &'a Source);

impl Openings for Held<'_> {
    fn get(&mut self, commit: &Hash) -> Result<Option<Vec<u8>>, String> {
        self.0.opening(commit).map_err(|e| e.to_string())
    }

    fn each(&mut self, found: &mut dyn FnMut(Hash)) -> Result<(), String> {
        match self.0 {
            Source::Ledger(ledger) => ledger.each_opening(found).map_err(|e| e.to_string()),
            Source::Page(carried) => {
                carried.texts.openings.keys().copied().for_each(found);
                Ok(())
            }
            Source::Export(folder) => folder.each_opening(found).map_err(|e| e.to_string()),
        }
    }
}

/// What kind of thing `path` is, before it is opened.
pub enum Kind {
    /// A folder with a report.
    Record(PathBuf),
    /// A folder that `prove` made.
    Proof(PathBuf),
    /// A `report.html` by itself.
    Page(PathBuf),
    /// A ledger or an export.
    Other,
}

/// Looks at `path`.
#[must_use]
pub fn kind(path: &Path) -> Kind {
    if path.join("report.dsse.json").is_file() {
        Kind::Record(path.to_owned())
    } else if path.join("entry.json").is_file() && !path.join("entries.jsonl").exists() {
        Kind::Proof(path.to_owned())
    } else if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("html")) {
        Kind::Page(path.to_owned())
    } else {
        Kind::Other
    }
}

/// The bytes of a file of a record, of at most 512 MiB.
///
/// # Errors
/// Where it cannot be read.
pub fn record_file(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    file.take(512 * 1024 * 1024).read_to_end(&mut bytes)?;
    Ok(bytes)
}
