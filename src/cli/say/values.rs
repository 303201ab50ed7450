//! What the placeholders of a template stand for: what the record says now.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::cli::app::App;
use crate::cli::desk::Desk;
use crate::config::Config;
use crate::core::check::Phase;
use crate::core::deployment::Deployment;
use crate::core::event::{Act, Decision};
use crate::core::message::Value;
use crate::core::name::Token;
use crate::core::opening::{Opening, OpeningRef};
use crate::core::time::Timestamp;
use crate::report::word_of_trigger;

/// The values, by placeholder.
pub struct Values {
    known: BTreeMap<&'static str, Result<String, &'static str>>,
    set: BTreeMap<String, String>,
}

impl Values {
    /// As a deployment's entries and `aether.toml` say them.
    ///
    /// # Errors
    /// Where there is no such deployment, or nobody acts.
    pub fn of(app: &App, config: &Config, desk: &Desk, id: &Token) -> Result<Self> {
        let deployment = desk.deployment(id)?;
        let now = app.now();
        let mut known = BTreeMap::new();
        about(&mut known, deployment);
        configured(&mut known, config);
        progress(&mut known, deployment);
        back(&mut known, desk, deployment, now);
        let mut put = |name, value| known.insert(name, Ok(value));
        put("time", now.human());
        put("who", app.who()?.to_string());
        for (name, why) in
            [("text", "give --text"), ("window", "give --set window=…"), ("review", "give --set review=…")]
        {
            known.insert(name, Err(why));
        }
        for name in ["verified", "invitation"] {
            known.insert(name, Err("`rollback` knows it; else give it with --set"));
        }
        Ok(Self { known, set: BTreeMap::new() })
    }

    /// Gives a placeholder a value of its own; it may be a new one.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.set.insert(name.into(), value.into());
    }

    /// What a placeholder stands for.
    #[must_use]
    pub fn get(&self, name: &str) -> Value {
        if let Some(set) = self.set.get(name) {
            return Value::Known(set.clone());
        }
        match self.known.get(name) {
            Some(Ok(value)) => Value::Known(value.clone()),
            Some(Err(why)) => Value::None((*why).to_owned()),
            None => Value::Unknown,
        }
    }

    /// The same for a message that must go out: what is not known is said to be so.
    #[must_use]
    pub fn get_or_dash(&self, name: &str) -> Value {
        match self.get(name) {
            Value::None(_) => Value::Known("not known".into()),
            other => other,
        }
    }

    /// Every placeholder that there is.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.known.keys().copied().chain(self.set.keys().map(String::as_str))
    }
}

type Known = BTreeMap<&'static str, Result<String, &'static str>>;

fn about(known: &mut Known, deployment: &Deployment) {
    let opened = &deployment.opened.body;
    let commit = deployment.subject.iter().find(|subject| subject.digest().0 == "gitCommit");
    let commit = commit.map(|subject| subject.digest().1.chars().take(12).collect::<String>());
    let services: Vec<&str> = opened.services.iter().map(AsRef::as_ref).collect();
    known.insert("deployment", Ok(deployment.id.to_string()));
    known.insert("release", Ok(opened.release.to_string()));
    known.insert("environment", Ok(opened.environment.to_string()));
    known.insert("services", Ok(services.join(", ")));
    known.insert("commit", commit.ok_or("the record names no commit"));
    for role in ["lead-deployer", "comms-lead", "qa-engineer"] {
        known.insert(role, deployment.holder(role).map(ToString::to_string).ok_or("nobody holds this role"));
    }
    known.insert("verification-minutes", Ok(opened.policy.verification_minutes.to_string()));
    known.insert("standby-minutes", Ok(opened.policy.standby_minutes.to_string()));
}

fn configured(known: &mut Known, config: &Config) {
    let project = &config.project;
    for (name, value) in [
        ("project", &project.name),
        ("production-url", &project.production_url),
        ("dashboard-url", &project.dashboard_url),
        ("channel", &project.channel),
        ("workflow", &project.workflow),
    ] {
        known.insert(name, value.clone().ok_or("set it under [project] in aether.toml"));
    }
}

fn progress(known: &mut Known, deployment: &Deployment) {
    let shares = deployment.green_percent();
    let shares: Vec<String> =
        shares.into_iter().map(|(service, share)| format!("{service} {share} %")).collect();
    known.insert("percent", Ok(shares.join(", ")));
    known.insert("state", Ok(deployment.stage().as_str().to_owned()));
    let go = deployment.decisions.iter().rev().find(|d| d.body.decision == Decision::Go);
    known.insert("go-by", go.map(|go| go.meta.people()).ok_or("there is no go"));
    let stage = deployment.stages.last().map(|s| {
        let how = match s.body.act {
            Act::Intended => "begun",
            Act::Done | Act::Observed => "done",
            Act::Failed => "FAILED",
        };
        format!("{} {how}", s.body.stage)
    });
    known.insert("latest-stage", stage.ok_or("no stage is on record"));
    let green = "traffic is not at 100 % Green";
    let until = deployment.verification_window().map(|(_, to)| to.human());
    known.insert("verification-until", until.ok_or(green));
    known.insert("standby-until", deployment.standby_until().map(Timestamp::human).ok_or(green));
    known.insert("checks", checks(deployment).ok_or("no check has been collected"));
}

fn checks(deployment: &Deployment) -> Option<String> {
    let measured = deployment.opened.body.checks.iter().filter_map(|check| {
        let reading = &deployment.latest(&check.id)?.body;
        let phase = reading.phase.map_or("no verdict", Phase::as_str);
        let unit = reading.unit.as_ref().map_or(String::new(), |unit| format!(" {unit}"));
        let value = reading.value.as_ref().map_or(String::new(), |value| format!(" {value}{unit}"));
        Some(format!("{} {phase}{value}", check.id))
    });
    let all: Vec<String> = measured.collect();
    (!all.is_empty()).then(|| all.join(" · "))
}

fn back(known: &mut Known, desk: &Desk, deployment: &Deployment, now: Timestamp) {
    let none = "no rollback has begun";
    let started = deployment.rollbacks.last();
    let no_go = deployment.decisions.iter().rev().find(|d| d.body.decision == Decision::NoGo);
    let reason = started.map(|s| &s.body.reason).or(no_go.map(|d| &d.body.reason));
    known.insert(
        "reason",
        reason.and_then(|reason| said(desk, reason)).ok_or("no rollback and no no-go has one on record"),
    );
    let trigger = deployment.triggers.last().map(|t| {
        let check = t.body.check.as_ref().map(|check| format!(" ({check})")).unwrap_or_default();
        format!("{}{check}", word_of_trigger(t.body.trigger))
    });
    known.insert("trigger", trigger.ok_or("no trigger is on record"));
    let minutes = started.map(|s| ((now.millis() - s.meta.time.millis()) / 60_000).max(0).to_string());
    known.insert("rollback-minutes", minutes.ok_or(none));
    let outcome = deployment.rollback_ends.last().map(|end| format!("{:?}", end.body.outcome).to_uppercase());
    known.insert("outcome", outcome.ok_or("no rollback has ended"));
}

/// The text behind a commitment, where the ledger still has it.
fn said(desk: &Desk, reference: &OpeningRef) -> Option<String> {
    let bytes = desk.ledger.opening(&reference.commit).ok()??;
    let opening = Opening::from_file_bytes(&bytes).ok()?;
    String::from_utf8(opening.bytes).ok()
}
