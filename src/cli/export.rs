//! `export`: a folder that any tool can check.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::app::App;
use super::archive;
use super::checkpoint::{Made, make_or_remember};
use super::desk::{Desk, pick};
use super::files;
use super::papers::{self, Advice};
use super::stamp;
use super::status_code::Status;
use crate::core::archive::MAX_RETAIN_DAYS;
use crate::core::hash::Hash;
use crate::core::name::Token;
use crate::core::opening::refs_in;
use crate::core::proof::TlogProof;
use crate::core::timestamp::StoredToken;
use crate::ledger::Ledger;

#[derive(clap::Args, Debug, Default)]
pub struct Args {
    /// The folder to make; it must not be there, or be empty
    #[arg(required_unless_present = "archive")]
    pub folder: Option<PathBuf>,
    /// Only one deployment (--deployment), with all governance and the leaf of every entry
    #[arg(long)]
    pub only_deployment: bool,
    /// Also for the whole log, a proof for each entry that it stands in the checkpoint's tree
    #[arg(long)]
    pub proofs: bool,
    /// Write it to a bucket with Object Lock, where nobody can delete it, and read it back [default: `url` under [archive]]
    #[arg(long, value_name = "s3://BUCKET/PREFIX", num_args = 0..=1, default_missing_value = "")]
    pub archive: Option<String>,
    /// Lock the archive for so many days from now; this cannot be shortened [default: `retain-days` under [archive], else 2555]
    #[arg(long, value_name = "DAYS", requires = "archive", value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_RETAIN_DAYS)))]
    pub retain: Option<u32>,
    /// Put the texts that people wrote into the archive too: while it is locked nobody can erase them from it
    #[arg(long, requires = "archive")]
    pub with_openings: bool,
}

/// An export that was made.
pub struct Exported {
    /// The log.
    pub origin: String,
    /// How many entries stand in it.
    pub entries: u64,
    /// Its checkpoint, where this place makes or remembers one.
    pub checkpoint: Option<Made>,
    /// How many time-stamp tokens stand beside it.
    pub timestamps: usize,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    if let Some(url) = &args.archive {
        return archive::run(app, args, url);
    }
    let target = args.folder.as_ref().context("name the folder to make")?;
    check_new(target)?;
    let only = if args.only_deployment || named_here(app) { Some(pick(app, true)?) } else { None };
    if app.globals.dry_run {
        let desk = Desk::read(app, only.as_ref())?;
        let what = only.as_ref().map_or("the whole log".to_owned(), |id| format!("governance and {id}"));
        app.would(format!(
            "sign a checkpoint where this place has a log key, and write {what}, up to entry {}, into {}",
            desk.head.seq,
            target.display()
        ))?;
        return Ok(Status::Done);
    }
    let Exported { entries, checkpoint, timestamps, .. } =
        make(app, target, only.as_ref(), args.proofs, true)?;
    if app.json() {
        app.print_json(&serde_json::json!({
            "folder": target, "entries": entries, "checkpoint": checkpoint.is_some(), "deployment": only,
            "timestamps": timestamps,
        }))?;
    } else {
        app.data(target.display().to_string())?;
        let of = only.as_ref().map_or(String::new(), |id| format!(", of governance and {id} alone"));
        app.say(format!(
            "{entries} entries{of}; {}/README.md says how to check it with stock tools",
            target.display()
        ));
        if checkpoint.is_none() {
            app.warn("no checkpoint: this place has no log key and remembers none");
        }
    }
    Ok(Status::Done)
}

/// Makes the folder of an export, whole or not at all; `proofs` says whether also all of a log has a proof for each
/// entry, `sign` whether to make a checkpoint where this place can.
///
/// # Errors
/// Where the folder is there already, or the ledger cannot be read.
pub fn make(
    app: &mut App,
    target: &Path,
    only: Option<&Token>,
    proofs: bool,
    sign: bool,
) -> Result<Exported> {
    let desk = Desk::read(app, only)?;
    if let Some(id) = only {
        desk.deployment(id)?;
    }
    let checkpoint = if sign { make_or_remember(app, &desk.ledger, &desk.log)? } else { None };
    // As much as the checkpoint covers, should somebody have appended meanwhile.
    let size = checkpoint.as_ref().map_or(desk.head.seq + 1, |made| made.size.max(desk.head.seq + 1));
    let tokens = match &checkpoint {
        Some(made) => stamp::tokens(app, &desk.ledger, &desk.log.origin, made.size)?,
        None => Vec::new(),
    };
    let mut entries = 0;
    whole(target, |staged| {
        let seqs = write(staged, &desk.ledger, only, size)?;
        entries = seqs.len() as u64;
        let proven = checkpoint.as_ref().filter(|_| proofs || only.is_some());
        if let Some(made) = proven {
            write_proofs(staged, &desk.ledger, &seqs, made)?;
        }
        let stamped = tokens.last().and_then(StoredToken::size);
        let advice = Advice { log: &desk.log, only, entries, stamped, proofs: proven.is_some() };
        papers::write(staged, &advice)?;
        write_tokens(staged, &tokens)?;
        match &checkpoint {
            Some(made) => files::write(&staged.join("checkpoint"), made.note.as_bytes()),
            None => Ok(()),
        }
    })?;
    Ok(Exported { origin: desk.log.origin.clone(), entries, checkpoint, timestamps: tokens.len() })
}

