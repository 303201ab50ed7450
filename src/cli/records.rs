//! `render` and `report`: what a deployment leaves behind, made from its entries alone.

use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context as _, Result, bail};

use super::app::App;
use super::checkpoint::{left_there, make_or_remember, remembered};
use super::cosigned::{self, Witnessing};
use super::desk::{Desk, hand, keyless, pick, record_folder, unknown_person};
use super::elsewhere::Elsewhere;
use super::facts;
use super::files::{self, Staged};
use super::formats;
use super::pdf::{self, PdfArgs};
use super::record_at::{Files, Record, join};
use super::source::Source;
use super::status_code::Status;
use crate::core::attestation::{GENERATOR, ReportPredicate, ReportStatement};
use crate::core::event::{Event, FileDigest, ReportIssued};
use crate::core::hash::Hash;
use crate::core::name::{Label, Token};
use crate::core::roster::KeyUse;
use crate::core::statement::Seen;
use crate::report::Integrity;

#[derive(clap::Args, Debug, Default)]
pub struct RenderArgs {
    /// Where to write it; `-` for stdout [default: records/ID/Deployment_Checklist.md]
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
}

#[derive(clap::Args, Debug, Default)]
pub struct ReportArgs {
    /// The record's folder [default: records/ID]
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
    /// The record in a format for other programs too; several by commas
    #[arg(long, value_enum, value_name = "FORMAT", value_delimiter = ',')]
    pub format: Vec<formats::FormatArg>,
    #[command(flatten)]
    pub pdf: PdfArgs,
    #[command(flatten)]
    pub witnessing: Witnessing,
}

/// The name of the completed checklist.
const CHECKLIST: &str = "Deployment_Checklist.md";
/// The name of the report's signed statement.
pub const SIGNED: &str = "report.dsse.json";

pub fn render(app: &mut App, args: &RenderArgs) -> Result<Status> {
    let id = pick(app, true)?;
    let source = Source::here(app)?;
    let leaves = source.leaves()?;
    let last = (leaves.len() as u64).checked_sub(1).context("the ledger is empty")?;
    let checkpoint = match source.checkpoint()? {
        Some(note) => Some(note),
        None => remembered(app, &origin(&source, &id, last)?)?,
    };
    let record = Record::read(&source, &id, last, Some(leaves), checkpoint)?;
    let text = record.checklist(&source)?;
    let status = status(&record.integrity);
    if status == Status::Finding {
        app.warn(&record.integrity.verdict);
    }
    if app.globals.dry_run {
        let to = args.to.clone().unwrap_or_else(|| record_folder(app, &id).join(CHECKLIST));
        app.would(format!("write {}, {} bytes, as of entry {last}", to.display(), text.len()))?;
        return Ok(status);
    }
    if args.to.as_ref().is_some_and(|to| to.as_os_str() == "-") {
        app.raw(text)?;
        return Ok(status);
    }
    let path = if let Some(to) = &args.to {
        to.clone()
    } else {
        let folder = record_folder(app, &id);
        files::make_folder(&folder)?;
        folder.join(CHECKLIST)
    };
    files::write(&path, text.as_bytes())?;
    warn_of_report(app, &path, &id, &text);
    if app.json() {
        app.print_json(&serde_json::json!({"deployment": id, "file": path, "coversSeq": last}))?;
    } else {
        app.data(path.display().to_string())?;
    }
    Ok(status)
}

/// A report that stands beside it was signed over another rendering.
fn warn_of_report(app: &mut App, path: &Path, id: &Token, text: &str) {
    let folder = path.parent().unwrap_or(Path::new(""));
    let signed = files::read_text(&folder.join(SIGNED), 1 << 24).ok();
    let statement =
        signed.and_then(|signed| Some(ReportStatement::parse(signed.trim_end().as_bytes()).ok()?.0));
    let own = Hash::of(&[text.as_bytes()]).to_string();
    let another = |statement: ReportStatement| {
        let mut subjects = statement.subject.iter();
        let signed = subjects.find(|subject| subject.name == *CHECKLIST);
        signed.is_some_and(|subject| subject.digest() != ("sha256", own.as_str()))
    };
    if path.file_name().is_some_and(|name| name == CHECKLIST) && statement.is_some_and(another) {
        app.warn(format!(
            "the signed report in {} is of another rendering: a verifier will say that this file is not the one that was signed. \
             Make both anew with `aether-audit --deployment {id} report`",
            folder.display()
        ));
    }
}

/// What was found is written down first; then it is a finding, as everywhere.
const fn status(integrity: &Integrity) -> Status {
    if integrity.findings.is_empty() { Status::Done } else { Status::Finding }
}

fn origin(source: &Source, id: &Token, last: u64) -> Result<String> {
    Ok(source.read(id, last)?.1.origin)
}

