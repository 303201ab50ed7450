//! A record folder held against its signature, and against the entries that it is of.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value};

use super::page;
use super::pdf;
use super::record_at::{Record, erased_after};
use super::records::SIGNED;
use super::source::{Source, record_file};
use crate::core::attestation::{GENERATOR, ReportStatement};
use crate::core::event::Event;
use crate::core::hash::Hash;
use crate::core::name::Token;
use crate::core::roster::KeyUse;
use crate::core::verify::{Finding, Report};
use crate::report::formats::Format;

/// What became of a record's files.
pub struct RecordCheck {
    /// The deployment.
    pub deployment: Token,
    /// The newest entry that it covers.
    pub covers: u64,
    /// Who signed it, as the rosters know the key; absent for a page by itself.
    pub signed_by: Option<String>,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// Why it is out of date, where it is: no finding.
    pub stale: Option<String>,
    /// Why its files could not be held against the entries.
    pub not_proven: Option<String>,
    /// Which files could not be compared, and why: no finding, and not proven.
    pub not_compared: Option<String>,
}

/// Files that may stand beside a record's own.
const OTHERS: [&str; 2] = [SIGNED, EXPORT];
/// The folder of the export that a record may hold.
const EXPORT: &str = "export";
/// The checkpoint that the record shows.
const CHECKPOINT: &str = "checkpoint";

/// Files that every later version renders to the same bytes.
const STABLE: [&str; 2] = ["Deployment_Checklist.md", "report.json"];

/// Files that show the same in what looks a version likes.
const SHOWN: [&str; 6] = [
    PAGE,
    "report.md",
    Format::Oscal.file(),
    Format::CdEvents.file(),
    Format::Csv.file(),
    Format::Bundle.file(),
];

/// Files of [`SHOWN`] that every record has.
const ALWAYS: [&str; 2] = [PAGE, "report.md"];

/// The page, which carries texts that may be erased later.
const PAGE: &str = "report.html";

/// Checks the signature, every digest, and that the entries still render to these files.
///
/// # Errors
/// Where the folder cannot be read, or its statement is no report.
pub fn check(folder: &Path, source: &Source, report: &Report) -> Result<RecordCheck> {
    let path = folder.join(SIGNED);
    let (statement, envelope) =
        ReportStatement::parse(&record_file(&path)?).with_context(|| format!("{}", path.display()))?;
    let predicate = &statement.predicate;
    let mut findings = Vec::new();
    let mut find = |code: &'static str, text: String| findings.push(Finding { seq: None, code, text });

    let roster = report.log.roster_at(predicate.covers.seq + 1).map(|version| &version.roster);
    let known = roster.and_then(|roster| roster.find(&predicate.signer));
    let signed_by = known.map_or("nobody of the roster".to_owned(), |(person, _)| person.id.to_string());
    match known {
        Some((_, key)) if key.key_use == KeyUse::Root => {
            find(
                "report-key",
                format!("{SIGNED} is signed with a root key, which signs rosters and nothing else"),
            );
        }
        None => {
            let text = format!(
                "{SIGNED} is signed by the key {}, which was not on the roster then",
                predicate.signer
            );
            find("report-key", text);
        }
        Some((_, key)) if !ReportStatement::signed_by(&envelope, &key.public) => {
            find("report-signature", format!("the signature of {SIGNED} does not verify"));
        }
        Some(_) => {}
    }
    let in_force = report.log.roster_at(predicate.covers.seq + 1).map(|version| version.hash);
    if in_force != Some(predicate.roster) {
        find(
            "report-roster",
            format!("{SIGNED} names the roster {}, which was not in force at its entry", predicate.roster),
        );
    }
    let signer = report.log.keys.get(&predicate.signer);
    if let Some(from) = signer.and_then(|known| known.suspect_at(predicate.covers.seq)) {
        find(
            "report-key",
            format!(
                "{SIGNED} is signed by a key that is suspect from entry {from} on: make the report again"
            ),
        );
    }
    if predicate.log != report.log.origin {
        find(
            "report-log",
            format!("the report is of the log {}, this one is {}", predicate.log, report.log.origin),
        );
    }
    let leaves = source.leaves()?;
    let covered = usize::try_from(predicate.covers.seq).ok().and_then(|seq| leaves.get(seq));
    if covered != Some(&predicate.covers.leaf) {
        let text = format!(
            "the report covers entry {} as {}, which this log does not have",
            predicate.covers.seq, predicate.covers.leaf
        );
        find("report-covers", text);
    }
    check_files(folder, &statement, &mut find)?;
    if !issued(folder, source, &predicate.deployment)? {
        find(
            "report-not-recorded",
            format!("no entry of the log names this {SIGNED}: make the report again"),
        );
    }
    let (deployment, covers) = (predicate.deployment.clone(), predicate.covers.seq);
    let mut checked = RecordCheck {
        deployment,
        covers,
        signed_by: Some(signed_by),
        findings,
        stale: None,
        not_proven: None,
        not_compared: None,
    };
    if checked.findings.is_empty() {
        compare(folder, source, &statement, &leaves, &mut checked)?;
    }
    Ok(checked)
}

