//! `show`: one entry, with what its openings hold.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Result, bail};

use super::app::App;
use super::log::summary;
use super::record_at::erasures;
use super::source::Source;
use super::status_code::Status;
use super::words;
use crate::core::entry::Entry;
use crate::core::event::Event;
use crate::core::hash::Hash;
use crate::core::log::{Fault, Log};
use crate::core::opening::{Opening, refs_in};
use crate::ledger::Ledger;
use crate::report::Opened;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// The entry
    pub seq: u64,
    /// Print the entry's exact bytes and nothing else
    #[arg(long)]
    pub raw: bool,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let ledger = Ledger::open_read_only(&app.ledger_path()?)?;
    let Some(bytes) = ledger.entry(args.seq)? else {
        let newest =
            ledger.head()?.map_or("it is empty".into(), |head| format!("the newest is {}", head.seq));
        bail!("there is no entry {} in this ledger: {newest}", args.seq)
    };
    if args.raw {
        app.out.write_all(&bytes)?;
        return Ok(Status::Done);
    }
    let entry = Entry::parse(&bytes)?;
    let source = Source::Ledger(ledger);
    if app.json() {
        print_json(app, &entry, &source)?;
    } else {
        let text = text(&entry, &source)?;
        app.data(text)?;
    }
    Ok(Status::Done)
}

fn print_json(app: &mut App, entry: &Entry, source: &Source) -> Result<()> {
    let statement: serde_json::Value = serde_json::from_slice(&entry.payload)?;
    let mut openings = serde_json::Map::new();
    for commit in refs_in(entry.statement.predicate.body.get()) {
        let held = match source.opening(&commit)? {
            Some(file) => words::text_of(&Opening::from_file_bytes(&file)?.bytes),
            None => MISSING.into(),
        };
        openings.insert(commit.to_string(), held.into());
    }
    app.print_json(&serde_json::json!({
        "seq": entry.line.seq, "leaf": entry.leaf, "prev": entry.line.prev, "recorded": entry.line.recorded,
        "deploymentSeq": entry.line.deployment_seq, "statement": statement, "openings": openings,
    }))
}

const MISSING: &str = "[not here: erased, or missing; `aether-audit verify` tells which]";

/// The log up to the entry and after it, as far as it concerns this one.
struct Around {
    /// The fold before the entry.
    before: Log,
    /// The fold over everything.
    after: Log,
    /// What is wrong with the entry's meaning.
    faults: Vec<Fault>,
    /// What was erased since.
    erased: BTreeMap<Hash, Opened>,
}

fn around(entry: &Entry, source: &Source) -> Result<Around> {
    let entries = source.around(entry.statement.predicate.deployment.as_ref())?;
    let mut log = Log::default();
    let mut before = Log::default();
    let mut faults = Vec::new();
    for other in &entries {
        if other.line.seq == entry.line.seq {
            before = log.clone();
        }
        let taken = log.take(other, |_| Vec::new());
        if other.line.seq == entry.line.seq {
            faults = taken.faults;
        }
    }
    let erased = erasures(&entries, &log, source);
    Ok(Around { before, after: log, faults, erased })
}

fn text(entry: &Entry, source: &Source) -> Result<String> {
    let (kind, predicate) = (entry.statement.kind(), &entry.statement.predicate);
    let body: serde_json::Value = serde_json::from_str(predicate.body.get())?;
    let around = around(entry, source)?;
    let mut text = String::new();
    let what = Event::words_of(kind).unwrap_or("a kind that this version does not know");
    let summary = summary(kind, &body);
    let _ = writeln!(text, "entry        {} of {}", entry.line.seq, predicate.log);
    let _ = writeln!(text, "what         {}: {what}", [kind, &summary].join(" ").trim_end());
    let deployment = match (&predicate.deployment, entry.line.deployment_seq) {
        (Some(id), Some(seq)) => format!("{id}, its entry {seq}"),
        (Some(id), None) => id.to_string(),
        (None, _) => "none: it is about the log itself".into(),
    };
    let _ = writeln!(text, "deployment   {deployment}");
    for line in signatures(entry, &around) {
        let _ = writeln!(text, "signed by    {line}");
    }
    let _ = writeln!(text, "signed at    {}", predicate.time.human());
    let late = words::delay(predicate.time, entry.line.recorded);
    let late = late.map_or(String::new(), |minutes| format!(", {minutes} minutes after it was signed"));
    let _ = writeln!(text, "recorded at  {}{late}", entry.line.recorded.human());
    if let Some(seen) = predicate.seen {
        let _ = writeln!(text, "having seen  the log up to entry {}", seen.seq);
    }
    for fault in &around.faults {
        let how = if fault.out_of_process() { "OUT OF PROCESS" } else { "FINDING" };
        let _ = writeln!(text, "{how:<12} {fault}");
    }
    let opened = |commit: &Hash| opened(commit, source, &around.erased);
    let _ = write!(text, "body\n{}", words::members(&body, &opened));
    let _ = writeln!(text, "statement    {}", predicate.id);
    let _ = writeln!(text, "leaf         {}", entry.leaf);
    Ok(text)
}

/// Each signer with the verdict on the signature and its key.
fn signatures(entry: &Entry, around: &Around) -> Vec<String> {
    let brought = Event::parse(entry.statement.kind(), &entry.statement.predicate.body)
        .map(|event| event.brought_keys())
        .unwrap_or_default();
    let key = |id: &Hash| {
        let known = around.before.keys.get(id).map(|known| &known.key.public);
        known.or_else(|| brought.iter().find(|key| key.keyid() == *id))
    };
    let bad = entry.bad_signatures(key);
    let denied = around.faults.iter().any(|fault| matches!(fault.code(), "not-authorised" | "separation"));
    let line = |(index, signer): (usize, &crate::core::statement::Signer)| {
        let known = around.after.keys.get(&signer.key);
        let verdict = if key(&signer.key).is_none() {
            "UNKNOWN: the key was on no roster then".into()
        } else if bad.contains(&index) {
            "INVALID: the signature does not verify".into()
        } else if let Some(from) = known.and_then(|known| known.suspect_at(entry.line.seq)) {
            format!("SUSPECT: the key may be in other hands from entry {from} on")
        } else if denied {
            "NOT-AUTHORISED: the signature verifies, but the key may not sign this".into()
        } else if let Some(ended) = known.and_then(|known| known.ended).filter(|end| *end > entry.line.seq) {
            format!("SUPERSEDED: the signature verifies; the key was in force until entry {ended}")
        } else {
            "VALID".into()
        };
        let who = words::signers(std::slice::from_ref(signer), &around.after);
        format!("{who}, key {}: {verdict}", signer.key.short())
    };
    entry.statement.predicate.signers.iter().enumerate().map(line).collect()
}

/// What an opening holds, or what became of it.
fn opened(commit: &Hash, source: &Source, erased: &BTreeMap<Hash, Opened>) -> String {
    match (source.opening(commit), erased.get(commit)) {
        (Ok(Some(file)), _) if Hash::of(&[&file]) == *commit => Opening::from_file_bytes(&file)
            .map_or_else(|error| format!("[{error}]"), |opening| words::text_of(&opening.bytes)),
        (Ok(Some(_)), _) => "[what is here is not what the statement commits to]".into(),
        (_, Some(Opened::Erased { by, at, why, seq })) => {
            format!("[erased on {} by {by}: {why} (entry {seq})]", at.human())
        }
        _ => MISSING.into(),
    }
}
