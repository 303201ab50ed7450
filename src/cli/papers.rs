//! The copies beside the entries of an export, for people and stock tools. A verifier takes rosters and keys from the
//! entries alone, and says whether these are theirs.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use askama::Template;

use super::files;
use crate::core::keys::PublicKey;
use crate::core::log::Log;
use crate::core::name::Token;
use crate::core::timestamp::StoredToken;
use crate::core::verify::{Finding, Report};
use crate::ledger::Folder;

const README: &str = "README.md";
const ROSTER: &str = "roster.json";
const KEYS: &str = "keys";
/// All that an export is made of.
const PARTS: [&str; 9] =
    [README, "checkpoint", "entries.jsonl", KEYS, "leaves.txt", "openings", "proofs", ROSTER, "timestamps"];
/// The most bytes of a public key's file.
const MAX_KEY: u64 = 1024;

/// What the README of an export says, to somebody who will run the commands in it.
#[derive(Debug, Template)]
#[template(path = "export_readme.md", escape = "none")]
pub struct Advice<'a> {
    /// The log.
    pub log: &'a Log,
    /// The one deployment that it is of.
    pub only: Option<&'a Token>,
    /// How many entries there are.
    pub entries: u64,
    /// The newest checkpoint that has a time stamp, by its size.
    pub stamped: Option<u64>,
    /// Whether each entry has its proof.
    pub proofs: bool,
}

/// README, the roster in force, and every key that was ever on one.
///
/// # Errors
/// Where the folder cannot be written, or the log has no roster.
pub fn write(folder: &Path, advice: &Advice) -> Result<()> {
    let keys = folder.join(KEYS);
    fs::create_dir(&keys)?;
    for (keyid, known) in &advice.log.keys {
        files::write(&keys.join(format!("{keyid}.pub.pem")), known.key.public.to_spki_pem().as_bytes())?;
    }
    let roster = roster(advice.log).context("the ledger has no roster")?;
    files::write(&folder.join(ROSTER), roster.as_bytes())?;
    files::write(&folder.join(README), advice.render()?.as_bytes())
}

fn roster(log: &Log) -> Option<String> {
    Some(format!("{}\n", log.roster()?.roster.to_bytes()))
}

/// Which of these copies are not what the log has.
///
/// # Errors
/// Where the folder cannot be listed.
pub fn check(folder: &Path, log: &Log) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    let mut find = |code, text| found.push(Finding { seq: None, code, text });
    if there(&folder.join(ROSTER)) {
        let own = roster(log).unwrap_or_default();
        let same = read(&folder.join(ROSTER), own.len() as u64).is_some_and(|bytes| bytes == own.as_bytes());
        if !same {
            find("export-roster", format!("{ROSTER} is not the roster that the entries bring"));
        }
    }
    find_keys(folder, &mut find)?;
    Ok(found)
}

/// Which files of public keys are not what they are called.
///
/// # Errors
/// Where the folder cannot be listed.
pub fn find_keys(folder: &Path, find: &mut dyn FnMut(&'static str, String)) -> Result<()> {
    if there(&folder.join(KEYS)) && !folder.join(KEYS).is_dir() {
        find("export-key", format!("{KEYS} is no folder of keys"));
    } else if there(&folder.join(KEYS)) {
        for file in fs::read_dir(folder.join(KEYS)).context("cannot list keys/")? {
            let file = file?;
            let name = file.file_name().to_string_lossy().into_owned();
            if !named(&file.path(), &name) {
                find("export-key", format!("{KEYS}/{} is not the key of that id", name.escape_debug()));
            }
        }
    }
    Ok(())
}

/// Says so where the README is not what this version writes for these entries, which have no findings.
///
/// # Errors
/// Where the folder cannot be read.
pub fn advice(folder: &Folder, report: &Report) -> Result<Option<Finding>> {
    let path = folder.path().join(README);
    if !there(&path) || !report.findings.is_empty() {
        return Ok(None);
    }
    let own = Advice {
        log: &report.log,
        only: report.deployments.first().filter(|_| report.partial).map(|deployment| &deployment.id),
        entries: report.entries,
        stamped: folder.tokens()?.last().and_then(StoredToken::size),
        proofs: there(&folder.path().join("proofs")),
    };
    let own = own.render()?;
    let same = read(&path, own.len() as u64).is_some_and(|bytes| bytes == own.as_bytes());
    let text = format!(
        "{README} is not what this version writes for these entries: another one wrote it, or somebody changed it; do not run what it says unread"
    );
    Ok((!same).then_some(Finding { seq: None, code: "export-readme", text }))
}

/// Whether a file holds the one encoding of the key whose id it is named by.
fn named(path: &Path, name: &str) -> bool {
    let pem = read(path, MAX_KEY).and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    let key = PublicKey::from_spki_pem(&pem);
    key.is_ok_and(|key| name == format!("{}.pub.pem", key.keyid()) && key.to_spki_pem() == pem)
}

/// What is in the folder beside the parts of an export, and was not looked at.
///
/// # Errors
/// Where the folder cannot be listed.
pub fn strays(folder: &Path) -> Result<Option<Finding>> {
    let mut names = BTreeSet::new();
    for file in fs::read_dir(folder)? {
        let name = file?.file_name().to_string_lossy().into_owned();
        if !PARTS.contains(&name.as_str()) {
            names.insert(name.escape_debug().to_string());
        }
    }
    let names: Vec<_> = names.into_iter().collect();
    let text = format!("not part of an export, and not looked at: {}", names.join(", "));
    Ok((!names.is_empty()).then_some(Finding { seq: None, code: "export-stray", text }))
}

fn there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

fn read(path: &Path, most: u64) -> Option<Vec<u8>> {
    files::read_regular(path, most).ok()
}
