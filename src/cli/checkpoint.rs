//! `checkpoint`: the log's head, signed by this place's log key.

use std::path::Path;
use std::rc::Rc;

use anyhow::{Context as _, Result, bail};

use super::app::App;
use super::cosigned::{self, Whom, Witnessing};
use super::desk::own_log;
use super::files;
use super::init::log_key_name;
use super::keyring::Keyring;
use super::memory::Memory;
use super::stamp;
use super::status_code::Status;
use crate::core::checkpoint::{self, Checkpoint, Vkey};
use crate::core::hash::Hash;
use crate::core::keys::{PublicKey, SecretKey};
use crate::core::log::Log;
use crate::core::merkle::{Frontier, leaf_hash};
use crate::ledger::Ledger;
use crate::witness::Patience;

/// More bytes than a checkpoint with all its cosignatures has.
const MAX_NOTE: u64 = 1 << 20;

#[derive(clap::Args, Debug, Default)]
pub struct Args {
    /// Ask only this witness of the roster's policy to cosign, by its URL, or `all`, also where they have
    /// cosigned already; may be given again [default: those of the policy that have not]
    #[arg(long, value_name = "URL", value_delimiter = ',', env = "AETHER_AUDIT_WITNESS")]
    pub witness: Vec<String>,
    /// Have it stamped by the time-stamping authority (RFC 3161) at this URL
    #[arg(long, value_name = "URL", env = "AETHER_AUDIT_TIMESTAMP")]
    pub timestamp: Option<String>,
    #[command(flatten)]
    pub witnessing: Witnessing,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    if let Some(url) = args.timestamp.as_ref().filter(|url| !is_web(url)) {
        bail!("--timestamp {url:?} is no URL: it begins with http:// or https://");
    }
    let desk = super::desk::Desk::read(app, None)?;
    desk.sound(app)?;
    if app.globals.dry_run {
        let size = desk.head.seq + 1;
        app.would(format!(
            "sign a checkpoint of {size} entries, root {}, and remember it",
            desk.ledger.root_at(size)?
        ))?;
        return Ok(Status::Done);
    }
    let made = make(app, &desk.ledger, &desk.log)?;
    let (made, mut status) = if args.witnessing.no_witness {
        if !args.witness.is_empty() {
            bail!("--witness and --no-witness contradict each other: give one of them");
        }
        (made, Status::Done)
    } else {
        let whom = if args.witness.is_empty() { Whom::Missing } else { Whom::At(&args.witness) };
        let gathered = cosigned::gather(app, &desk.ledger, &desk.log, &made, &whom, Patience::LONG)?;
        cosigned::tell(app, &gathered);
        (gathered.made, gathered.status)
    };
    if let Some(url) = &args.timestamp {
        let stamped = stamp::stamp(app, &desk.log.origin, &made, url);
        if status == Status::Done {
            status = stamped;
        }
    }
    app.raw(made.note)?;
    app.say("Give this to somebody outside your control: with it, `aether-audit verify --checkpoint FILE` proves that nothing up to here was changed or cut off.");
    Ok(status)
}

fn is_web(url: &str) -> bool {
    ["http://", "https://"]
        .iter()
        .any(|scheme| url.get(..scheme.len()).is_some_and(|own| own.eq_ignore_ascii_case(scheme)))
}

/// A checkpoint that was signed here.
pub struct Made {
    /// As a signed note.
    pub note: String,
    /// How many entries it covers.
    pub size: u64,
}