/// Whether a `report-issued` of the deployment names the digest of the signed statement.
fn issued(folder: &Path, source: &Source, deployment: &Token) -> Result<bool> {
    let digest = Hash::of(&[&record_file(&folder.join(SIGNED))?]);
    let (entries, _) = source.read(deployment, u64::MAX)?;
    Ok(entries.iter().any(|entry| {
        match Event::parse(entry.statement.kind(), &entry.statement.predicate.body) {
            Ok(Event::ReportIssued(body)) => {
                body.files.iter().any(|f| f.name == SIGNED && f.sha256 == digest)
            }
            _ => false,
        }
    }))
}

fn check_files(
    folder: &Path,
    statement: &ReportStatement,
    find: &mut impl FnMut(&'static str, String),
) -> Result<()> {
    let mut named = BTreeSet::new();
    for subject in &statement.subject {
        named.insert(subject.name.to_string());
        let path = folder.join(subject.name.as_str());
        if subject.name.as_str().contains(['/', '\\']) || !path.is_file() {
            find("report-file-missing", format!("{} is named by the report and is not here", subject.name));
            continue;
        }
        let digest = Hash::of(&[&record_file(&path)?]);
        if subject.digest() != ("sha256", digest.to_string().as_str()) {
            find(
                "report-file-changed",
                format!(
                    "{} is not the file that was signed (`render` after `report` does that too: `aether-audit report` makes all of it anew)",
                    subject.name
                ),
            );
        }
    }
    for name in STABLE.into_iter().chain(ALWAYS).filter(|name| !named.contains(*name)) {
        find("report-file-missing", format!("{name} is not among the files that the report names"));
    }
    for found in std::fs::read_dir(folder)? {
        let found = found?;
        let name = found.file_name().to_string_lossy().into_owned();
        let other = OTHERS.contains(&name.as_str()) && (name == EXPORT) == found.path().is_dir();
        if !named.contains(&name) && !other {
            find("report-file-stray", format!("{name} is not part of the signed record"));
        }
    }
    Ok(())
}

/// Renders the record again. Where one of its openings has been erased since, that text can't be compared any more.
fn compare(
    folder: &Path,
    source: &Source,
    statement: &ReportStatement,
    leaves: &[Hash],
    checked: &mut RecordCheck,
) -> Result<()> {
    let predicate = &statement.predicate;
    let checkpoint = folder.join(CHECKPOINT);
    let note = if checkpoint.exists() { Some(String::from_utf8(record_file(&checkpoint)?)?) } else { None };
    let mut record =
        Record::read(source, &predicate.deployment, predicate.covers.seq, Some(leaves.to_vec()), note)?;
    let own = |text: &str| text.replacen("the checkpoint beside the entries", "the record's checkpoint", 1);
    let faults = std::mem::take(&mut record.checkpoint_faults).into_iter();
    checked.findings.extend(faults.map(|fault| Finding { text: own(&fault.text), ..fault }));
    let mut differing = differing(folder, &record, source)?;
    // What was erased since cannot be compared, all else can: whatever the record shows for those texts is taken for them.
    let mut erased = erased_after(source, predicate.covers.seq)?;
    let commits = record.commits();
    erased.retain(|commit, _| commits.contains(commit));
    let erasure = erased.values().min().copied().filter(|_| !differing.is_empty());
    let hidden = differing.clone();
    if erasure.is_some() {
        record.restored = shown(&record_file(&folder.join("report.json"))?, &erased);
        let left = self::differing(folder, &record, source)?;
        let restored = erased.keys().all(|commit| record.restored.contains_key(commit));
        differing = if restored || left.is_empty() { left } else { Vec::new() };
    }
    let own = predicate.generator.as_ref().is_some_and(|generator| generator.as_str() == GENERATOR);
    let shown: Vec<_> = differing.extract_if(.., |name| !own && SHOWN.contains(name)).collect();
    if differing.is_empty() && !shown.is_empty() {
        let maker =
            predicate.generator.as_ref().map_or("does not say what made it".to_owned(), |generator| {
                format!("says that {generator} made it")
            });
        checked.not_compared = Some(format!(
            "{} not compared: this is {GENERATOR}, which would show the entries in other words, and the record {maker}; read report.json and \
             Deployment_Checklist.md, which were compared, or make the report again",
            shown.join(" and ")
        ));
    }
    let names = statement.subject.iter().map(|subject| subject.name.as_str());
    for name in names.filter(|name| !STABLE.contains(name) && !SHOWN.contains(name) && *name != CHECKPOINT) {
        let why = if name == pdf::NAME {
            "because another program printed it: read report.html, which was"
        } else {
            "because no entry says what would be in it: whoever signed the report put it there"
        };
        let text =
            format!("{name} is the file that was signed, and was not compared with the entries, {why}");
        checked.not_compared = Some(match checked.not_compared.take() {
            Some(before) => format!("{before}; {text}"),
            None => text,
        });
    }
    let (all, _) = source.read(&predicate.deployment, u64::MAX)?;
    let later = all.iter().filter(|entry| entry.line.seq > predicate.covers.seq);
    match (differing.is_empty(), erasure) {
        (false, _) => {
            let text = format!("{} does not say what the entries say", differing.join(", "));
            checked.findings.push(Finding { seq: None, code: "report-differs", text });
        }
        (true, Some(seq)) => {
            checked.not_proven = Some(format!(
                "{} cannot be compared since the erasure in entry {seq}: make the report again",
                hidden.join(", ")
            ));
        }
        (true, None) => {
            let news = later.filter(|entry| entry.statement.kind() != "report-issued").count();
            if news > 0 {
                checked.stale = Some(format!("{news} entries came into the record since"));
            }
        }
    }
    Ok(())
}

/// The files that the entries do not render to.
fn differing(folder: &Path, record: &Record, source: &Source) -> Result<Vec<&'static str>> {
    let mut differing = Vec::new();
    let mut files = record.files(source)?;
    for format in Format::ALL.into_iter().filter(|format| folder.join(format.file()).is_file()) {
        files.insert(format.file(), record.format(source, format)?.into_bytes());
    }
    for (name, bytes) in files {
        let there = record_file(&folder.join(name))?;
        if there != bytes && !(name == PAGE && page::same(&there, &bytes, &record.restored)) {
            differing.push(name);
        }
    }
    Ok(differing)
}

/// The texts that a `report.json` shows for some openings.
fn shown(report: &[u8], wanted: &BTreeMap<Hash, u64>) -> BTreeMap<Hash, Vec<u8>> {
    fn walk(value: &Value, found: &mut impl FnMut(&Map<String, Value>)) {
        match value {
            Value::Object(members) => {
                found(members);
                members.values().for_each(|value| walk(value, found));
            }
            Value::Array(all) => all.iter().for_each(|value| walk(value, found)),
            _ => {}
        }
    }
    let mut texts = BTreeMap::new();
    let mut take = |members: &Map<String, Value>| {
        let member = |name| members.get(name).and_then(Value::as_str);
        if let (Some("shown"), Some(commit), Some(text)) = (member("state"), member("commit"), member("text"))
            && let Ok(commit) = Hash::parse(commit)
            && wanted.contains_key(&commit)
        {
            texts.insert(commit, text.as_bytes().to_vec());
        }
    };
    if let Ok(value) = serde_json::from_slice(report) {
        walk(&value, &mut take);
    }
    texts
}
