//! `log`: what happened.

use std::time::Duration;

use anyhow::{Result, bail};
use serde::Serialize;

use super::app::{App, printable};
use super::desk::{pick, take, unknown_deployment};
use super::paint::{Ink, Paint};
use super::status_code::Status;
use super::tail::{CHANGED, Tail};
use super::words;
use crate::core::entry::Entry;
use crate::core::hash::Hash;
use crate::core::log::Log;
use crate::core::name::Token;
use crate::core::time::Timestamp;
use crate::ledger::Ledger;

/// So often the ledger's files are looked at.
const OFTEN: Duration = Duration::from_millis(200);

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Every entry of the log, of all deployments
    #[arg(long)]
    pub all: bool,
    /// Only the newest N
    #[arg(short = 'n', long, value_name = "N")]
    pub last: Option<usize>,
    /// Stay, and show what comes; as JSON, one entry a line
    #[arg(long)]
    pub watch: bool,
}

/// One entry, for people and programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Its place.
    pub seq: u64,
    /// What sort of statement it is.
    pub kind: String,
    /// Its deployment; none on governance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
    /// The writer's clock.
    pub recorded: Timestamp,
    /// The signer's clock.
    pub time: Timestamp,
    /// Who signed, in which role.
    pub by: Vec<String>,
    /// Its leaf.
    pub leaf: Hash,
    /// Its statement's id.
    pub id: String,
    /// What it says.
    pub body: serde_json::Value,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let ledger = Ledger::open_read_only(&app.ledger_path()?)?;
    ledger.snapshot()?;
    let head = ledger.head()?;
    let mut id = None;
    let bytes: Vec<Vec<u8>> = if args.all {
        ledger.rows().map(|row| row.map(|row| row.bytes)).collect::<Result<_, _>>()?
    } else {
        id = match pick(app, true) {
            Ok(id) if !ledger.deployments()?.iter().any(|(known, _)| *known == id) => {
                bail!(unknown_deployment(&ledger, &id))
            }
            Ok(id) => Some(id),
            Err(error) if app.globals.deployment.is_some() || !ledger.deployments()?.is_empty() => {
                return Err(error);
            }
            Err(_) => None,
        };
        ledger.entries_of(id.as_ref().map(Token::as_str))?
    };
    drop(ledger);
    let mut log = Log::default();
    let mut lines = Vec::new();
    for bytes in &bytes {
        let entry = Entry::parse(bytes)?;
        let faults = take(&mut log, &entry);
        lines.push(line(&entry, &log, faults)?);
    }
    if log.keys.values().any(|known| known.suspect_from().is_some()) {
        for (line, bytes) in lines.iter_mut().zip(&bytes) {
            line.faults.extend(suspects(&Entry::parse(bytes)?, &log));
        }
    }
    let skip = args.last.map_or(0, |last| lines.len().saturating_sub(last));
    let lines = &lines[skip..];
    if args.watch {
        let mut tail = Tail::new(app.ledger_path()?);
        if let Some(head) = head {
            tail.took(head.seq, head.leaf);
        }
        let paint = Paint::of(app);
        for line in lines {
            if app.json() {
                app.print_json_line(line)?;
            } else {
                app.raw(shown(line, paint))?;
            }
        }
        return follow(app, log, tail, id, args.all);
    }
    if app.json() {
        app.print_json(&lines)?;
        return Ok(Status::Done);
    }
    let paint = Paint::of(app);
    app.out.write_all(lines.iter().map(|line| shown(line, paint)).collect::<String>().as_bytes())?;
    let others = head.map_or(0, |head| head.seq + 1).saturating_sub(bytes.len() as u64);
    if others > 0 && !args.all {
        let entries = if others == 1 { "entry" } else { "entries" };
        app.say(format!("not shown: {others} {entries} of other deployments (`aether-audit log --all`)"));
    }
    Ok(Status::Done)
}

/// An entry on one line, with what is wrong with it below.
fn shown(line: &Line, paint: Paint) -> String {
    let late = words::delay(line.time, line.recorded);
    let late = late.map_or(String::new(), |minutes| format!("  (signed {minutes} min earlier)"));
    let what = summary(&line.kind, &line.body);
    let mut text = format!(
        "{:>5}  {}  {} {:<28} {}{late}",
        line.seq,
        paint.on(Ink::Soft, line.recorded.human()),
        paint.on(ink(line), format!("{:<20}", line.kind)),
        printable(&line.by.join(", ")),
        printable(&what),
    );
    text.truncate(text.trim_end().len());
    text.push('\n');
    for fault in &line.faults {
        text.push_str(&paint.on(Ink::Critical, format!("       ! {fault}")));
        text.push('\n');
    }
    text
}

