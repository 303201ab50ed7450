//! `log`: what happened.

use anyhow::{Result, bail};
use serde::Serialize;

use super::app::App;
use super::desk::{pick, take, unknown_deployment};
use super::status_code::Status;
use super::words;
use crate::core::entry::Entry;
use crate::core::hash::Hash;
use crate::core::log::Log;
use crate::core::name::Token;
use crate::core::time::Timestamp;
use crate::ledger::Ledger;

/// Options of `log`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Every entry of the log, of all deployments
    #[arg(long)]
    pub all: bool,
    /// Only the newest N
    #[arg(short = 'n', long, value_name = "N")]
    pub last: Option<usize>,
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
    let bytes: Vec<Vec<u8>> = if args.all {
        ledger.rows().map(|row| row.map(|row| row.bytes)).collect::<Result<_, _>>()?
    } else {
        let id = match pick(app, true) {
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
    let mut log = Log::default();
    let mut lines = Vec::new();
    for bytes in &bytes {
        let entry = Entry::parse(bytes)?;
        let faults = take(&mut log, &entry);
        lines.push(line(&entry, &log, faults)?);
    }
    let skip = args.last.map_or(0, |last| lines.len().saturating_sub(last));
    let lines = &lines[skip..];
    if app.json() {
        app.print_json(&lines)?;
        return Ok(Status::Done);
    }
    let mut text = String::new();
    for line in lines {
        let late = words::delay(line.time, line.recorded);
        let late = late.map_or(String::new(), |minutes| format!("  (signed {minutes} min earlier)"));
        let faults = &line.faults;
        let line = format!(
            "{:>5}  {}  {:<20} {:<28} {}{late}",
            line.seq,
            line.recorded.human(),
            line.kind,
            line.by.join(", "),
            summary(&line.kind, &line.body)
        );
        text.push_str(line.trim_end());
        text.push('\n');
        for fault in faults {
            text.push_str(&format!("       ! {fault}\n"));
        }
    }
    app.data(text)?;
    Ok(Status::Done)
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