/// Signs a checkpoint over all that is durable in the ledger, if it extends the last one that this place
/// signed, and remembers it. What came since that one is read anew from the entries' bytes.
///
/// # Errors
/// Where this place has no log key of the roster, or the log does not extend what was signed before.
pub fn make(app: &App, ledger: &Ledger, log: &Log) -> Result<Made> {
    own_log(app, &log.origin)?;
    let key = log_key(app, log)?;
    let memory = Memory::of(app, &log.origin)?;
    memory.check(ledger)?;
    let _lock = memory.lock()?;
    let size = ledger.head()?.context("the ledger is empty")?.seq + 1;
    let mut frontier = Frontier::new();
    let mut prev = Hash::ZERO;
    if let Some(note) = memory.checkpoint()? {
        let file = memory.checkpoint_file();
        let trusted = vkeys(log);
        let verified = checkpoint::open(&note, &trusted).with_context(|| {
            format!("{}: what this place remembers of its last checkpoint", file.display())
        })?;
        let last = verified.checkpoint;
        frontier = extended(ledger, &last, size, &file)?;
        if last.size == size && verified.signed_by.iter().any(|vkey| *vkey.key() == key.public()) {
            return Ok(Made { note, size });
        }
        if let Some(seq) = last.size.checked_sub(1) {
            prev = leaf_hash(&ledger.entry(seq)?.context("an entry is missing")?);
        }
    }
    let broken = ledger.follow(frontier.size(), prev, &mut |leaf| frontier.push(leaf))?;
    if let Some(seq) = broken {
        bail!(
            "entry {seq} does not fit what stands before it: nothing was signed; run `aether-audit verify`"
        );
    }
    let stated = Checkpoint { origin: log.origin.clone(), size: frontier.size(), root: frontier.root() };
    let note = checkpoint::sign_checkpoint(&stated, &key)?;
    memory.keep_checkpoint(&note)?;
    Ok(Made { note, size: stated.size })
}

fn log_key(app: &App, log: &Log) -> Result<Rc<SecretKey>> {
    let keyring = Keyring::of(app)?;
    let name = log_key_name(&log.origin);
    if !keyring.has(&name) {
        bail!(
            "this place has no log key for {}: checkpoints are made where the log was initialised, or with \
             a log key of this place (`aether-audit key log`)",
            log.origin
        );
    }
    let roster = &log.roster().context("the ledger has no roster: run `aether-audit verify`")?.roster;
    let listed = |key: &PublicKey| {
        roster.log_keys.iter().filter_map(|text| Vkey::parse(text).ok()).any(|vkey| vkey.key() == key)
    };
    keyring.adopt(app, &name, &listed)?;
    let key = keyring.load(app, &name, None)?;
    if !listed(&key.public()) {
        bail!("the log key here is not on the roster of {}", log.origin);
    }
    Ok(key)
}

/// The frontier at the last checkpoint's size, where the ledger's beginning is what that one states.
fn extended(ledger: &Ledger, last: &Checkpoint, size: u64, memory: &Path) -> Result<Frontier> {
    if last.size > size {
        bail!(
            "this ledger has {size} entries, but the last checkpoint made here covers {}: entries are missing; \
             look for the newer ledger before anything else, and keep {}",
            last.size,
            memory.display()
        );
    }
    let frontier = ledger.frontier(last.size)?;
    if frontier.root() != last.root {
        bail!(
            "the first {} entries of this ledger are not those of the last checkpoint made here: the log was rewritten \
             or forked; run `aether-audit verify`, and keep {}",
            last.size,
            memory.display()
        );
    }
    Ok(frontier)
}

/// The last checkpoint that this place made for a log.
///
/// # Errors
/// Where it cannot be read.
pub fn remembered(app: &App, origin: &str) -> Result<Option<String>> {
    Memory::of(app, origin)?.checkpoint()
}

/// Every log key that any roster of the log has had.
#[must_use]
pub fn vkeys(log: &Log) -> Vec<Vkey> {
    let mut found: Vec<Vkey> = Vec::new();
    let texts = log.rosters.iter().flat_map(|version| &version.roster.log_keys);
    for vkey in texts.filter_map(|text| Vkey::parse(text).ok()) {
        if !found.contains(&vkey) {
            found.push(vkey);
        }
    }
    found
}

/// Makes a checkpoint where this place can, else gives the one it remembers.
///
/// # Errors
/// Where the log does not extend what was signed before.
pub fn make_or_remember(app: &App, ledger: &Ledger, log: &Log) -> Result<Option<Made>> {
    if Keyring::of(app)?.has(&log_key_name(&log.origin)) {
        return make(app, ledger, log).map(Some);
    }
    let made = |note: String| -> Result<Made> {
        let size = checkpoint::open(&note, &vkeys(log))?.checkpoint.size;
        Ok(Made { note, size })
    };
    remembered(app, &log.origin)?.map(made).transpose()
}

/// The checkpoint that stands in a record's folder since the closing, where it is one of this log.
#[must_use]
pub fn left_there(folder: &Path, log: &Log) -> Option<Made> {
    let note = files::read_text(&folder.join("checkpoint"), MAX_NOTE).ok()?;
    let size = checkpoint::open(&note, &vkeys(log)).ok()?.checkpoint.size;
    Some(Made { note, size })
}
