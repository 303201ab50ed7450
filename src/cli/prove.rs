//! `prove`: one entry by itself, for somebody who is to see nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use askama::Template;

use super::app::App;
use super::checkpoint::{make_or_remember, vkeys};
use super::desk::Desk;
use super::status_code::Status;
use super::{export, files, stamp};
use crate::core::checkpoint::{self, Checkpoint};
use crate::core::entry::Entry;
use crate::core::opening::refs_in;
use crate::core::proof::TlogProof;

const MAX_NOTE: u64 = 1 << 20;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// The entry
    pub seq: u64,
    /// The folder to make [default: proof-SEQ]
    pub folder: Option<PathBuf>,
    /// The checkpoint to prove it against [default: one that is made now]
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    /// Leave out the texts that the entry commits to
    #[arg(long)]
    pub without_openings: bool,
}

#[derive(Template)]
#[template(path = "proof_readme.md", escape = "none")]
struct Readme<'a> {
    seq: u64,
    origin: &'a str,
    kind: &'a str,
    size: u64,
    rehearsal: bool,
    stamped: bool,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let seq = args.seq;
    let folder = args.folder.clone().unwrap_or_else(|| PathBuf::from(format!("proof-{seq}")));
    let desk = Desk::read(app, None)?;
    let bytes = desk.ledger.entry(seq)?;
    let bytes = bytes.with_context(|| format!("there is no entry {seq}: the newest is {}", desk.head.seq))?;
    let entry = Entry::parse(&bytes)?;
    if app.globals.dry_run {
        let what = format!("entry {seq} ({}) with its proofs", entry.statement.kind());
        app.would(format!("write {what} into {}, against a checkpoint", folder.display()))?;
        return Ok(Status::Done);
    }
    let note = note(app, &desk, args)?;
    let stated = checkpoint::open(&note, &vkeys(&desk.log))?.checkpoint;
    if stated.size <= seq {
        bail!("the checkpoint covers {} entries, not entry {seq}: give a newer one, or none", stated.size);
    }
    let others = desk.entries.iter().map(|entry| entry.line.seq);
    let governance: Vec<u64> = others.filter(|other| *other != seq && *other < stated.size).collect();
    let mut tokens = stamp::tokens(app, &desk.ledger, &desk.log.origin, stated.size)?;
    tokens.retain(|token| token.size() == Some(stated.size));
    export::whole(&folder, |staged| {
        files::write(&staged.join("entry.json"), &bytes)?;
        fs::create_dir(staged.join("proofs"))?;
        let mut lines = Vec::new();
        for other in governance.iter().copied().chain([seq]) {
            let path = desk.ledger.inclusion(other, stated.size)?;
            let proof = TlogProof { index: other, path, checkpoint: note.clone() };
            files::write(&staged.join(format!("proofs/{other}.tlog-proof")), proof.to_string().as_bytes())?;
            if other != seq {
                lines.extend(desk.ledger.entry(other)?.context("an entry is missing")?);
                lines.push(b'\n');
            }
        }
        files::write(&staged.join("governance.jsonl"), &lines)?;
        beside(staged, &desk, &entry, args)?;
        export::write_tokens(staged, &tokens)?;
        let readme = Readme {
            seq,
            origin: &desk.log.origin,
            kind: entry.statement.kind(),
            size: stated.size,
            rehearsal: desk.log.rehearsal,
            stamped: !tokens.is_empty(),
        };
        files::write(&staged.join("README.md"), readme.render()?.as_bytes())
    })?;
    if app.json() {
        app.print_json(&serde_json::json!({"folder": folder, "seq": seq, "size": stated.size}))?;
    } else {
        app.data(folder.display().to_string())?;
        app.say(format!(
            "Entry {seq} and {} governance entries, proven against the checkpoint of {} entries. Whoever checks it needs that \
             checkpoint from somebody else, and the first roster's SHA-256.",
            governance.len(),
            stated.size
        ));
    }
    Ok(Status::Done)
}

/// The checkpoint to prove against: the caller's, held against this log, or one made now.
fn note(app: &App, desk: &Desk, args: &Args) -> Result<String> {
    let Some(path) = &args.checkpoint else {
        let made = make_or_remember(app, &desk.ledger, &desk.log)?;
        return Ok(made.context("this place makes no checkpoints: give one with --checkpoint")?.note);
    };
    let note = files::read_text(path, MAX_NOTE)?;
    let Checkpoint { origin, size, root } =
        checkpoint::open(&note, &vkeys(&desk.log)).with_context(|| format!("{}", path.display()))?.checkpoint;
    if origin != desk.log.origin {
        bail!("{} is of the log {origin}, this one is {}", path.display(), desk.log.origin);
    }
    if size > desk.head.seq + 1 || desk.ledger.root_at(size)? != root {
        bail!(
            "{} does not fit this ledger: entries are missing or were changed; run `aether-audit verify --checkpoint {0}`",
            path.display()
        );
    }
    Ok(note)
}

/// Openings of the entry, and the keys that signed it.
fn beside(staged: &Path, desk: &Desk, entry: &Entry, args: &Args) -> Result<()> {
    if !args.without_openings {
        fs::create_dir(staged.join("openings"))?;
        for commit in refs_in(entry.statement.predicate.body.get()) {
            if let Some(bytes) = desk.ledger.opening(&commit)? {
                files::write(&staged.join(format!("openings/{commit}")), &bytes)?;
            }
        }
    }
    fs::create_dir(staged.join("keys"))?;
    for signer in &entry.statement.predicate.signers {
        if let Some(known) = desk.log.keys.get(&signer.key) {
            let path = staged.join(format!("keys/{}.pub.pem", signer.key));
            files::write(&path, known.key.public.to_spki_pem().as_bytes())?;
        }
    }
    Ok(())
}
