//! `verify` of a folder that `prove` made: one entry, and nothing else of the log.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::app::App;
use super::files;
use super::papers;
use super::status_code::Status;
use crate::core::entry::{Entry, MAX_ENTRY_BYTES};
use crate::core::event::Event;
use crate::core::hash::Hash;
use crate::core::opening::{Opening, refs_in};
use crate::core::verify::{Anchors, Finding, Given, Single, single};
use crate::ledger::Folder;

const MAX_PROOF: u64 = 1 << 20;
const MAX_GOVERNANCE: u64 = 256 << 20;
const MAX_OPENING: u64 = 64 << 20;

pub fn run(app: &mut App, folder: &Path, anchors: &Anchors) -> Result<Status> {
    let anchors = Anchors { tokens: Folder::any(folder).tokens()?, ..anchors.clone() };
    let mut found = single(&read(folder)?, &anchors);
    papers::find_keys(folder, &mut |code, text| found.findings.push(Finding { seq: None, code, text }))?;
    let texts = found.entry.clone().map_or(Ok(Vec::new()), |entry| openings(folder, &entry, &mut found))?;
    let status = match (found.findings.is_empty(), found.not_proven.is_empty()) {
        (false, _) => Status::Finding,
        (true, false) => Status::NotProven,
        (true, true) => Status::Done,
    };
    if app.json() {
        app.print_json(&json(&found, status, &texts))?;
    } else {
        app.data(text(&found, status, &texts)?)?;
    }
    Ok(status)
}

fn read(folder: &Path) -> Result<Given> {
    let entry = files::read_regular(&folder.join("entry.json"), MAX_ENTRY_BYTES as u64)?;
    let governance = folder.join("governance.jsonl");
    let governance = files::read_regular(&governance, MAX_GOVERNANCE)?;
    let governance = governance.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let mut proofs = BTreeMap::new();
    let path = folder.join("proofs");
    for file in fs::read_dir(&path).with_context(|| format!("cannot read {}", path.display()))? {
        let file = file?;
        let name = file.file_name().to_string_lossy().into_owned();
        let seq = name.strip_suffix(".tlog-proof").and_then(|seq| seq.parse::<u64>().ok());
        let seq = seq.filter(|seq| name == format!("{seq}.tlog-proof"));
        let Some(seq) = seq else { bail!("{}: its name is no entry's number", file.path().display()) };
        let path = file.path();
        proofs.insert(seq, files::utf8(&path, files::read_regular(&path, MAX_PROOF)?)?);
    }
    Ok(Given { entry, governance: governance.map(<[u8]>::to_vec).collect(), proofs })
}

/// What the entry's commitments open to, as far as it is here.
fn openings(folder: &Path, entry: &Entry, found: &mut Single) -> Result<Vec<(Hash, Option<String>)>> {
    let mut texts = Vec::new();
    let named: Vec<String> =
        refs_in(entry.statement.predicate.body.get()).iter().map(Hash::to_string).collect();
    for file in fs::read_dir(folder.join("openings")).into_iter().flatten() {
        let name = file?.file_name().to_string_lossy().into_owned();
        if !named.contains(&name) {
            let text = format!("no entry of this proof refers to openings/{name}");
            found.findings.push(Finding { seq: None, code: "opening-stray", text });
        }
    }
    for commit in refs_in(entry.statement.predicate.body.get()) {
        let path = folder.join(format!("openings/{commit}"));
        if fs::symlink_metadata(&path).is_err() {
            texts.push((commit, None));
            continue;
        }
        let bytes = files::read_regular(&path, MAX_OPENING)?;
        if Hash::of(&[&bytes]) != commit {
            let text = format!("openings/{commit} holds other bytes");
            found.findings.push(Finding { seq: Some(entry.line.seq), code: "opening", text });
            continue;
        }
        let opening = Opening::from_file_bytes(&bytes)?;
        texts.push((commit, Some(String::from_utf8_lossy(&opening.bytes).into_owned())));
    }
    Ok(texts)
}

