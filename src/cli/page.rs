//! `report.html` by itself: what it is made to carry, and whether it says what that says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::files;
use super::record_at::Record;
use super::record_check::RecordCheck;
use super::source::Source;
use crate::core::attestation::GENERATOR;
use crate::core::checkpoint::{Checkpoint, Note};
use crate::core::entry::Entry;
use crate::core::hash::Hash;
use crate::core::merkle::Tree;
use crate::core::name::Token;
use crate::core::opening::SALT_LEN;
use crate::core::verify::{AnchorKind, AnchorState, Finding, Report};
use crate::report::carried::{self, Carried, FILE_SHOWN_MAX, Texts};

/// The largest page that is read, in bytes.
const MAX_PAGE: u64 = 256 << 20;
/// Before the commit of a file that an entry's evidence refers to; canonical, so that no text can look like it.
const RESPONSE: &str = "\"response\":{\"commit\":\"";

/// A page, taken apart.
pub struct Page {
    path: PathBuf,
    shown: String,
    carried: Carried,
    /// Why a checkpoint from the caller could not be held against it.
    beyond: Option<String>,
}

impl Page {
    /// Reads a page.
    ///
    /// # Errors
    /// Where it cannot be read, or carries nothing that could be checked.
    pub fn read(path: &Path) -> Result<Self> {
        let text = files::read_text(path, MAX_PAGE)?;
        let told = || format!("{} cannot be checked by itself", path.display());
        let carried = Carried::of_page(&text).with_context(told)?;
        Ok(Self { path: path.to_owned(), shown: carried::without(&text)?, carried, beyond: None })
    }

    /// Takes those checkpoints away that cannot be held against the page: a page is older than what comes after it, and
    /// does not have every root. That proves nothing against it.
    pub fn within(&mut self, checkpoints: &mut Vec<String>) {
        let (size, runs) = (self.carried.tree.leaves.len() as u64, &self.carried.tree.runs);
        let inside = |at: u64| runs.iter().any(|run| run.from < at && at < run.from + run.count);
        let mut beyond = None;
        checkpoints.retain(|note| {
            let stated = Note::parse(note).ok().and_then(|note| Checkpoint::parse(note.text()).ok());
            let Some(other) = stated.filter(|stated| stated.size > size || inside(stated.size)) else { return true };
            beyond = Some(format!(
                "your checkpoint of {} entries cannot be held against the page, which covers {size}: give the one that was made \
                 for it, or verify an export",
                other.size
            ));
            false
        });
        self.beyond = beyond;
    }

    /// What it carries, to be verified.
    #[must_use]
    pub fn source(&self) -> Source {
        Source::Page(Box::new(self.carried.clone()))
    }

    /// Whether the page shows what its entries say, and nothing else. Of `report` go findings about files that pages
    /// do not carry.
    ///
    /// # Errors
    /// Where the entries cannot be rendered at all.
    pub fn check(&self, source: &Source, report: &mut Report) -> Result<RecordCheck> {
        let carried = &self.carried;
        let covers = (carried.tree.leaves.len() as u64).saturating_sub(1);
        let unread: Vec<Finding> =
            report.findings.extract_if(.., |finding| left_out(source, finding)).collect();
        let mut checked = RecordCheck {
            deployment: carried.deployment.clone(),
            covers,
            signed_by: None,
            findings: Vec::new(),
            stale: None,
            not_proven: None,
            not_compared: None,
        };
        checked.not_proven.clone_from(&self.beyond);
        if let Some(why) = &self.beyond {
            for anchor in report.anchors.iter_mut().filter(|anchor| anchor.kind == AnchorKind::Checkpoint) {
                (anchor.state, anchor.text) = (AnchorState::NotChecked, why.clone());
            }
        }
        if !unread.is_empty() {
            let mut entries: Vec<u64> = unread.iter().filter_map(|finding| finding.seq).collect();
            entries.dedup();
            let entries: Vec<String> = entries.iter().map(u64::to_string).collect();
            let text = format!(
                "{} captured answers and files, of the entries {}, are not in the page, which shows their digests alone: they were not \
                 looked at",
                unread.len(),
                entries.join(", ")
            );
            report.notices.push(Finding { seq: None, code: "openings-left-out", text });
        }
        let record = Record::read(
            source,
            &carried.deployment,
            covers,
            Some(carried.tree.leaves.clone()),
            carried.checkpoint.clone(),
        )?;
        let (again, asked) = record.page(source)?;
        let answers = answers(&carried.entries);
        let known = |commit: &Hash| carried.texts.missing.contains(commit);
        let unseen = asked.iter().filter(|(commit, missing)| {
            if carried.texts.long.contains(commit) {
                !answers.contains(commit)
            } else {
                **missing && !known(commit)
            }
        });
        for (commit, _) in unseen {
            let text = format!("the page shows the text {commit}, and does not carry it");
            checked.findings.push(Finding { seq: None, code: "opening-left-out", text });
        }
        if again == self.shown {
            return Ok(checked);
        }
        if carried.generator == GENERATOR {
            let text = differs(&self.shown, &again);
            let text = format!("{} does not say what the entries say: {text}", self.path.display());
            checked.findings.push(Finding { seq: None, code: "page-differs", text });
        } else {
            checked.not_compared = Some(format!(
                "what the page shows: this is {GENERATOR}, which would show the entries in other words, and the page says that {} made it; \
                 make the report again, or read the entries themselves",
                carried.generator
            ));
        }
        Ok(checked)
    }
}

