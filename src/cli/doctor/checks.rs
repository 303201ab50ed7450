//! Each check, asked now and, where its source remembers, over the last day.

use super::history;
use super::{Findings, Room, State};
use crate::cli::app::App;
use crate::core::check::{Check, Phase, Probe};
use crate::evidence::{self, Beforehand, Github, Request};

const AREA: &str = "checks";

pub fn look(app: &App, room: &Room, found: &mut Findings) {
    if room.config.check.is_empty() {
        found.push(AREA, "checks", State::Wrong, "none: add a [[check]] to aether.toml");
    } else if !room.config.check.iter().any(|check| check.spec.watch) {
        found.push(
            AREA,
            "checks",
            State::Wrong,
            "none is watched: nothing can prove the verification window",
        );
    }
    for check in &room.config.check {
        let (state, text) = one(app, room, check);
        found.push(AREA, check.spec.id.as_str(), state, text);
    }
}

fn one(app: &App, room: &Room, check: &Check) -> (State, String) {
    if room.offline {
        return (State::NotAsked, "not asked (--offline)".to_owned());
    }
    if let Probe::Github(probe) = &check.probe {
        return match Github::new(probe.clone()).beforehand() {
            Ok(Beforehand { found, but: None }) => {
                (State::Good, format!("{found}; of the deployment itself it is asked once one is open"))
            }
            Ok(Beforehand { found, but: Some(but) }) => (State::Wrong, format!("{found}; {but}")),
            Err(error) => (State::Wrong, error.to_string()),
        };
    }
    let source = evidence::source(check, &room.config.aws, &app.home());
    let request = Request::new(check, check.window(app.now()), app.now());
    let collected = evidence::collect(&check.spec, source.as_ref(), &request);
    let detail = collected.reading.detail.unwrap_or_default();
    let (state, now) = match collected.reading.phase {
        Some(Phase::Pass) => (State::Good, detail),
        Some(Phase::NoData) => {
            (State::Wrong, format!("no data now: {detail}; are the names right, and does something send it?"))
        }
        Some(Phase::Error) | None => (State::Wrong, detail),
        Some(Phase::Warn) => (State::Note, format!("breaches its objective right now: {detail}")),
        Some(Phase::Trigger) => (State::Note, format!("would trigger a rollback right now: {detail}")),
    };
    if matches!(state, State::Wrong) {
        return (state, now);
    }
    match history::of(app, check, source.as_ref()) {
        None => (state, now),
        Some(Ok(tried)) => (if tried.any() { State::Note } else { state }, format!("{now}; {tried}")),
        Some(Err(why)) => (State::Wrong, format!("{now}; the last day cannot be looked at: {why}")),
    }
}
