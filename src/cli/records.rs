//! `render` and `report`: what a deployment leaves behind, made from its entries alone.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context as _, Result, bail};

use super::app::App;
use super::checkpoint::{left_there, make_or_remember, remembered};
use super::cosigned::{self, Witnessing};
use super::desk::{Desk, hand, keyless, pick, record_folder, unknown_deployment, unknown_person};
use super::elsewhere::Elsewhere;
use super::facts;
use super::files;
use super::formats;
use super::page;
use super::pdf::{self, PdfArgs};
use super::source::{Held, Source};
use super::status_code::Status;
use crate::core::attestation::{GENERATOR, ReportPredicate, ReportStatement};
use crate::core::entry::{Entry, Line};
use crate::core::event::{Event, FileDigest, ReportIssued};
use crate::core::hash::Hash;
use crate::core::log::Log;
use crate::core::merkle::Tree;
use crate::core::name::{Label, Token};
use crate::core::opening::{Opening, refs_in};
use crate::core::roster::KeyUse;
use crate::core::statement::Seen;
use crate::core::verify::{self, Anchors, Finding, Stored};
use crate::report::carried::carry;
use crate::report::formats::Format;
use crate::report::{self, Input, Integrity, Opened};

/// Options of `render`.
#[derive(clap::Args, Debug, Default)]
pub struct RenderArgs {
    /// Where to write it; `-` for stdout [default: records/ID/Deployment_Checklist.md]
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
}

/// Options of `report`.
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