fn json(found: &Single, status: Status, texts: &[(Hash, Option<String>)]) -> serde_json::Value {
    let verdict = match status {
        Status::Finding => "findings",
        Status::NotProven => "not-proven",
        _ => "verified",
    };
    let findings: Vec<_> = found
        .findings
        .iter()
        .map(|f| serde_json::json!({"seq": f.seq, "code": f.code, "text": f.text}))
        .collect();
    let by: Vec<_> = found
        .by
        .iter()
        .map(|by| serde_json::json!({"person": by.person, "role": by.role, "key": by.key}))
        .collect();
    let openings: BTreeMap<String, &Option<String>> =
        texts.iter().map(|(commit, text)| (commit.to_string(), text)).collect();
    serde_json::json!({
        "schema": "https://project-aether.io/audit/proof-verification/v1",
        "verdict": verdict, "exitStatus": status.code(), "findings": findings, "notProven": found.not_proven,
        "origin": found.log.origin, "rehearsal": found.log.rehearsal,
        "seq": found.entry.as_ref().map(|e| e.line.seq), "kind": found.entry.as_ref().map(|e| e.statement.kind()),
        "recorded": found.entry.as_ref().map(|e| e.line.recorded), "by": by, "rosterSeq": found.roster_seq,
        "size": found.checkpoint.as_ref().map(|c| c.size), "openings": openings,
        "anchors": found.stamps.iter().map(super::verify::anchor_json).collect::<Vec<_>>(),
        "body": found.entry.as_ref().map(|e| &e.statement.predicate.body),
    })
}

fn text(found: &Single, status: Status, texts: &[(Hash, Option<String>)]) -> Result<String> {
    let mut text = String::new();
    if !found.findings.is_empty() {
        text.push_str("FINDINGS:\n");
        for finding in &found.findings {
            text.push_str(&format!("  {finding}\n"));
        }
    }
    let rehearsal = if found.log.rehearsal { "  REHEARSAL" } else { "" };
    text.push_str(&format!("log          {}{rehearsal}\n", found.log.origin));
    if let Some(entry) = &found.entry {
        let predicate = &entry.statement.predicate;
        let deployment = predicate.deployment.as_ref().map_or("governance", |id| id.as_str());
        let kind = entry.statement.kind();
        let what = match Event::parse(kind, &predicate.body) {
            Ok(_) => super::log::summary(kind, &serde_json::from_str(predicate.body.get())?),
            Err(_) => String::new(),
        };
        text.push_str(&format!("entry        {}, {deployment}: {kind} {what}\n", entry.line.seq));
        text.push_str(&format!("recorded     {}\n", entry.line.recorded.human()));
    }
    for by in &found.by {
        text.push_str(&format!("signed       by {} as {}, key {}\n", by.person, by.role, by.key.short()));
    }
    if let Some(seq) = found.roster_seq {
        text.push_str(&format!("roster       the one of entry {seq}\n"));
    }
    for (commit, opened) in texts {
        // Indented, so that no line of what somebody wrote looks like one of these.
        let opened = opened.as_deref().unwrap_or("[not shown]").replace('\n', "\n             ");
        text.push_str(&format!("opening      {}: {opened}\n", commit.short()));
    }
    found.stamps.iter().for_each(|stamp| text.push_str(&super::verify::anchor_line(stamp)));
    text.push_str(&match status {
        Status::Finding => format!("VERDICT      {} FINDING(S)\n", found.findings.len()),
        Status::NotProven => {
            format!("VERDICT      NOT PROVEN\n  - {}\n", found.not_proven.join("\n  - "))
        }
        _ => {
            let size = found.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.size);
            format!(
                "VERDICT      VERIFIED: the entry stands in the log of {size} entries that your checkpoint covers, signed by keys of a \
                 roster that begins with the one whose hash you gave.\n             Not shown: rosters after the last one here, \
                 who was assigned to the deployment, whether the item was theirs to sign or the gate open, and what came after, such as a \
                 withdrawal; for that, ask for an export.\n"
            )
        }
    });
    Ok(text)
}
