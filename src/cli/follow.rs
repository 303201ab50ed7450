//! `verify --follow`: a monitor that keeps its own memory of a log, and tells the moment that it shrinks, forks
//! or changes.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::app::App;
use super::files;
use super::source::Source;
use super::status_code::Status;
use super::verify::{self, Args};
use crate::core::hash::Hash;
use crate::core::time::Timestamp;
use crate::core::verify::{Anchors, Report};

const SCHEMA: &str = "https://project-aether.io/audit/monitor/v1";
const MAX_STATE: u64 = 1 << 20;
/// So many sizes are remembered, the newest ones all, older ones ever fewer.
const KEPT: usize = 64;

/// What a monitor remembers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct State {
    schema: String,
    origin: String,
    /// Sizes with the roots seen then, growing.
    seen: Vec<(u64, Hash)>,
    time: Timestamp,
}

/// A ledger that was there before and is gone may have been deleted: that is said, not only that it is missing.
///
/// # Errors
/// Where it is missing and the file remembers it.
pub fn expect(app: &App, args: &Args, file: &Path) -> Result<()> {
    let path = args.path.clone().map_or_else(|| app.ledger_path(), Ok)?;
    if path.exists() || !file.exists() {
        return Ok(());
    }
    let state = read(file)?;
    let size = state.map_or(0, |state| last(&state).0);
    bail!(
        "{} is not there, and had {size} entries when it was last seen: it may have been deleted. Keep {} as proof, and ask for a backup",
        path.display(),
        file.display()
    )
}

pub fn run(app: &mut App, args: &Args, file: &Path, anchors: &Anchors, source: Source) -> Result<Status> {
    let lock = fs::OpenOptions::new().create(true).append(true).open(beside(file, "lock"));
    let lock = lock.with_context(|| format!("cannot write beside {}", file.display()))?;
    if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        bail!("another monitor is at work with {}: give each its own file", file.display());
    }
    let mut source = Some(source);
    loop {
        let current = match source.take() {
            Some(source) => source,
            None => match &args.path {
                Some(path) => Source::open(path)?,
                None => Source::here(app)?,
            },
        };
        let status = look(app, args, file, anchors, &current)?;
        let Some(seconds) = args.every.filter(|_| status != Status::Finding) else {
            return Ok(status);
        };
        drop(current);
        std::thread::sleep(Duration::from_secs(seconds));
        expect(app, args, file)?;
    }
}

fn look(app: &mut App, args: &Args, file: &Path, anchors: &Anchors, source: &Source) -> Result<Status> {
    let state = read(file)?;
    let seen = state.as_ref().map(|state| state.seen.clone()).unwrap_or_default();
    let report = verify::check(app, source, &Anchors { seen, ..anchors.clone() })?;
    if report.partial {
        bail!(
            "a deployment's export states the leaves of other entries unproven: follow the ledger, or an export of the whole log"
        );
    }
    let other = state.as_ref().filter(|state| state.origin != report.log.origin);
    if let Some(state) = other {
        let kept = keep(app, file, source, &report)?;
        app.warn(format!(
            "FOUND: {} is about the log {}, and in its place is the log {}; keep {} and the memory as proof",
            file.display(),
            state.origin,
            report.log.origin,
            kept.display()
        ));
        return Ok(Status::Finding);
    }
    let status = verify::status(&report, None);
    if args.every.is_none() || status == Status::Finding {
        if app.json() {
            verify::print_json(app, &report, None)?;
        } else {
            verify::print_text(app, &report, None)?;
        }
    } else {
        app.data(format!("{} {} entries, root {}", app.now(), report.size, report.root))?;
    }
    if status == Status::Finding {
        let kept = keep(app, file, source, &report)?;
        app.warn(format!(
            "FOUND: keep {} and {} as proof, away from whoever can write to the log; the memory was left as it was",
            kept.display(),
            file.display()
        ));
        return Ok(status);
    }
    if state.is_none() && anchors.checkpoints.is_empty() {
        app.say("First look: what is seen now is taken for true. Give --checkpoint to hold it against one from elsewhere.");
    }
    remember(app, file, state, &report)?;
    Ok(status)
}

fn read(file: &Path) -> Result<Option<State>> {
    if fs::symlink_metadata(file).is_err() {
        return Ok(None);
    }
    let damaged = || {
        format!(
            "{} should hold what a monitor remembers, and is damaged: restore it, or begin with a new file and a --checkpoint",
            file.display()
        )
    };
    let state: State = serde_json::from_str(&files::read_text(file, MAX_STATE)?).with_context(damaged)?;
    let growing = state.seen.is_sorted_by(|a, b| a.0 < b.0) && !state.seen.is_empty();
    if state.schema != SCHEMA || !growing {
        bail!(damaged());
    }
    Ok(Some(state))
}

fn last(state: &State) -> (u64, Hash) {
    state.seen.last().copied().unwrap_or((0, Hash::ZERO))
}

fn remember(app: &App, file: &Path, state: Option<State>, report: &Report) -> Result<()> {
    let mut seen = state.map(|state| state.seen).unwrap_or_default();
    if seen.last().is_none_or(|(size, _)| *size < report.size) {
        seen.push((report.size, report.root));
    }
    if seen.len() > KEPT {
        // Every second one of the older half.
        let half = seen.len() / 2;
        let mut index = 0;
        seen.retain(|_| {
            index += 1;
            index > half || index % 2 == 1
        });
    }
    let state = State { schema: SCHEMA.into(), origin: report.log.origin.clone(), seen, time: app.now() };
    files::write(file, format!("{}\n", serde_json::to_string_pretty(&state)?).as_bytes())
}

/// Keeps what was remembered and what is seen now, whole, beside the memory.
fn keep(app: &App, file: &Path, source: &Source, report: &Report) -> Result<PathBuf> {
    let label: String = app.now().to_string().chars().filter(char::is_ascii_digit).collect();
    let folder = beside(file, &format!("evidence-{label}"));
    files::make_folder(&folder)?;
    if file.exists() {
        fs::copy(file, folder.join("remembered.json"))?;
    }
    let findings: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    let now = serde_json::json!({
        "origin": report.log.origin, "size": report.size, "root": report.root, "lastLeaf": report.last_leaf,
        "findings": findings, "time": app.now(),
    });
    files::write(&folder.join("now.json"), format!("{}\n", serde_json::to_string_pretty(&now)?).as_bytes())?;
    let mut entries = BufWriter::new(File::create(folder.join("entries.jsonl"))?);
    for stored in source.stored()?.flatten() {
        entries.write_all(&stored.bytes)?;
        entries.write_all(b"\n")?;
    }
    entries.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    Ok(folder)
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}