/// Whether two pages show the same and carry the same, apart from texts that are `gone` and however it is packed.
#[must_use]
pub fn same(a: &[u8], b: &[u8], gone: &BTreeMap<Hash, Vec<u8>>) -> bool {
    let read = |bytes| {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut carried = Carried::of_page(text).ok()?;
        carried.texts.openings.retain(|commit, _| !gone.contains_key(commit));
        Some((carried::without(text).ok()?, carried))
    };
    read(a).is_some_and(|a| read(b).is_some_and(|b| a == b))
}

/// Where two pages part: the line, and both texts there.
fn differs(page: &str, again: &str) -> String {
    const AROUND: usize = 40;
    let same = page.bytes().zip(again.bytes()).take_while(|(a, b)| a == b).count();
    let line = page.as_bytes().iter().take(same).filter(|byte| **byte == b'\n').count() + 1;
    let near = |text: &str| {
        let bytes = text.as_bytes();
        let part = &bytes[same.saturating_sub(AROUND).min(bytes.len())..(same + AROUND).min(bytes.len())];
        String::from_utf8_lossy(part).replace(['\n', '\r'], " ")
    };
    let row = page.get(..same).and_then(|before| {
        let (_, after) = before.rsplit_once("data-e=\"")?;
        after.split_once('"').map(|(seq, _)| format!(", after the row of entry {seq} begins"))
    });
    format!("line {line}{}: {:?} where they say {:?}", row.unwrap_or_default(), near(page), near(again))
}

/// Whether a finding is of an opening that pages do not carry.
#[must_use]
pub fn left_out(source: &Source, finding: &Finding) -> bool {
    let Source::Page(carried) = source else { return false };
    let commit = finding.text.strip_prefix("opening ").and_then(|rest| Hash::parse(rest.get(..64)?).ok());
    finding.code == "opening-missing" && commit.is_some_and(|commit| !carried.texts.missing.contains(&commit))
}

/// The files that evidence refers to.
fn answers(entries: &[Vec<u8>]) -> BTreeSet<Hash> {
    let mut found = BTreeSet::new();
    for entry in entries.iter().filter_map(|bytes| Entry::parse(bytes).ok()) {
        let body = entry.statement.predicate.body.get();
        let commits =
            body.match_indices(RESPONSE).filter_map(|(at, _)| body.get(at + RESPONSE.len()..)?.get(..64));
        found.extend(commits.filter_map(|commit| Hash::parse(commit).ok()));
    }
    found
}

/// What the page of a record is to carry beside the texts that it shows.
#[must_use]
pub fn carried(
    deployment: &Token,
    entries: &[Entry],
    mut stored: Vec<Vec<u8>>,
    tree: &Tree,
    checkpoint: Option<String>,
) -> Carried {
    let wanted: BTreeSet<u64> = entries.iter().map(|entry| entry.line.seq).collect();
    stored.retain(|bytes| carried::seq(bytes).is_some_and(|seq| wanted.contains(&(seq as u64))));
    Carried {
        generator: GENERATOR.into(),
        deployment: deployment.clone(),
        entries: stored,
        tree: carried::prune(tree, wanted.iter().copied()),
        checkpoint,
        texts: Texts::default(),
    }
}

/// The texts that it shows: `asked` has them, and whether each was missing.
#[must_use]
pub fn texts(record: &Record, source: &Source, asked: &BTreeMap<Hash, bool>) -> Texts {
    let mut texts = Texts::default();
    let bodies = record.entries.iter().map(|entry| entry.statement.predicate.body.get());
    let mut answers = String::new();
    for (commit, missing) in asked {
        match source.opening(commit) {
            Ok(Some(file)) if Hash::of(&[&file]) == *commit => {
                let long = file.len() > FILE_SHOWN_MAX + SALT_LEN;
                if long && answers.is_empty() {
                    answers = bodies.clone().filter(|body| body.contains(RESPONSE)).collect();
                }
                if long && answers.contains(&format!("{RESPONSE}{commit}")) {
                    texts.long.insert(*commit);
                } else {
                    texts.openings.insert(*commit, file);
                }
            }
            _ if *missing => drop(texts.missing.insert(*commit)),
            _ => {}
        }
    }
    texts
}
