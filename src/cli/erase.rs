//! `erase`: a text that should not be there goes for good; that it went, and why, stays.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::app::App;
use super::desk::{Draft, hand, opened_text, record_folder};
use super::elsewhere::{Elsewhere, Fate};
use super::status_code::Status;
use crate::core::entry::Entry;
use crate::core::event::{Event, OpeningErased};
use crate::core::hash::Hash;
use crate::core::log::{Log, governance_subject};
use crate::core::name::Token;
use crate::core::opening::{Opening, refs_in};
use crate::core::roster::CUSTODIAN;
use crate::ledger::Ledger;

/// Shorter texts are not looked for in rendered files: they stand everywhere.
const TELLING: usize = 4;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// The opening, by its commit or the first digits of it, 8 at least (`show SEQ` and `log` tell it)
    pub commit: String,
    /// Why it goes; this text stays
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub elsewhere: Elsewhere,
}

/// An opening and where the log refers to it.
struct Target {
    commit: Hash,
    bytes: Option<Vec<u8>>,
    carriers: Vec<Entry>,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let ledger = Ledger::open_read_only(&app.ledger_path()?)?;
    let target = find(&ledger, &args.commit)?;
    drop(ledger);
    let deployment = of(&target.carriers);
    let mut desk = args.elsewhere.desk(app, deployment.as_ref())?;
    describe(app, &desk.log, &target, !args.yes)?;
    if target.bytes.is_none() {
        return wiped(app, args, &desk.ledger, &target.commit);
    }
    let who = app.who()?;
    let authors = authors(&desk.log, &target.carriers);
    if authors.contains(&who) && args.elsewhere.with.is_empty() {
        bail!(
            "{who} wrote it, and nobody erases their own words alone: let another custodian do it, or sign with one \
             (--out FILE --with NAME, then `aether-audit cosign FILE`, `aether-audit join FILE`)"
        );
    }
    if !app.globals.dry_run && !args.yes {
        confirm()?;
    }
    let mut openings = Vec::new();
    let reason = opened_text(&args.reason, &mut openings)?;
    let event = Event::OpeningErased(OpeningErased { commit: target.commit, reason });
    let known = deployment.as_ref().and_then(|id| desk.log.deployments.get(id));
    let first = hand(&desk, &who, known, &[CUSTODIAN])?;
    let subject = match known {
        Some(known) => known.subject.clone(),
        None => governance_subject(&desk.roster()?.roster),
    };
    let draft = Draft { event, openings, deployment: deployment.clone(), subject };
    if let Fate::Appended(appended) = args.elsewhere.settle(app, &mut desk, draft, first, &[CUSTODIAN])? {
        app.say(format!("entry {}: the opening {} is erased, by {who}", appended.seq, target.commit.short()));
        rendered(app, deployment.as_ref(), &target)?;
    }
    Ok(Status::Done)
}

/// There is nothing to erase any more; what an erasure could not finish, it finishes here.
fn wiped(app: &App, args: &Args, ledger: &Ledger, commit: &Hash) -> Result<Status> {
    if args.elsewhere.out.is_none() && !app.globals.dry_run {
        ledger.scrub()?;
    }
    bail!(
        "the opening {commit} is not here: it was erased already, or is missing; `aether-audit verify` tells which"
    )
}

/// The opening that is meant, and every entry that refers to it. Reads the whole log.
fn find(ledger: &Ledger, digits: &str) -> Result<Target> {
    if digits.len() < 8
        || digits.len() > 64
        || !digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    {
        bail!(
            "{digits:?} is no commit: give 8 to 64 lower-case hex digits; `aether-audit show SEQ` tells them"
        );
    }
    let (commits, carriers) = search(ledger, digits)?;
    let mut found = commits.into_iter();
    match (found.next(), found.next()) {
        (Some(commit), None) => Ok(Target { commit, bytes: ledger.opening(&commit)?, carriers }),
        (Some(_), Some(_)) => bail!("several openings begin with {digits}: give more digits"),
        (None, _) => bail!(
            "no entry refers to an opening {digits}: `aether-audit show SEQ` tells what an entry refers to"
        ),
    }
}

