//! `verify`: the auditor's verb.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context as _, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::app::App;
use super::archived;
use super::aside::Temporary;
use super::files;
use super::follow;
use super::page::Page;
use super::papers;
use super::proven;
use super::record_check::{self, RecordCheck};
use super::records::SIGNED;
use super::retro;
use super::source::{Held, Kind, Source, kind};
use super::status_code::Status;
use crate::config::Config;
use crate::core::archive::Place;
use crate::core::checkpoint::Note;
use crate::core::hash::Hash;
use crate::core::timestamp::{TOKEN_MAX, Token, TokenError, TsaRoots};
use crate::core::verify::{self, Anchor, Anchors, Finding, Report, Verdict};
use crate::ledger::Folder;

const MAX_NOTE: u64 = 1 << 20;
const MAX_ROOTS: u64 = 16 << 20;

#[derive(clap::Args, Debug, Default)]
pub struct Args {
    /// A ledger, an export, a record folder, or a report.html by itself [default: this project's ledger]
    pub path: Option<PathBuf>,
    /// The first roster's SHA-256, as it was handed to you; never take it from what you check
    #[arg(long, value_name = "SHA", env = "AETHER_AUDIT_ROSTER_SHA256")]
    pub roster_sha256: Option<String>,
    /// A checkpoint that somebody else kept; may be given again
    #[arg(long, value_name = "FILE", env = "AETHER_AUDIT_CHECKPOINT")]
    pub checkpoint: Vec<PathBuf>,
    /// A time-stamp token (RFC 3161) that somebody else kept, over one of these checkpoints; may be given again
    #[arg(long, value_name = "FILE", requires = "checkpoint", env = "AETHER_AUDIT_VERIFY_TIMESTAMP")]
    pub timestamp: Vec<PathBuf>,
    /// Root certificates (PEM) of the time-stamping authorities that you trust: then the time must be proven too; may be given again
    #[arg(long, value_name = "FILE", env = "AETHER_AUDIT_TSA_ROOTS")]
    pub tsa_roots: Vec<PathBuf>,
    /// An archive that you trust not to be in the hands of the log's owner; AWS is reached as your environment says
    #[arg(long, value_name = "s3://BUCKET/PREFIX", env = "AETHER_AUDIT_ARCHIVE", conflicts_with = "follow")]
    pub archive: Option<Place>,
    /// Hold the log against what this file remembers of it, and remember what is seen now
    #[arg(long, value_name = "FILE")]
    pub follow: Option<PathBuf>,
    /// Look again and again, until something is found or it is stopped
    #[arg(long, value_name = "SECONDS", requires = "follow", value_parser = clap::value_parser!(u64).range(1..))]
    pub every: Option<u64>,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    code: &'a str,
    text: &'a str,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let anchors = anchors(app, args)?;
    let record = match args.path.as_deref().map(kind) {
        Some(Kind::Proof(_)) if args.archive.is_some() => {
            bail!("an entry by itself is held against --checkpoint; --archive needs the log, or an export")
        }
        Some(Kind::Proof(_)) if args.follow.is_some() => {
            bail!("an entry by itself does not grow: follow its ledger, or an export of the whole log")
        }
        Some(Kind::Proof(folder)) => return proven::run(app, &folder, &anchors),
        Some(Kind::Record(folder)) => Some(folder),
        Some(Kind::Page(_) | Kind::Other) | None => None,
    };
    let mut page = match args.path.as_deref().map(kind) {
        Some(Kind::Page(path)) => Some(Page::read(&path)?),
        _ => None,
    };
    let mut anchors = anchors;
    if let Some(page) = &mut page {
        if args.archive.is_some() {
            bail!("a page by itself is held against --checkpoint; --archive needs the log, or an export");
        }
        page.within(&mut anchors.checkpoints);
    }
    if let Some(file) = &args.follow {
        follow::expect(app, args, file)?;
    }
    let source = match (&record, &args.path) {
        _ if page.is_some() => page.as_ref().map(Page::source).context("no page")?,
        (Some(folder), _) => beside(app, folder)?,
        (None, Some(path)) => Source::open(path)?,
        (None, None) => Source::here(app)?,
    };
    if let Some(file) = &args.follow {
        if record.is_some() || page.is_some() {
            bail!("a record does not grow: follow its ledger or export");
        }
        return follow::run(app, args, file, &anchors, source);
    }
    let seen = match &args.archive {
        Some(place) => Some(archived::read(place, &source, app.now())?),
        None => None,
    };
    let anchors = Anchors { archive: seen.as_ref().map(|seen| seen.archive.clone()), ..anchors };
    let mut report = check(app, &source, &anchors)?;
    if let Some(seen) = seen {
        report.findings.extend(seen.findings);
        report.findings.sort_by_key(|finding| finding.seq.unwrap_or(u64::MAX));
        report.notices.extend(seen.notices);
    }
    if let Source::Ledger(ledger) = &source
        && !app.globals.dry_run
    {
        retro::keep(app, ledger, &report);
    }
    let record = match (&record, &page) {
        (Some(folder), _) => Some(record_check::check(folder, &source, &report)?),
        (None, Some(page)) => Some(page.check(&source, &mut report)?),
        (None, None) => None,
    };
    if app.json() {
        print_json(app, &report, record.as_ref())?;
    } else {
        print_text(app, &report, record.as_ref())?;
    }
    Ok(status(&report, record.as_ref()))
}

