//! The systems that acts are made on: DNS, databases, GitHub, the channel; and this machine's clock beside another.

use std::time::Duration;

use super::{Findings, Room, State};
use crate::cli::app::App;
use crate::core::event::Colour;
use crate::core::traffic::Traffic;
use crate::remote::aws::rds::Rds;
use crate::remote::aws::route53::{Now, Route53};
use crate::remote::aws::{Connection, dashboard};
use crate::remote::{github, http};

/// Seconds that two clocks may differ and nobody has to know, and that a ledger shared by both still takes.
const CLOCK: (u64, u64) = (5, 60);

pub fn look(app: &App, room: &Room, found: &mut Findings) {
    clock(app, room, found);
    aws(room, found);
    workflow(room, found);
    channel(room, found);
}

fn clock(app: &App, room: &Room, found: &mut Findings) {
    let (production, aws) = (room.config.project.production_url.clone(), &room.config.aws);
    let service = || aws.region.as_ref().map(|region| format!("https://sts.{region}.amazonaws.com/"));
    let others = [
        ("the production URL", production),
        ("the AWS endpoint", aws.endpoint_url.clone()),
        ("AWS", if aws.endpoint_url.is_none() { service() } else { None }),
    ];
    if others.iter().all(|(_, url)| url.is_none()) {
        return;
    }
    let mut say = |state, text: String| found.push("systems", "clock", state, text);
    if room.offline {
        return say(State::NotAsked, "not compared (--offline)".to_owned());
    }
    let asked = others.into_iter().find_map(|(whose, url)| {
        let before = app.now().millis();
        let theirs = http::server_time(&url?, Duration::from_secs(10))?;
        // Halfway through the exchange; a Date is cut to its second.
        let ours = i64::midpoint(before, app.now().millis());
        Some((whose, (theirs * 1000 + 500).abs_diff(ours) / 1000))
    });
    let Some((whose, apart)) = asked else {
        let text = "nobody who was asked tells the time: compare this clock yourself";
        return say(State::NotAsked, text.to_owned());
    };
    let text = format!("{apart} s from that of {whose}");
    if apart <= CLOCK.0 {
        say(State::Good, text);
    } else if apart <= CLOCK.1 {
        say(State::Note, format!("{text}: let NTP set it"));
    } else {
        say(State::Wrong, format!("{text}: entries are refused two minutes ahead; let NTP set it"));
    }
}

fn aws(room: &Room, found: &mut Findings) {
    let (traffic, databases) = (&room.config.traffic, &room.config.database);
    if traffic.is_empty() {
        let text =
            "no [[traffic]] in aether.toml: `shift` and `rollback` cannot move traffic, people have to";
        found.push("systems", "traffic", State::Note, text);
    }
    if databases.is_empty() {
        let text = "no [[database]] in aether.toml: `snapshot` cannot take one, people have to";
        found.push("systems", "database", State::Note, text);
    }
    let dashboard = room.config.project.dashboard_url.as_deref().and_then(dashboard::name_in);
    if traffic.is_empty() && databases.is_empty() && dashboard.is_none() {
        return;
    }
    let connection = if room.offline { None } else { Some(Connection::open(&room.config.aws)) };
    if let Some(name) = dashboard {
        let (state, text) = match &connection {
            None => (State::NotAsked, "not asked (--offline)".to_owned()),
            Some(Err(error)) => (State::Wrong, error.to_string()),
            Some(Ok(connection)) => match dashboard::is_there(connection, name) {
                Ok(true) => (State::Good, format!("CloudWatch has {name}")),
                Ok(false) => {
                    (State::Wrong, format!("CloudWatch has no dashboard {name}: correct dashboard-url"))
                }
                Err(error) => (State::Wrong, error.to_string()),
            },
        };
        found.push("systems", "dashboard", state, text);
    }
    for one in traffic {
        let (state, text) = match &connection {
            None => (State::NotAsked, "not asked (--offline)".to_owned()),
            Some(Err(error)) => (State::Wrong, error.to_string()),
            Some(Ok(connection)) => record(connection, one),
        };
        found.push("systems", format!("traffic {}", one.service), state, text);
        for (name, colour) in [("blue", Colour::Blue), ("green", Colour::Green)] {
            if one.health_url(colour).is_none() {
                let text = format!("no {name}-health-url: nobody looks before traffic goes there");
                found.push("systems", format!("traffic {}", one.service), State::Note, text);
            }
        }
    }
    for database in databases {
        let (state, text) = match &connection {
            None => (State::NotAsked, "not asked (--offline)".to_owned()),
            Some(Err(error)) => (State::Wrong, error.to_string()),
            Some(Ok(connection)) => match Rds(connection).needs(database) {
                Ok(Some(needs)) => (State::Good, format!("{} {}", needs.engine, needs.version)),
                Ok(None) => {
                    (State::Wrong, "RDS has no such database: correct [[database]] in aether.toml".to_owned())
                }
                Err(error) => (State::Wrong, error.to_string()),
            },
        };
        found.push("systems", format!("database {}", database.id), state, text);
    }
}