/// The openings whose commit begins so, and the entries that refer to them.
fn search(ledger: &Ledger, digits: &str) -> Result<(BTreeSet<Hash>, Vec<Entry>)> {
    let mut commits = BTreeSet::new();
    let mut carriers = Vec::new();
    for row in ledger.rows() {
        let entry = Entry::parse(&row?.bytes).context("run `aether-audit verify`")?;
        let named = refs_in(entry.statement.predicate.body.get());
        let fitting: Vec<Hash> =
            named.into_iter().filter(|commit| commit.to_string().starts_with(digits)).collect();
        if !fitting.is_empty() {
            commits.extend(fitting);
            carriers.push(entry);
        }
    }
    Ok((commits, carriers))
}

/// The one deployment that it belongs to; none where it is governance's, or several deployments'.
fn of(carriers: &[Entry]) -> Option<Token> {
    let mut all = carriers.iter().map(|entry| entry.statement.predicate.deployment.clone());
    let first = all.next().flatten()?;
    all.all(|other| other.as_ref() == Some(&first)).then_some(first)
}

/// Who signed what refers to an opening.
pub fn authors(log: &Log, carriers: &[Entry]) -> Vec<Token> {
    let signers = carriers.iter().flat_map(|entry| &entry.statement.predicate.signers);
    signers.filter_map(|signer| log.keys.get(&signer.key)).map(|known| known.person.clone()).collect()
}

/// The entries of a ledger that refer to an opening.
///
/// # Errors
/// Where the ledger cannot be read.
pub fn carriers(ledger: &Ledger, commit: &Hash) -> Result<Vec<Entry>> {
    let (_, carriers) = search(ledger, &commit.to_string())?;
    Ok(carriers)
}

/// What would go; its words only where somebody is asked: elsewhere they would stand in a log.
fn describe(app: &mut App, log: &Log, target: &Target, asked: bool) -> Result<()> {
    for entry in &target.carriers {
        let predicate = &entry.statement.predicate;
        let by = authors(log, std::slice::from_ref(entry));
        let by = by.iter().map(Token::as_str).collect::<Vec<_>>().join(", ");
        let deployment = predicate.deployment.as_ref().map_or("governance", |id| id.as_str());
        app.say(format!("entry {}: {deployment}: {}, by {by}", entry.line.seq, entry.statement.kind()));
    }
    if let Some(bytes) = &target.bytes {
        let opening = Opening::from_file_bytes(bytes)?;
        let text = String::from_utf8_lossy(&opening.bytes);
        let start: String = text.chars().take(60).collect();
        let more = if start.len() < text.len() { " …" } else { "" };
        let words = if asked { format!(": {start}{more}") } else { String::new() };
        app.say(format!("opening {}, {} bytes{words}", target.commit.short(), opening.bytes.len()));
    }
    app.say(
        "It goes from this ledger for good. What cannot be called back: exports, reports and copies of the ledger that were \
         made before, backups, what was committed to version control or sent to the channel, and the digests in older reports.",
    );
    Ok(())
}

fn confirm() -> Result<()> {
    if !std::io::stdin().is_terminal() {
        bail!("nothing was erased: there is no terminal to ask on; say --yes");
    }
    eprint!("Erase it? Type yes: ");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    if line.trim() == "yes" { Ok(()) } else { bail!("nothing was erased") }
}

/// Names the files of the record that still hold the text.
fn rendered(app: &mut App, deployment: Option<&Token>, target: &Target) -> Result<()> {
    let (Some(id), Some(bytes)) = (deployment, &target.bytes) else { return Ok(()) };
    let text = Opening::from_file_bytes(bytes)?.bytes;
    let text = text.trim_ascii();
    let folder = record_folder(app, id);
    let holds = |path: &Path| {
        text.len() >= TELLING
            && fs::read(path).is_ok_and(|file| file.windows(text.len()).any(|window| window == text))
    };
    let files = fs::read_dir(&folder).into_iter().flatten().filter_map(|file| Some(file.ok()?.path()));
    let left: Vec<PathBuf> = files.filter(|path| path.is_file() && holds(path)).collect();
    if !left.is_empty() {
        let names: Vec<String> = left.iter().map(|path| path.display().to_string()).collect();
        app.warn(format!(
            "the text still stands in {}: make the record again (`aether-audit report --deployment {id}`, `aether-audit render \
             --deployment {id}`)",
            names.join(", ")
        ));
    }
    Ok(())
}
