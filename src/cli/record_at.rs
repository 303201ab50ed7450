//! A deployment as of one entry of the log: verified, and ready to be rendered.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;
use std::thread::{self, ScopedJoinHandle};

use anyhow::{Context as _, Result, bail};

use super::desk::unknown_deployment;
use super::page;
use super::source::{Held, Source};
use crate::core::entry::{Entry, Line};
use crate::core::event::Event;
use crate::core::hash::Hash;
use crate::core::log::Log;
use crate::core::merkle::Tree;
use crate::core::name::Token;
use crate::core::opening::{Opening, refs_in};
use crate::core::verify::{self, Anchors, Finding, Kept, Stored};
use crate::report::carried::{Carried, carry};
use crate::report::formats::Format;
use crate::report::{self, Input, Integrity, Opened, ReportError};

/// The files of a record, by name, except its signature.
pub type Files = BTreeMap<&'static str, Vec<u8>>;

/// The openings that a rendering asked for, and whether each was missing.
pub type Asked = RefCell<BTreeMap<Hash, bool>>;

/// A deployment as of one entry of the log, ready to be rendered.
pub struct Record {
    /// The deployment.
    pub id: Token,
    /// Its entries and all governance.
    pub entries: Vec<Entry>,
    /// The log as a fold.
    pub log: Log,
    /// What the verifier found about the log up to that entry.
    pub integrity: Integrity,
    /// What is wrong with the checkpoint that it shows; the verifier's findings have it too.
    pub checkpoint_faults: Vec<Finding>,
    /// What is taken for openings that were erased since, by commit.
    pub restored: BTreeMap<Hash, Vec<u8>>,
    /// What its page carries, but for texts.
    pub carried: Carried,
}

impl Record {
    /// Reads and verifies the log up to and with entry `to`. `leaves` are those of the log, where they are known already.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn read(
        source: &Source,
        id: &Token,
        to: u64,
        leaves: Option<Vec<Hash>>,
        checkpoint: Option<String>,
    ) -> Result<Self> {
        let size = usize::try_from(to + 1)?;
        let cut = |mut leaves: Vec<Hash>| {
            if leaves.len() < size {
                bail!("the log is shorter than what the record covers");
            }
            leaves.truncate(size);
            Ok(leaves)
        };
        let scope = source.scope()?;
        let whole = matches!(scope, verify::Scope::Log);
        let known = if whole { leaves } else { Some(leaves.map_or_else(|| source.leaves(), Ok)?) };
        let known = known.map(cut).transpose()?;
        let (verified, kept) = walk(source, scope, id, to, known.as_deref())?;
        let Kept { entries, stored, leaves: read } = kept;
        let leaves = match known {
            Some(known) => known,
            // Where anything is wrong, the store's own word stands, as for every other rendering: its head was a part of it.
            None if verified.findings.is_empty() && read.len() == size => read,
            None => cut(source.leaves()?)?,
        };
        let leaves = leaves.as_slice();
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
            let more = if findings.len() == 1 { "" } else { "s" };
            format!("{} finding{more}: run `aether-audit verify`.", findings.len())
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
        let carried = page::carried(id, &entries, stored, &tree, integrity.checkpoint.clone());
        let (id, restored) = (id.clone(), BTreeMap::new());
        Ok(Self { id, entries, log, integrity, checkpoint_faults, restored, carried })
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
            thread::scope(|scope| {
                let sound = self.integrity.findings.is_empty();
                let packing = scope.spawn(move || self.carried.begin(sound));
                let made = report::report(input)?;
                let texts = page::texts(self, source, &asked.borrow());
                let shown = || {
                    let (page, checklist) = (report::to_html(&made)?, report::checklist(input, &made)?);
                    Ok::<_, ReportError>((page, checklist, report::to_markdown(&made)?))
                };
                let (shown, json) = thread::scope(|scope| {
                    let json = scope.spawn(|| report::to_json(&made));
                    (shown(), join(json))
                });
                let ((page, checklist, markdown), json) = (shown?, json?);
                // A process makes one record, or two to compare them: the model goes with it.
                std::mem::forget(made);
                let block = join(packing).map_or_else(String::new, |packing| packing.finish(&texts));
                Ok(Files::from([
                    ("Deployment_Checklist.md", checklist.into_bytes()),
                    ("report.json", json.into_bytes()),
                    ("report.md", markdown.into_bytes()),
                    ("report.html", carry(page, &block).into_bytes()),
                ]))
            })
        })?;
        if let Some(note) = &self.integrity.checkpoint {
            files.insert("checkpoint", note.clone().into_bytes());
        }
        Ok(files)
    }
}

/// What a thread gave; it hangs up only by panicking, which is passed on.
pub fn join<T>(thread: ScopedJoinHandle<T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

/// Verifies the log up to and with entry `to`.
fn walk(
    source: &Source,
    scope: verify::Scope,
    id: &Token,
    to: u64,
    leaves: Option<&[Hash]>,
) -> Result<(verify::Report, Kept)> {
    let scope = match scope {
        verify::Scope::Log => verify::Scope::Log,
        verify::Scope::Deployment { .. } => {
            verify::Scope::Deployment { leaves: leaves.unwrap_or_default().to_vec() }
        }
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