/// What a reader's eye should stop at.
fn ink(line: &Line) -> Ink {
    let says = |name: &str| line.body.get(name).and_then(serde_json::Value::as_str);
    match line.kind.as_str() {
        "rollback-triggered" | "rollback-started" | "rollback-step" | "rollback-finished" => Ink::Critical,
        "metric-read" | "evidence-collected" => match says("phase") {
            Some("pass") => Ink::Good,
            Some("warn") => Ink::Warning,
            Some("trigger") => Ink::Critical,
            Some(_) => Ink::Unknown,
            None => Ink::Soft,
        },
        "decision-made" if matches!(says("decision"), Some("override" | "no-go" | "abort")) => Ink::Warning,
        "item-signed" if says("outcome") == Some("failed") => Ink::Critical,
        "item-withdrawn" => Ink::Warning,
        _ if says("act") == Some("failed") || says("delivery") == Some("failed") => Ink::Critical,
        "decision-made" | "deployment-opened" | "deployment-closed" | "traffic-shifted" => Ink::Strong,
        _ => Ink::Soft,
    }
}

/// Shows what comes, until it is interrupted or the history is another one.
fn follow(app: &mut App, mut log: Log, mut tail: Tail, id: Option<Token>, all: bool) -> Result<Status> {
    let (paint, mut id, mut trouble) = (Paint::of(app), id, None);
    app.out.flush()?;
    loop {
        let look = match tail.look(0) {
            Ok(look) => look,
            Err(error) => {
                let why = error.to_string();
                if trouble.as_ref() != Some(&why) {
                    app.warn(format!("nothing newer can be read: {why}"));
                }
                trouble = Some(why);
                None
            }
        };
        if look.as_ref().is_some_and(|look| look.other) {
            app.warn(CHANGED);
            return Ok(Status::Finding);
        }
        for bytes in look.iter().flat_map(|look| &look.new) {
            let entry = Entry::parse(bytes)?;
            tail.took(entry.line.seq, entry.leaf);
            trouble = None;
            let its = entry.statement.predicate.deployment.as_ref();
            if id.is_none() && !all {
                id = its.cloned();
            }
            if !all && its.is_some() && its != id.as_ref() {
                continue;
            }
            let faults = take(&mut log, &entry);
            let line = line(&entry, &log, faults)?;
            if app.json() {
                app.print_json_line(&line)?;
            } else {
                app.raw(shown(&line, paint))?;
            }
        }
        app.out.flush()?;
        app.clock.sleep(OFTEN);
    }
}

/// An entry with what is wrong with it.
///
/// # Errors
/// Never for an entry of the format.
pub fn line(entry: &Entry, log: &Log, faults: Vec<String>) -> Result<Line> {
    let predicate = &entry.statement.predicate;
    let by = predicate
        .signers
        .iter()
        .map(|signer| {
            let person = log.keys.get(&signer.key).map_or("unknown", |known| known.person.as_str());
            format!("{person} ({})", signer.role)
        })
        .collect();
    Ok(Line {
        seq: entry.line.seq,
        kind: entry.statement.kind().to_owned(),
        deployment: predicate.deployment.as_ref().map(ToString::to_string),
        recorded: entry.line.recorded,
        time: predicate.time,
        by,
        leaf: entry.leaf,
        id: predicate.id.to_string(),
        body: serde_json::from_str(predicate.body.get())?,
        faults,
    })
}

/// Which of an entry's signers may not have been who signed, as came out later.
fn suspects(entry: &Entry, log: &Log) -> Vec<String> {
    let keys = entry.statement.predicate.signers.iter().filter_map(|signer| log.keys.get(&signer.key));
    keys.filter_map(|known| Some((known, known.suspect_at(entry.line.seq)?)))
        .map(|(known, from)| {
            format!("SUSPECT: the key of {} may be in other hands from entry {from} on", known.person)
        })
        .collect()
}

/// The members that tell the most, in a few words.
pub fn summary(kind: &str, body: &serde_json::Value) -> String {
    let text = |name: &str| body.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    let words: Vec<String> = match kind {
        "item-signed" => vec![text("item"), text("outcome")],
        "item-withdrawn" => vec![text("item")],
        "decision-made" => vec![text("decision"), text("gate"), text("waives")],
        "deployment-opened" => vec![text("release"), text("type"), text("environment")],
        "metric-read" | "evidence-collected" => {
            vec![text("check"), text("phase"), text("value"), text("unit")]
        }
        "traffic-shifted" => {
            let percent = body.get("percent").map(|p| format!("{p} %")).unwrap_or_default();
            vec![text("service"), text("to"), percent, text("act")]
        }
        "stage-reached" => vec![text("stage"), text("act")],
        "snapshot-taken" => vec![text("resource"), text("act")],
        "standby-changed" => vec![text("service"), text("state"), text("act")],
        "rollback-triggered" => vec![text("trigger"), text("check")],
        "rollback-step" => vec![text("step"), text("act")],
        "deployment-closed" | "rollback-finished" => vec![text("outcome")],
        "message-sent" => vec![text("channel"), text("template"), text("delivery")],
        "roles-assigned" => vec![text("role"), text("person")],
        "ledger-opened" | "roster-changed" => {
            vec![body["roster"].get("version").map(|version| format!("roster {version}")).unwrap_or_default()]
        }
        "key-rotated" | "key-revoked" => vec![text("person")],
        _ => Vec::new(),
    };
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}
