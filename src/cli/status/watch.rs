//! `status --watch`: drawn anew on a terminal, a line with each change elsewhere.

use std::time::Duration;

use anyhow::Result;

use super::{Standing, json, standing, text};
use crate::cli::app::App;
use crate::cli::desk::Desk;
use crate::cli::paint::{Ink, Paint};
use crate::cli::pick::must_name;
use crate::cli::screen::{Rank, Screen};
use crate::cli::status_code::Status;
use crate::cli::tail::{CHANGED, Tail};
use crate::config::Config;
use crate::core::entry::Entry;
use crate::core::log::Log;
use crate::core::name::Token;
use crate::ledger::Head;

/// So often the ledger's files are looked at.
const OFTEN: Duration = Duration::from_millis(200);
/// After so many looks it is drawn anew for the clocks alone.
const TICKS: u32 = 5;

/// What was read last; the ledger itself is let go.
struct Read {
    id: Token,
    named: bool,
    log: Log,
    head: Head,
    faults: Vec<String>,
    config: Option<Config>,
}

/// Until it is interrupted, or the history is another one.
pub fn run(app: &mut App) -> Result<Status> {
    let mut tail = Tail::new(app.ledger_path()?);
    let mut screen = Screen::default();
    let (mut said, mut trouble) = (String::new(), None);
    // What is wrong at the beginning is said as `status` says it.
    let mut read = read(app)?;
    let mut tick = 0;
    loop {
        let changed = match tail.look(1) {
            Ok(Some(look)) if look.other => {
                app.warn(CHANGED);
                return Ok(Status::Finding);
            }
            Ok(Some(look)) => {
                let newest = look.new.last().and_then(|bytes| Entry::parse(bytes).ok());
                match newest {
                    Some(entry) => tail.took(entry.line.seq, entry.leaf),
                    None => tail.again(),
                }
                Ok(true)
            }
            Ok(None) => Ok(false),
            Err(error) => Err(error.to_string()),
        };
        let changed = changed.and_then(|changed| {
            if changed {
                read = self::read(app).map_err(|error| format!("{error:#}"))?;
            }
            Ok(changed)
        });
        if app.live && !app.json() {
            if tick % TICKS == 0 || changed != Ok(false) {
                draw(app, &mut screen, &read, changed.err().as_deref())?;
            }
        } else {
            if let Err(why) = &changed
                && trouble.as_ref() != Some(why)
            {
                app.warn(format!("nothing newer can be read: {why}"));
            }
            trouble = changed.err();
            append(app, &mut said, &read)?;
        }
        tick += 1;
        app.clock.sleep(OFTEN);
    }
}

fn read(app: &App) -> Result<Read> {
    let (id, desk) = Desk::read_at(app, true)?;
    desk.deployment(&id)?;
    let named = must_name(&desk.ledger, &id)?;
    Ok(Read { id, named, log: desk.log, head: desk.head, faults: desk.faults, config: app.config().ok() })
}

fn draw(app: &mut App, screen: &mut Screen, read: &Read, trouble: Option<&str>) -> Result<()> {
    let (now, paint) = (app.now(), Paint::of(app));
    let mut lines =
        standing(&read.log, &read.id, read.head, read.config.as_ref(), now, read.named, |standing| {
            Ok(text::lines(standing, now, paint))
        })?;
    if let Some(first) = read.faults.first() {
        let text =
            format!("! this ledger has findings ({}; {first}): run `aether-audit verify`", read.faults.len());
        lines.insert(0, (Rank::First, paint.on(Ink::Critical, text)));
    }
    let now = match trouble {
        Some(why) => paint.on(Ink::Critical, format!("! nothing newer can be read: {why}")),
        None => paint.on(Ink::Soft, format!("now:  {}; Ctrl-C ends it", now.human())),
    };
    lines.push((Rank::First, now));
    screen.draw(app, &lines)
}

/// A line where something has changed, for people or for programs.
fn append(app: &mut App, said: &mut String, read: &Read) -> Result<()> {
    let now = app.now();
    let value =
        standing(&read.log, &read.id, read.head, read.config.as_ref(), now, read.named, |standing| {
            Ok(if app.json() { json(standing) } else { summary(standing).into() })
        })?;
    let key = value.to_string();
    if *said == key {
        return Ok(());
    }
    *said = key;
    if app.json() {
        app.print_json_line(&value)?;
    } else {
        app.data(format!("{}  {}", read.head.recorded.human(), value.as_str().unwrap_or_default()))?;
        if let Some(first) = read.faults.first() {
            app.warn(format!("this ledger has findings ({first}): run `aether-audit verify`"));
        }
    }
    Ok(app.out.flush()?)
}

fn summary(standing: &Standing) -> String {
    let deployment = standing.deployment;
    let progress = deployment.progress();
    let phases: Vec<String> = deployment
        .checklist
        .phases
        .iter()
        .map(|phase| {
            let items = || progress.iter().filter(|p| p.spec.phase.as_deref() == Some(phase.id.as_str()));
            format!("{} {}/{}", phase.id, items().filter(|p| p.complete()).count(), items().count())
        })
        .collect();
    let blocks = match standing.missing.len() {
        0 => "nothing blocks".into(),
        count => text::things(count),
    };
    format!(
        "{}  {}  {}  {blocks}  next: {}",
        deployment.id,
        deployment.stage().as_str(),
        phases.join(", "),
        standing.next
    )
}