fn record(connection: &Connection, traffic: &Traffic) -> (State, String) {
    let standing = match Route53(connection).standing(traffic) {
        Ok(standing) => standing,
        Err(error) => return (State::Wrong, error.to_string()),
    };
    if let Err(error) = standing.plan(traffic, 100).and_then(|_| standing.plan(traffic, 0)) {
        return (State::Wrong, error.to_string());
    }
    let now = match &standing.now {
        Now::All(Colour::Blue) => "all on Blue".to_owned(),
        Now::All(Colour::Green) => "all on Green".to_owned(),
        Now::Split { green } => format!("{green} % on Green"),
        Now::Elsewhere(where_to) => {
            return (State::Wrong, format!("{} leads to neither colour: {where_to}", traffic.record));
        }
    };
    let text = format!("{} {}, {now}, TTL {} s", traffic.record, traffic.kind, standing.ttl);
    if standing.ttl > traffic.max_ttl {
        return (State::Wrong, format!("{text}, more than {} s: lower it a day before", traffic.max_ttl));
    }
    (State::Good, text)
}

fn workflow(room: &Room, found: &mut Findings) {
    let settings = &room.config.github;
    let mut say = |state, text: String| found.push("systems", "GitHub", state, text);
    let (Some(_), Some(workflow)) = (&settings.repository, &settings.workflow) else {
        return say(
            State::Note,
            "no repository and workflow under [github]: `deploy` cannot start it".to_owned(),
        );
    };
    if room.offline {
        return say(State::NotAsked, "not asked (--offline)".to_owned());
    }
    let asked = github::Client::new(settings).and_then(|client| Ok((client.workflow(workflow)?, client)));
    match asked {
        Ok((found, client)) => {
            say(State::Good, format!("{}: the workflow {}", client.repository(), found.path));
        }
        Err(error) => say(State::Wrong, error.to_string()),
    }
}

fn channel(room: &Room, found: &mut Findings) {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let config = room.config;
    let slack = ["AETHER_AUDIT_SLACK_WEBHOOK", "AETHER_AUDIT_SLACK_TOKEN"].into_iter().find(|name| set(name));
    let (state, text) = match slack {
        Some(name) => (State::Set, format!("{name} is set, not asked; `aether-audit say` tries it, which the channel sees")),
        None if config.slack.wanted => (
            State::Wrong,
            "[slack] is configured, and neither AETHER_AUDIT_SLACK_WEBHOOK nor AETHER_AUDIT_SLACK_TOKEN is set".to_owned(),
        ),
        None => (State::Note, "messages are for people to send and to record: no [slack]".to_owned()),
    };
    found.push("systems", "Slack", state, text);
    if let Some(name) = &config.webhook.url_env {
        let (state, text) = if set(name) {
            (State::Set, "is set, not asked")
        } else {
            (State::Wrong, "is not set in the environment")
        };
        found.push("systems", "webhook", state, format!("{name} {text}"));
    }
}