fn anchors(app: &App, args: &Args) -> Result<Anchors> {
    let first_roster = match &args.roster_sha256 {
        Some(text) => Some(Hash::parse(text.trim()).with_context(|| format!("--roster-sha256 {text:?}"))?),
        None => None,
    };
    let own = own_ledger(app, args.path.as_deref());
    let checked = args.path.as_deref().or(own.as_deref());
    let checkpoints =
        args.checkpoint.iter().map(|path| checkpoint(path, checked, own.as_deref().and_then(Path::parent)));
    let checkpoints = checkpoints.collect::<Result<Vec<_>>>()?;
    let stamps = args.timestamp.iter().map(|path| stamp(path)).collect::<Result<Vec<_>>>()?;
    let tsa_roots = tsa_roots(&args.tsa_roots)?;
    Ok(Anchors { first_roster, checkpoints, stamps, tsa_roots, ..Anchors::default() })
}

/// The ledger of this project, where that is what is checked and lies in a folder inside the project: that is the team's.
fn own_ledger(app: &App, path: Option<&Path>) -> Option<PathBuf> {
    let own = app.ledger_path().ok()?.canonicalize().ok()?;
    let home = app.home().canonicalize().ok()?;
    let inside = own.parent().is_some_and(|folder| folder != home && folder.starts_with(home));
    let meant = path.is_none_or(|path| path.canonicalize().is_ok_and(|path| path == own));
    (inside && meant).then_some(own)
}

/// A token from elsewhere. What it is over is looked at later.
fn stamp(path: &Path) -> Result<Vec<u8>> {
    let bytes = files::read(path, TOKEN_MAX as u64)?;
    match Token::open(&bytes) {
        Err(error @ TokenError::Malformed(_)) => Err(error)
            .with_context(|| format!("{} is no time-stamp token; copy the whole file again", path.display())),
        _ => Ok(bytes),
    }
}

fn tsa_roots(paths: &[PathBuf]) -> Result<TsaRoots> {
    let mut roots = TsaRoots::default();
    for path in paths {
        let added = roots.add_pem(&files::read(path, MAX_ROOTS)?);
        added.with_context(|| format!("--tsa-roots {}", path.display()))?;
    }
    Ok(roots)
}

/// A checkpoint from elsewhere: one that lies inside what is checked anchors nothing.
fn checkpoint(path: &Path, checked: Option<&Path>, records: Option<&Path>) -> Result<String> {
    let note = files::read_text(path, MAX_NOTE)?;
    Note::parse(&note)
        .with_context(|| format!("{} is no checkpoint; copy the whole file again", path.display()))?;
    if checked.is_some_and(|checked| lies_inside(path, checked, records)) {
        bail!(
            "{} lies inside what is checked: whoever cut the entries could have cut it too; give one that was kept elsewhere",
            path.display()
        );
    }
    Ok(note)
}

