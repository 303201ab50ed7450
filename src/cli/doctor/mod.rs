//! `doctor`: before the day, everything that the configuration names is asked for, and answered with what to do.

mod checks;
mod history;
mod project;
mod roster;
mod systems;

use anyhow::Result;
use serde::Serialize;

use super::app::App;
use super::status_code::Status;
use crate::config::Config;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Ask nothing over the network
    #[arg(long, env = "AETHER_AUDIT_OFFLINE")]
    pub offline: bool,
}

/// What a look at one thing gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    /// Asked, and as it should be.
    Good,
    /// There is a value, and nobody whom it could be asked of.
    Set,
    /// Works, and somebody should know.
    Note,
    /// Nobody asked: no pass either.
    NotAsked,
    /// Has to be put right before the day.
    Wrong,
}

/// One line.
#[derive(Debug, Serialize)]
struct Line {
    area: &'static str,
    what: String,
    state: State,
    text: String,
}

/// What was found, area by area.
#[derive(Default)]
struct Findings(Vec<Line>);

impl Findings {
    fn push(&mut self, area: &'static str, what: impl Into<String>, state: State, text: impl Into<String>) {
        self.0.push(Line { area, what: what.into(), state, text: text.into() });
    }

    fn count(&self, state: State) -> usize {
        self.0.iter().filter(|line| line.state == state).count()
    }
}

/// Everything that a look needs.
struct Room<'a> {
    config: &'a Config,
    offline: bool,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let config = app.config()?;
    let room = Room { config: &config, offline: args.offline };
    let mut found = Findings::default();
    project::look(app, &room, &mut found);
    roster::look(app, &room, &mut found);
    systems::look(app, &room, &mut found);
    checks::look(app, &room, &mut found);
    show(app, &found)?;
    Ok(if found.count(State::Wrong) > 0 {
        Status::Finding
    } else if found.count(State::NotAsked) > 0 {
        Status::NotProven
    } else {
        Status::Done
    })
}

fn show(app: &mut App, found: &Findings) -> Result<()> {
    let [wrong, unasked] = [State::Wrong, State::NotAsked].map(|state| found.count(state));
    if app.json() {
        return app.print_json(&serde_json::json!({"lines": found.0, "wrong": wrong, "notAsked": unasked}));
    }
    let width = found.0.iter().map(|line| line.what.chars().count()).max().unwrap_or(0).min(24);
    let (mut text, mut area) = (String::new(), "");
    for line in &found.0 {
        if line.area != area {
            area = line.area;
            text.push_str(&format!("{area}\n"));
        }
        let mark = match line.state {
            State::Good => '✔',
            State::Set => '·',
            State::Note => '!',
            State::NotAsked => '?',
            State::Wrong => '✘',
        };
        text.push_str(&format!("  {mark} {:<width$}  {}\n", line.what, line.text));
    }
    text.push_str(&match (wrong, unasked) {
        (0, 0) => "ready: everything that is configured was asked for and answered\n".to_owned(),
        (0, unasked) => format!("nothing wrong, but {unasked} not asked: that is no pass\n"),
        (wrong, 0) => format!("{wrong} to put right before the day\n"),
        (wrong, unasked) => format!("{wrong} to put right before the day, {unasked} not asked\n"),
    });
    app.data(text)
}
