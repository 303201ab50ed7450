//! The folder: ledger, checklist, what is still to be set.

use anyhow::Result;

use super::{Findings, Room, State};
use crate::cli::app::App;
use crate::cli::open::{default_checklist, freeze};
use crate::cli::{doubts, files, template};
use crate::ledger::Ledger;

const AREA: &str = "project";

pub fn look(app: &App, room: &Room, found: &mut Findings) {
    match ledger(app) {
        Ok(text) => found.push(AREA, "ledger", State::Good, text),
        Err(error) => found.push(AREA, "ledger", State::Wrong, format!("{error:#}")),
    }
    checklist(app, room, found);
    let project = &room.config.project;
    for (key, value, why) in [
        (
            "production-url",
            &project.production_url,
            "nobody can be sent to it, and the clock is not compared",
        ),
        ("dashboard-url", &project.dashboard_url, "the checklist names none"),
        ("channel", &project.channel, "messages have no place to go"),
        ("workflow", &project.workflow, "`deploy` does not know what to start"),
    ] {
        match value {
            Some(value) => found.push(AREA, key, State::Set, format!("set, not asked: {value}")),
            None => found.push(AREA, key, State::Wrong, format!("not set: {why}; set it under [project]")),
        }
    }
    let unset = room.config.escalation.iter().filter(|entry| entry.contact.trim() == "to be set");
    let unset: Vec<&str> = unset.map(|entry| entry.role.as_str()).collect();
    if room.config.escalation.is_empty() {
        found.push(AREA, "escalation", State::Wrong, "nobody to call: add [[escalation]] to aether.toml");
    } else if unset.is_empty() {
        let count = room.config.escalation.len();
        found.push(
            AREA,
            "escalation",
            State::Set,
            format!("set, not asked: {count} to call, in their order"),
        );
    } else {
        let text = format!("\"to be set\" for {}: set the contacts in aether.toml", unset.join(", "));
        found.push(AREA, "escalation", State::Wrong, text);
    }
}

fn ledger(app: &App) -> Result<String> {
    let path = app.ledger_path()?;
    let ledger = Ledger::open_read_only(&path)?;
    let head = ledger.head()?;
    Ok(head.map_or_else(
        || format!("{}, empty", path.display()),
        |head| format!("{}, {} entries", path.display(), head.seq + 1),
    ))
}

fn checklist(app: &App, room: &Room, found: &mut Findings) {
    match frozen(app, room) {
        Err(error) => found.push(AREA, "checklist", State::Wrong, format!("{error:#}")),
        Ok((text, doubts)) if doubts.is_empty() => found.push(AREA, "checklist", State::Good, text),
        Ok((_, doubts)) => {
            for doubt in doubts {
                found.push(AREA, "checklist", State::Wrong, doubt);
            }
        }
    }
}

/// How many items it has, and what is wrong with it.
fn frozen(app: &App, room: &Room) -> Result<(String, Vec<String>)> {
    let path = default_checklist(app);
    let frozen = freeze(app, room.config, None, &mut Vec::new())?;
    let text = files::read_text(&path, 1 << 20)?;
    let (items, phases) = (frozen.items.len(), frozen.phases.len());
    let mut doubts = Vec::new();
    if items == 0 {
        doubts.push("no task item: nothing can be signed".to_owned());
    } else if phases == 0 {
        doubts.push("no phases: `go` gates nothing and needs an override".to_owned());
    }
    doubts.extend(doubts::near(&text));
    doubts.extend(template::outdated(&path, &text, room.config)?);
    if text.contains("to be set") {
        doubts.push("it still says \"to be set\": set the contacts there too".to_owned());
    }
    Ok((format!("{items} items in {phases} phases"), doubts))
}