pub fn report(app: &mut App, args: &ReportArgs) -> Result<Status> {
    let id = pick(app, true)?;
    let who = app.who()?;
    let governance = Desk::open(app, None)?;
    let keyid = role_key(&governance, &who)?;
    let folder = args.to.clone().unwrap_or_else(|| record_folder(app, &id));
    if app.globals.dry_run {
        return would_report(app, &id, &who, &folder);
    }
    let key = governance.key_of(app, &who, &keyid)?;
    let checkpoint = make_or_remember(app, &governance.ledger, &governance.log)?;
    let beside = |made| cosigned::beside(app, &governance.ledger, &governance.log, made, &args.witnessing);
    let checkpoint = checkpoint.map(beside).or_else(|| left_there(&folder, &governance.log));
    let head = governance.ledger.head()?.context("the ledger is empty")?;
    let covers = Seen { leaf: head.leaf, seq: head.seq };
    let checkpoint = checkpoint.filter(|made| made.size <= head.seq + 1).map(|made| made.note);

    let source = Source::here(app)?;
    let record = Record::read(&source, &id, covers.seq, None, checkpoint)?;
    if record.integrity.last_leaf != covers.leaf {
        bail!("entry {} is not the one that was read before: run `aether-audit verify`", covers.seq);
    }
    let mut made = record.files(&source)?;
    formats::add(&record, &source, &args.format, &mut made)?;
    let unprinted = args.pdf.print(&mut made, app.now());
    let Record { entries, log, integrity, carried, .. } = record;
    let faults = integrity.findings.iter().map(|(_, _, text)| text.clone()).collect();
    let mut desk = governance.turn_to(&id, head, log, entries, faults);
    let signer = hand(&desk, &who, Some(desk.deployment(&id)?), &[])?;

    files::make_folder(&folder)?;
    let (mut digests, mut staged) = (Vec::new(), Vec::new());
    for (name, digest, file) in stage(&folder, &made) {
        digests.push((Label::new(name)?, digest));
        staged.push(file?);
    }
    let predicate = ReportPredicate {
        covers,
        deployment: id.clone(),
        generator: Some(Label::new(GENERATOR)?),
        log: desk.log.origin.clone(),
        roster: desk.roster()?.hash,
        signer: keyid,
        time: app.now(),
    };
    let envelope = ReportStatement::new(predicate, &digests).sign(&key)?;
    let signed = format!("{}\n", serde_json::to_string(&envelope)?);
    staged.push(files::stage(&folder.join(SIGNED), signed.as_bytes())?);
    files::place(staged)?;
    if pdf::remove_earlier(&folder, &made)? {
        app.say(format!("The {} of the earlier report was removed: --pdf makes it anew.", pdf::NAME));
    }
    formats::remove_earlier(app, &folder, &made)?;
    digests.push((Label::new(SIGNED)?, Hash::of(&[signed.as_bytes()])));

    let files = digests.into_iter().map(|(name, sha256)| FileDigest { name, sha256 }).collect();
    let role = signer.role.to_string();
    facts::record_at(app, &mut desk, &id, &Elsewhere::default(), &[&role], |_, _, _, _| {
        Ok(Event::ReportIssued(ReportIssued { covers, files }))
    })?;
    let Desk { log, entries, .. } = desk;
    // The process ends here: what is large goes with it.
    std::mem::forget((log, entries, carried));
    tell(app, &id, &folder, covers, &integrity)?;
    Ok(match (status(&integrity), unprinted) {
        (found, Some(why)) => {
            app.warn(&why);
            if found == Status::Done { Status::CouldNotRun } else { found }
        }
        (found, None) => found,
    })
}

/// The digest of each file, and the file beside its place, written at once.
fn stage<'a>(folder: &Path, made: &'a Files) -> Vec<(&'a str, Hash, Result<Staged>)> {
    thread::scope(|scope| {
        let stage = |(name, bytes): (&&'a str, &'a Vec<u8>)| {
            let (name, path) = (*name, folder.join(name));
            scope.spawn(move || (name, Hash::of(&[bytes]), files::stage(&path, bytes)))
        };
        let staging: Vec<_> = made.iter().map(stage).collect();
        staging.into_iter().map(join).collect()
    })
}

/// Says what a report would write and record.
fn would_report(app: &mut App, id: &Token, who: &Token, folder: &Path) -> Result<Status> {
    let desk = Desk::read(app, Some(id))?;
    let signer = hand(&desk, who, Some(desk.deployment(id)?), &[])?;
    let (covers, role) = (desk.seen(), signer.role.clone());
    let event = Event::ReportIssued(ReportIssued { covers, files: Vec::new() });
    desk.allow(app, &desk.draft(id, event, Vec::new())?, &[signer])?;
    app.would(format!(
        "write the report of {id}, up to entry {}, into {}, and record report-issued, by {who} as {role}",
        covers.seq,
        folder.display()
    ))?;
    Ok(Status::Done)
}

/// The key for daily work that the roster has for a person.
fn role_key(desk: &Desk, who: &Token) -> Result<Hash> {
    let version = desk.roster()?;
    let person = version.roster.person(who.as_str());
    let person = person.with_context(|| unknown_person(&version.roster, who))?;
    let key = person.key(KeyUse::Role);
    Ok(key.with_context(|| keyless(who))?.public.keyid())
}

fn tell(app: &mut App, id: &Token, folder: &Path, covers: Seen, integrity: &Integrity) -> Result<()> {
    if app.json() {
        return app.print_json(&serde_json::json!({
            "deployment": id, "folder": folder, "coversSeq": covers.seq, "findings": integrity.findings.len(),
        }));
    }
    app.data(folder.display().to_string())?;
    app.say(format!("The report covers the log up to entry {}. {}", covers.seq, integrity.verdict));
    app.say(format!("Open {}", folder.join("report.html").display()));
    Ok(())
}