/// Whether a file is part of what is checked, by its name or by where links lead: of a folder, of the export that it
/// leads to, or, of a page, of the record that it belongs to; with the project's ledger, of its `records`.
fn lies_inside(file: &Path, checked: &Path, records: Option<&Path>) -> bool {
    let record = checked.parent().filter(|parent| checked.is_file() && parent.join(SIGNED).is_file());
    let folder = record.unwrap_or(checked);
    let places = |path: &Path| [std::path::absolute(path).ok(), path.canonicalize().ok()];
    let around = [folder.to_owned(), folder.join("export")].into_iter().filter(|around| around.is_dir());
    let around = around.chain(records.map(Path::to_owned));
    let around: Vec<PathBuf> = around.flat_map(|around| places(&around)).flatten().collect();
    places(file).into_iter().flatten().any(|file| around.iter().any(|folder| file.starts_with(folder)))
}

/// What a record folder is held against: the export inside it, else this project's ledger.
fn beside(app: &App, folder: &Path) -> Result<Source> {
    let export = folder.join("export");
    if export.is_dir() {
        return Source::open(&export);
    }
    if let Ok(full) = folder.canonicalize()
        && let Some(home) = full.ancestors().find(|above| above.join("aether.toml").is_file())
        && app.globals.ledger.is_none()
    {
        return Source::open(&home.join(Config::read(&home.join("aether.toml"))?.log.ledger));
    }
    if app.ledger_path().is_ok_and(|path| path.exists()) {
        return Source::here(app);
    }
    bail!(
        "{} is a record; its ledger or an export is needed beside it: put one at {}, or name the ledger with --ledger",
        folder.display(),
        export.display()
    )
}

pub(super) fn check(app: &App, source: &Source, anchors: &Anchors) -> Result<Report> {
    if let Source::Ledger(ledger) = source {
        ledger.snapshot()?;
    }
    let (own_checkpoint, tokens) = (source.checkpoint()?, source.tokens()?);
    let anchors = Anchors { own_checkpoint, tokens, ..anchors.clone() };
    let bar = if app.globals.quiet { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} entries checked, {per_sec}") {
        bar.set_style(style);
    }
    let (stored, scope, held) = (source.stored()?, source.scope()?, &mut Held(source));
    let aside = Rc::new(Temporary::default());
    let told = &mut |n| bar.set_position(n);
    let mut report = verify::verify_and_sum(stored, scope, held, &anchors, aside, told);
    bar.finish_and_clear();
    if let Source::Ledger(ledger) = source
        && let Some(seq) = ledger.wrong_node()?
    {
        let text =
            "a kept node of the tree over this entry and those after it is not what the leaves make".into();
        report.findings.push(Finding { seq: Some(seq), code: "columns", text });
        report.findings.sort_by_key(|finding| finding.seq.unwrap_or(u64::MAX));
    }
    if let Source::Export(folder) = source {
        let found = proofs(folder, source, &report)?;
        report.findings.extend(found);
        report.findings.extend(papers::check(folder.path(), &report.log)?);
        report.notices.extend(papers::strays(folder.path())?);
        report.notices.extend(papers::advice(folder, &report)?);
        report.findings.sort_by_key(|finding| finding.seq.unwrap_or(u64::MAX));
    }
    Ok(report)
}