/// Whether a deployment is named on the command line: one that the environment names for all commands is no wish for a
/// part of the log.
fn named_here(app: &App) -> bool {
    let standing = std::env::var("AETHER_AUDIT_DEPLOYMENT").ok();
    app.globals.deployment.is_some() && app.globals.deployment != standing
}

fn check_new(target: &Path) -> Result<()> {
    if target.exists() && fs::read_dir(target).map_or(true, |mut entries| entries.next().is_some()) {
        bail!("{} is there already and not empty: name a new folder", target.display());
    }
    Ok(())
}

/// Makes a folder whole or not at all: `fill` is given one that takes the place of `target` at the end.
///
/// # Errors
/// Where `target` is there already, cannot be made, or `fill` fails.
pub fn whole(target: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    check_new(target)?;
    let parent = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let staged = tempfile::Builder::new()
        .prefix(".aether-audit-export-")
        .tempdir_in(parent)
        .with_context(|| format!("cannot write in {}", parent.display()))?;
    fill(staged.path())?;
    if target.exists() {
        fs::remove_dir(target)?;
    }
    fs::set_permissions(staged.path(), fs::Permissions::from_mode(0o755))?;
    fs::rename(staged.keep(), target).with_context(|| format!("cannot make {}", target.display()))
}

/// Writes the entries, leaves and openings; gives the numbers of the entries.
fn write(folder: &Path, ledger: &Ledger, only: Option<&Token>, size: u64) -> Result<Vec<u64>> {
    fs::create_dir(folder.join("openings"))?;
    let mut entries = BufWriter::new(File::create(folder.join("entries.jsonl"))?);
    let mut leaves = match only {
        Some(_) => Some(BufWriter::new(File::create(folder.join("leaves.txt"))?)),
        None => None,
    };
    let mut written = Vec::new();
    let mut wanted = BTreeSet::new();
    let end = i64::try_from(size)?;
    for row in ledger.rows() {
        let row = row?;
        if row.seq >= end {
            break;
        }
        if let Some(leaves) = &mut leaves {
            writeln!(leaves, "{}", crate::core::merkle::leaf_hash(&row.bytes))?;
        }
        let mine =
            row.deployment.is_none() || only.is_none_or(|id| row.deployment.as_deref() == Some(id.as_str()));
        if !mine {
            continue;
        }
        entries.write_all(&row.bytes)?;
        entries.write_all(b"\n")?;
        written.push(u64::try_from(row.seq)?);
        wanted.extend(openings_of(&row.bytes));
    }
    for commit in wanted {
        if let Some(bytes) = ledger.opening(&commit)? {
            fs::write(folder.join("openings").join(commit.to_string()), bytes)?;
        }
    }
    let file = entries.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    file.sync_all()?;
    if let Some(leaves) = leaves {
        leaves.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    }
    Ok(written)
}

/// Writes a proof for each of these entries that the checkpoint covers.
fn write_proofs(folder: &Path, ledger: &Ledger, seqs: &[u64], made: &Made) -> Result<()> {
    let proofs = folder.join("proofs");
    fs::create_dir(&proofs)?;
    for &index in seqs.iter().filter(|seq| **seq < made.size) {
        let path = ledger.inclusion(index, made.size)?;
        let proof = TlogProof { index, path, checkpoint: made.note.clone() };
        fs::write(proofs.join(format!("{index}.tlog-proof")), proof.to_string())?;
    }
    Ok(())
}

/// The openings that an entry's statement names.
fn openings_of(entry: &[u8]) -> Vec<Hash> {
    crate::core::entry::Entry::parse(entry)
        .map(|entry| refs_in(entry.statement.predicate.body.get()))
        .unwrap_or_default()
}

/// Time-stamp tokens, each named by the size of its checkpoint.
///
/// # Errors
/// Where the folder cannot be written.
pub fn write_tokens(folder: &Path, tokens: &[StoredToken]) -> Result<()> {
    let timestamps = folder.join("timestamps");
    if !tokens.is_empty() {
        fs::create_dir(&timestamps)?;
    }
    tokens.iter().try_for_each(|token| files::write(&timestamps.join(&token.name), &token.bytes))
}