/// The files of a record, by name, except its signature.
pub type Files = BTreeMap<&'static str, Vec<u8>>;

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
    let record = Record::read(&source, &id, last, &leaves, checkpoint)?;
    let text = record.checklist(&source)?;
    let status = status(&record.integrity);
    if status == Status::Finding {
        app.warn(&record.integrity.verdict);
    }
    if app.globals.dry_run {
        let to = args.to.clone().unwrap_or_else(|| record_folder(app, &id).join("Deployment_Checklist.md"));
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
        folder.join("Deployment_Checklist.md")
    };
    files::write(&path, text.as_bytes())?;
    if app.json() {
        app.print_json(&serde_json::json!({"deployment": id, "file": path, "coversSeq": last}))?;
    } else {
        app.data(path.display().to_string())?;
    }
    Ok(status)
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
    let record = Record::read(&source, &id, covers.seq, &source.leaves()?, checkpoint)?;
    if record.integrity.last_leaf != covers.leaf {
        bail!("entry {} is not the one that was read before: run `aether-audit verify`", covers.seq);
    }
    let mut made = record.files(&source)?;
    formats::add(&record, &source, &args.format, &mut made)?;
    let unprinted = args.pdf.print(&mut made, app.now());
    let Record { entries, log, integrity, .. } = record;
    let faults = integrity.findings.iter().map(|(_, _, text)| text.clone()).collect();
    let mut desk = governance.turn_to(&id, head, log, entries, faults);
    let signer = hand(&desk, &who, Some(desk.deployment(&id)?), &[])?;

    files::make_folder(&folder)?;
    let mut digests = Vec::new();
    for (name, bytes) in &made {
        digests.push((Label::new(*name)?, Hash::of(&[bytes])));
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
    let mut all: Vec<(PathBuf, &[u8])> =
        made.iter().map(|(name, bytes)| (folder.join(name), bytes.as_slice())).collect();
    all.push((folder.join(SIGNED), signed.as_bytes()));
    files::write_all(&all)?;
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
    tell(app, &id, &folder, covers, &integrity)?;
    Ok(match (status(&integrity), unprinted) {
        (found, Some(why)) => {
            app.warn(&why);
            if found == Status::Done { Status::CouldNotRun } else { found }
        }
        (found, None) => found,
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

/// The openings that a rendering asked for, and whether each was missing.
pub type Asked = RefCell<BTreeMap<Hash, bool>>;

/// A deployment as of one entry of the log, ready to be rendered.
pub struct Record {
    /// The deployment.
    pub id: Token,
    /// Its entries and all governance.
    pub entries: Vec<Entry>,
    /// The log's tree.
    pub tree: Tree,
    log: Log,
    /// What the verifier found about the log up to that entry.
    pub integrity: Integrity,
    /// What is wrong with the checkpoint that it shows; the verifier's findings have it too.
    pub checkpoint_faults: Vec<Finding>,
    /// What is taken for openings that were erased since, by commit.
    pub restored: BTreeMap<Hash, Vec<u8>>,
}

impl Record {
    /// Reads and verifies the log up to and with entry `to`.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn read(
        source: &Source,
        id: &Token,
        to: u64,
        leaves: &[Hash],
        checkpoint: Option<String>,
    ) -> Result<Self> {
        let size = usize::try_from(to + 1)?;
        let leaves = leaves.get(..size).context("the log is shorter than what the record covers")?;
        let (verified, entries) = walk(source, id, to, leaves)?;
        let mut findings = findings(source, to, verified.findings)?;
        let log = verified.log;
        // A page's own is held against the leaves that the page has, where it is verified.
        let own = checkpoint.as_ref().filter(|_| !matches!(source, Source::Page(_)));
        let checkpoint_faults =
            own.map(|note| verify::checkpoint_faults(note, leaves, &log)).unwrap_or_default();
        let faults = checkpoint_faults.iter();
        findings.extend(faults.map(|fault| (fault.seq, fault.code.to_owned(), fault.text.clone())));
        let first_roster =
            log.rosters.first().context("the log has no roster: run `aether-audit verify`")?.hash;
        let verdict = if findings.is_empty() {
            format!(
                "Chain, tree, signatures, rosters and rules of {size} entries check. This says nothing about what was cut off \
                 or replaced as a whole: for that, verify with the first roster's hash and a checkpoint from elsewhere."
            )
        } else {
            format!("{} findings: run `aether-audit verify`.", findings.len())
        };
        let tree = Tree::new(leaves);
        let integrity = Integrity {
            log_entries: size as u64,
            first_leaf: *leaves.first().context("the log is empty")?,
            last_leaf: leaves[size - 1],
            last_seq: to,
            root: match source {
                Source::Page(_) => verified.root,
                _ => tree.root_at(size as u64).context("the log has no root")?,
            },
            first_roster,
            checkpoint,
            findings,
            verdict,
        };
        let (id, restored) = (id.clone(), BTreeMap::new());
        Ok(Self { id, entries, tree, log, integrity, checkpoint_faults, restored })
    }

    /// The openings that its entries refer to.
    #[must_use]
    pub fn commits(&self) -> BTreeSet<Hash> {
        self.entries.iter().flat_map(|entry| refs_in(entry.statement.predicate.body.get())).collect()
    }

    /// Runs `render` with everything that a rendering needs.
    fn with<T>(&self, source: &Source, render: impl FnOnce(&Input, &Asked) -> Result<T>) -> Result<T> {
        let erased = erasures(&self.entries, &self.log, source);
        let asked = Asked::default();
        let gone = |commit: &Hash| match self.restored.get(commit) {
            Some(bytes) => Opened::Bytes(bytes.clone()),
            None => erased.get(commit).cloned().unwrap_or(Opened::Missing),
        };
        let opening = |commit: &Hash| {
            let opened = match source.opening(commit) {
                Ok(Some(file)) if Hash::of(&[&file]) == *commit => Opening::from_file_bytes(&file)
                    .map_or(Opened::Missing, |opening| Opened::Bytes(opening.bytes)),
                _ => source.long(commit).unwrap_or_else(|| gone(commit)),
            };
            asked.borrow_mut().insert(*commit, opened == Opened::Missing);
            opened
        };
        let deployment = self.log.deployments.get(&self.id);
        let deployment = deployment.with_context(|| match source {
            Source::Ledger(ledger) => unknown_deployment(ledger, &self.id),
            Source::Export(_) => format!("there is no deployment {} in this export", self.id),
            Source::Page(_) => format!("there is no deployment {} in this page", self.id),
        })?;
        let input = Input {
            log: &self.log,
            deployment,
            entries: &self.entries,
            opening: &opening,
            integrity: &self.integrity,
        };
        render(&input, &asked)
    }

    /// The completed checklist.
    ///
    /// # Errors
    /// Where the deployment is not here.
    pub fn checklist(&self, source: &Source) -> Result<String> {
        self.with(source, |input, _| Ok(report::checklist(input, &report::report(input)?)?))
    }

    /// `report.html` without what it carries, and the openings that it asked for.
    ///
    /// # Errors
    /// Where the deployment is not here.
    pub fn page(&self, source: &Source) -> Result<(String, BTreeMap<Hash, bool>)> {
        self.with(source, |input, asked| {
            let page = report::to_html(&report::report(input)?)?;
            Ok((page, asked.borrow().clone()))
        })
    }

    /// The template of a review, filled with its facts.
    ///
    /// # Errors
    /// Where the deployment is not here.
    pub fn review(&self, source: &Source) -> Result<String> {
        self.with(source, |input, _| Ok(report::retro::review(&report::report(input)?)?))
    }

    /// The record in one of other people's formats.
    ///
    /// # Errors
    /// Where the deployment is not here.
    pub fn format(&self, source: &Source, format: Format) -> Result<String> {
        let (stored, _) = source.read(&self.id, self.integrity.last_seq)?;
        self.with(source, |input, _| Ok(format.render(input, &report::report(input)?, &stored)?))
    }

    /// Every file of the record except its signature.
    ///
    /// # Errors
    /// Where the deployment is not here.
    pub fn files(&self, source: &Source) -> Result<Files> {
        let mut files = self.with(source, |input, asked| {
            let made = report::report(input)?;
            let carried = page::carried(self, source, &asked.borrow())?;
            let sound = self.integrity.findings.is_empty();
            let (data, block, page) = thread::scope(|scope| {
                let data = scope.spawn(|| {
                    report::to_json(&made).and_then(|json| Ok((json, report::to_markdown(&made)?)))
                });
                let block = scope.spawn(|| carried.pack(sound));
                let page =
                    report::to_html(&made).and_then(|page| Ok((page, report::checklist(input, &made)?)));
                let block = block.join().unwrap_or_else(|panic| resume_unwind(panic));
                (data.join().unwrap_or_else(|panic| resume_unwind(panic)), block, page)
            });
            let ((json, markdown), (page, checklist)) = (data?, page?);
            let page = carry(page, &block);
            Ok(Files::from([
                ("Deployment_Checklist.md", checklist.into_bytes()),
                ("report.json", json.into_bytes()),
                ("report.md", markdown.into_bytes()),
                ("report.html", page.into_bytes()),
            ]))
        })?;
        if let Some(note) = &self.integrity.checkpoint {
            files.insert("checkpoint", note.clone().into_bytes());
        }
        Ok(files)
    }
}

/// Verifies the log up to and with entry `to`.
fn walk(source: &Source, id: &Token, to: u64, leaves: &[Hash]) -> Result<(verify::Report, Vec<Entry>)> {
    let scope = match source.scope()? {
        verify::Scope::Log => verify::Scope::Log,
        verify::Scope::Deployment { .. } => verify::Scope::Deployment { leaves: leaves.to_vec() },
        pruned @ verify::Scope::Pruned(_) => pruned,
    };
    let whole = matches!(scope, verify::Scope::Log);
    // A log is cut where it is told to be. Of a deployment's export only what names a later place is left out: what
    // cannot be read, and whatever comes after it, is the verifier's to judge.
    let later = move |stored: &Result<Stored, String>| {
        stored.as_ref().is_ok_and(|stored| seq_of(&stored.bytes).is_some_and(|seq| seq > to))
    };
    let entries = source.stored()?.enumerate().take_while(move |(index, _)| !whole || *index as u64 <= to);
    let entries = entries.map(|(_, stored)| stored).filter(move |stored| whole || !later(stored));
    Ok(verify::verify_and_keep(entries, scope, &mut Held(source), &Anchors::default(), id))
}

/// What the verifier found, for a record. Where an opening was erased after entry `to`, the absence of that one is no
/// finding about the log as it was then.
fn findings(source: &Source, to: u64, found: Vec<Finding>) -> Result<Vec<(Option<u64>, String, String)>> {
    let found: Vec<_> = found.into_iter().filter(|finding| !page::left_out(source, finding)).collect();
    let missing = found.iter().any(|finding| finding.code == "opening-missing");
    let erased = if missing { erased_after(source, to)? } else { BTreeMap::new() };
    let excused = |finding: &Finding| {
        finding.code == "opening-missing"
            && erased.keys().any(|commit| finding.text.contains(&commit.to_string()))
    };
    let told = |finding: &Finding| !excused(finding) && finding.code != "opening-stray";
    let found = found.into_iter().filter(told);
    Ok(found.map(|finding| (finding.seq, finding.code.to_owned(), finding.text)).collect())
}

/// The openings that entries after `to` say were erased, each with the first such entry.
///
/// # Errors
/// Where the source cannot be read.
pub fn erased_after(source: &Source, to: u64) -> Result<BTreeMap<Hash, u64>> {
    let mut erased = BTreeMap::new();
    let later = |stored: &Stored| seq_of(&stored.bytes).is_some_and(|seq| seq > to);
    for stored in source.stored()?.map_while(Result::ok).filter(later) {
        let Ok(entry) = Entry::parse(&stored.bytes) else { continue };
        let body = &entry.statement.predicate.body;
        if let Ok(Event::OpeningErased(body)) = Event::parse(entry.statement.kind(), body) {
            erased.entry(body.commit).or_insert(entry.line.seq);
        }
    }
    Ok(erased)
}

fn seq_of(bytes: &[u8]) -> Option<u64> {
    serde_json::from_slice::<Line>(bytes).ok().map(|line| line.seq)
}

/// What was erased, by whom, when and why.
pub fn erasures(entries: &[Entry], log: &Log, source: &Source) -> BTreeMap<Hash, Opened> {
    let mut erased = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.statement.kind() == "opening-erased") {
        let body = &entry.statement.predicate.body;
        let Ok(Event::OpeningErased(body)) = Event::parse(entry.statement.kind(), body) else {
            continue;
        };
        let why = match source.opening(&body.reason.commit) {
            Ok(Some(file)) => Opening::from_file_bytes(&file)
                .map(|opening| String::from_utf8_lossy(&opening.bytes).into_owned())
                .unwrap_or_default(),
            _ => String::new(),
        };
        let signers = entry.statement.predicate.signers.iter();
        let names = signers
            .map(|s| log.keys.get(&s.key).map_or_else(|| s.key.short(), |known| known.person.to_string()));
        let by = names.collect::<Vec<_>>().join(", ");
        erased.insert(body.commit, Opened::Erased { by, at: entry.line.recorded, why, seq: entry.line.seq });
    }
    erased
}