/// What is wrong with the inclusion proofs beside the entries.
fn proofs(folder: &Folder, source: &Source, report: &Report) -> Result<Vec<Finding>> {
    let names = folder.proofs()?;
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let unnamed = |text: String| Finding { seq: None, code: "proof", text };
    let leaves = match source.leaves() {
        Ok(leaves) => leaves,
        Err(error) => {
            return Ok(vec![unnamed(format!("the proofs cannot be held against the entries: {error}"))]);
        }
    };
    let mut inclusion = verify::Inclusion::new(&report.log, &leaves);
    let mut found = Vec::new();
    for name in names {
        let seq = name.strip_suffix(".tlog-proof").and_then(|seq| seq.parse::<u64>().ok());
        match seq.filter(|seq| format!("{seq}.tlog-proof") == name) {
            Some(seq) => match folder.proof(&name) {
                Ok(text) => found.extend(inclusion.check(seq, &text)),
                Err(error) => found.push(Finding { seq: Some(seq), ..unnamed(error.to_string()) }),
            },
            None => found.push(unnamed(format!("proofs/{name} is not named by an entry's number"))),
        }
    }
    Ok(found)
}

pub(super) fn status(report: &Report, record: Option<&RecordCheck>) -> Status {
    let findings = record.is_some_and(|record| !record.findings.is_empty());
    match report.verdict() {
        Verdict::Findings => Status::Finding,
        _ if findings => Status::Finding,
        Verdict::NotProven { .. } => Status::NotProven,
        Verdict::Verified
            if record.is_some_and(|record| record.not_proven.is_some() || record.not_compared.is_some()) =>
        {
            Status::NotProven
        }
        Verdict::Verified => Status::Done,
    }
}

/// What is not proven, of the entries and of the record.
fn reasons(report: &Report, record: Option<&RecordCheck>) -> Vec<String> {
    let mut reasons = match report.verdict() {
        Verdict::NotProven { reasons } => reasons,
        Verdict::Findings => return Vec::new(),
        Verdict::Verified => Vec::new(),
    };
    reasons.extend(record.and_then(|record| record.not_proven.clone()));
    reasons.extend(record.and_then(|record| record.not_compared.clone()));
    reasons
}

/// What was verified, in words.
fn verified(report: &Report) -> String {
    match report.only().and_then(|only| Some((&only.id, only.closed?.0))) {
        Some((id, closed)) => format!(
            " for deployment {id} up to its closing in entry {closed}, anchored at both ends by what you supplied; \
             other deployments and later roster changes were not looked at"
        ),
        None => ": everything checked, anchored at both ends by what you supplied".into(),
    }
}

/// How much of the log was looked at.
fn scope(report: &Report) -> serde_json::Value {
    match report.only() {
        Some(only) => serde_json::json!({
            "kind": "deployment", "deployment": only.id, "closedSeq": only.closed.map(|(seq, _)| seq),
        }),
        None if report.partial => serde_json::json!({"kind": "part"}),
        None => serde_json::json!({"kind": "log"}),
    }
}

fn lines(findings: &[Finding]) -> Vec<Line<'_>> {
    findings.iter().map(|f| Line { seq: f.seq, code: f.code, text: &f.text }).collect()
}

pub(super) fn anchor_json(anchor: &Anchor) -> serde_json::Value {
    serde_json::json!({
        "kind": anchor.kind.as_str(), "state": anchor.state.as_str(), "size": anchor.size, "text": anchor.text,
    })
}

pub(super) fn anchor_line(anchor: &Anchor) -> String {
    format!("{:<12} {}, {}\n", anchor.kind.as_str(), anchor.state.as_str(), anchor.text)
}

pub(super) fn print_json(app: &mut App, report: &Report, record: Option<&RecordCheck>) -> Result<()> {
    let reasons = reasons(report, record);
    let word = match status(report, record) {
        Status::Finding => "findings",
        Status::NotProven => "not-proven",
        _ => "verified",
    };
    let deployments: Vec<_> = report
        .deployments
        .iter()
        .map(|d| {
            serde_json::json!({
                "id": d.id, "release": d.release, "openedSeq": d.opened, "lastSeq": d.last, "entries": d.entries,
                "closedSeq": d.closed.map(|(seq, _)| seq), "outcome": d.outcome,
            })
        })
        .collect();
    let mut value = serde_json::json!({
        "schema": "https://project-aether.io/audit/verification/v1",
        "verdict": word, "exitStatus": status(report, record).code(), "notProven": reasons,
        "scope": scope(report),
        "findings": lines(&report.findings), "unsupported": lines(&report.unsupported), "notices": lines(&report.notices),
        "origin": report.log.origin, "rehearsal": report.log.rehearsal,
        "entries": report.entries, "size": report.size, "root": report.root,
        "firstLeaf": report.first_leaf, "lastLeaf": report.last_leaf, "lastSeq": report.last_seq,
        "firstRoster": report.first_roster, "rosterConfirmed": report.roster_confirmed, "anchoredToSeq": report.anchored_to,
        "anchors": report.anchors.iter().map(anchor_json).collect::<Vec<_>>(),
        "signatures": report.signatures, "openings": report.openings, "deployments": deployments,
    });
    if let Some(record) = record {
        value["record"] = serde_json::json!({
            "deployment": record.deployment, "coversSeq": record.covers, "signedBy": record.signed_by,
            "findings": lines(&record.findings), "stale": record.stale,
            "notCompared": record.not_compared,
        });
    }
    app.print_json(&value)
}

pub(super) fn print_text(app: &mut App, report: &Report, record: Option<&RecordCheck>) -> Result<()> {
    let mut text = String::new();
    let mut list = |title: &str, findings: &[Finding]| {
        if !findings.is_empty() {
            text.push_str(&format!("{title}:\n"));
            for finding in findings {
                text.push_str(&format!("  {finding}\n"));
            }
        }
    };
    list("FINDINGS", &report.findings);
    list("UNSUPPORTED", &report.unsupported);
    list("worth knowing", &report.notices);
    if let Some(record) = record {
        list("FINDINGS in the record", &record.findings);
        text.push_str(&format!(
            "record       {}, up to entry {}, {}\n",
            record.deployment,
            record.covers,
            record.signed_by.as_ref().map_or_else(
                || "a page by itself, checked against the entries that it carries".into(),
                |by| format!("signed by {by}")
            )
        ));
        if let Some(stale) = &record.stale {
            text.push_str(&format!("stale        {stale}\n"));
        }
        if let Some(left_out) = &record.not_compared {
            text.push_str(&format!("not compared {left_out}\n"));
        }
    }
    let rehearsal = if report.log.rehearsal { "  REHEARSAL" } else { "" };
    text.push_str(&format!("log          {}{rehearsal}\n", report.log.origin));
    text.push_str(&format!(
        "entries      {} ({} signatures, {} openings)\n",
        report.entries, report.signatures, report.openings
    ));
    text.push_str(&format!("root         {} over {} leaves\n", report.root, report.size));
    for d in &report.deployments {
        let state = match (d.closed, d.outcome) {
            (Some(_), Some(outcome)) => format!("closed, {}", outcome.as_str()),
            (_, Some(outcome)) => format!("open, {}", outcome.as_str()),
            _ => "open".into(),
        };
        text.push_str(&format!("deployment   {} ({}), {} entries, {state}\n", d.id, d.release, d.entries));
    }
    let roster = if report.roster_confirmed { "as handed to you" } else { "not confirmed by you" };
    if let Some(hash) = report.first_roster {
        text.push_str(&format!("first roster {hash}, {roster}\n"));
    }
    for anchor in &report.anchors {
        text.push_str(&anchor_line(anchor));
    }
    match report.anchored_to {
        Some(seq) => text.push_str(&format!("anchored     up to entry {seq}\n")),
        None => text.push_str("anchored     nowhere\n"),
    }
    text.push_str(&match status(report, record) {
        Status::Finding => {
            let count = report.findings.len() + record.map_or(0, |record| record.findings.len());
            format!("VERDICT      {count} FINDING{}\n", if count == 1 { "" } else { "S" })
        }
        Status::NotProven => {
            let mut text = "VERDICT      NOT PROVEN\n".to_owned();
            for reason in reasons(report, record) {
                text.push_str(&format!("  - {reason}\n"));
            }
            text
        }
        _ => format!("VERDICT      VERIFIED{}\n", verified(report)),
    });
    app.data(text)
}
