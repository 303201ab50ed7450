//! The five steps of the way back: each is intended, done, and said so, and none that is done is done again.

use std::fmt::Write as _;

use anyhow::Result;

use super::review;
use crate::cli::app::App;
use crate::cli::desk::opened_text;
use crate::cli::files;
use crate::cli::recorder::Recorder;
use crate::cli::say::{SPEAKERS, Values, template};
use crate::cli::tell::{self, Outlet, tell};
use crate::config::Config;
use crate::core::deployment::Deployment;
use crate::core::event::{Act, Event, RollbackStep, StepName};
use crate::core::message::fill;
use crate::core::name::{Id, Label, Token};
use crate::core::opening::OpeningRef;
use crate::notify::Patience;

/// What a step came to.
pub struct End {
    /// Whether it did what it is for.
    pub good: bool,
    /// For the record.
    pub detail: String,
}

/// Whether a step of the rollback under way is on record as done.
#[must_use]
pub fn done(deployment: &Deployment, step: StepName, service: Option<&Label>) -> bool {
    let since = deployment.rollbacks.last().map_or(0, |started| started.meta.seq);
    deployment.rollback_steps.iter().any(|r| {
        r.meta.seq > since
            && r.body.step == step
            && (service.is_none() || r.body.service.is_none() || r.body.service.as_ref() == service)
            && matches!(r.body.act, Act::Done | Act::Observed)
    })
}

/// Takes a step, unless it is on record as done: the intention first, then how it ended. Whether it is done.
///
/// # Errors
/// Where it may not be recorded at all.
pub fn take(
    app: &mut App,
    recorder: &mut Recorder,
    step: StepName,
    service: Option<&Label>,
    act: impl FnOnce(&mut App, &mut Recorder) -> Result<End>,
) -> Result<bool> {
    if done(recorder.deployment()?, step, service) {
        return Ok(true);
    }
    let body = |act: Act, detail: Option<OpeningRef>, intent: Option<Id>| {
        Event::RollbackStep(RollbackStep { act, detail, intent, service: service.cloned(), step })
    };
    let intent = intend(app, recorder, step, service)?;
    let end = act(app, recorder).unwrap_or_else(|error| End { good: false, detail: format!("{error:#}") });
    if !end.good {
        app.warn(format!("{} failed: {}", super::name(step), end.detail.replace('\n', ": ")));
    }
    let how = if end.good { Act::Done } else { Act::Failed };
    recorder.record(app, &[], |openings| {
        let detail =
            (!end.detail.trim().is_empty()).then(|| opened_text(&end.detail, openings)).transpose()?;
        Ok(body(how, detail, Some(intent)))
    })?;
    Ok(end.good)
}

/// Records that a step begins, unless that is on record and its end is not; gives that statement's id.
///
/// # Errors
/// Where it may not be recorded at all.
pub fn intend(app: &mut App, recorder: &mut Recorder, step: StepName, service: Option<&Label>) -> Result<Id> {
    let body = |act: Act| {
        Event::RollbackStep(RollbackStep { act, detail: None, intent: None, service: service.cloned(), step })
    };
    let deployment = recorder.deployment()?;
    let since = deployment.rollbacks.last().map_or(0, |started| started.meta.seq);
    let own = |id: &&Id| deployment.rollback_steps.iter().any(|r| r.meta.id == **id && r.meta.seq > since);
    match deployment.open_intention(&body(Act::Done)).filter(own).cloned() {
        Some(intent) => Ok(intent),
        None => recorder.record(app, &[], |_| Ok(body(Act::Intended))),
    }
}

/// What messages of a rollback say beside what the ledger knows.
pub struct Saying<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// Where they go.
    pub outlets: &'a [Outlet],
    /// Values that only this command knows.
    pub set: Vec<(&'static str, String)>,
}

impl Saying<'_> {
    /// Sends a message, each channel once and for three seconds at most, and records it where `--as` may.
    ///
    /// # Errors
    /// Where there is no such template.
    pub fn send(&self, app: &mut App, recorder: &mut Recorder, name: &str) -> Result<End> {
        let template = Token::new(name)?;
        let text = self.text(app, recorder, &template)?;
        let about = tell::about(&recorder.desk, &recorder.id)?;
        let said = tell(self.outlets, &text, Some(&template), &about, Patience::URGENT);
        let speaks = recorder.acts_as(app, &SPEAKERS)?;
        let mut detail = String::new();
        for one in &said {
            let taken = if one.sent.taken { "told" } else { "NOT told" };
            let _ = writeln!(detail, "{}: {taken}: {}", one.channel, one.sent.answer.replace('\n', ": "));
            if speaks {
                recorder
                    .record(app, &SPEAKERS, |openings| tell::event(one, &text, Some(&template), openings))?;
            }
        }
        if !speaks {
            let _ = write!(detail, "\n{text}");
        }
        Ok(End { good: said.iter().all(|one| one.sent.taken), detail })
    }

    /// The project's template, or the program's where that cannot be used: a message must go out.
    fn text(&self, app: &mut App, recorder: &Recorder, name: &Token) -> Result<String> {
        let mut values = Values::of(app, self.config, &recorder.desk, &recorder.id)?;
        for (key, value) in &self.set {
            values.set(*key, value);
        }
        let filled = template::read(&app.home(), name)
            .and_then(|(text, _)| Ok(fill(&text, &|name| values.get_or_dash(name))?))
            .and_then(|text| if text.is_empty() { anyhow::bail!("the template is empty") } else { Ok(text) });
        filled.or_else(|error| {
            app.warn(format!("the template {name} cannot be used ({error:#}): the program's own is sent"));
            Ok(fill(template::fallback(name.as_str())?, &|name| values.get_or_dash(name))?)
        })
    }
}

/// Writes the invitation beside the record and sends the message.
///
/// # Errors
/// Where the file cannot be written.
pub fn schedule(app: &mut App, recorder: &mut Recorder, saying: &mut Saying) -> Result<End> {
    let deployment = recorder.deployment()?;
    let started = deployment.rollbacks.last().map(|started| started.meta.id.clone());
    let uid = format!(
        "{}@{}",
        started.map_or_else(|| recorder.id.to_string(), |id| id.to_string()),
        recorder.desk.log.origin
    );
    let date = review::date(app.now());
    let summary = format!("Incident review: {} was rolled back", deployment.opened.body.release);
    let people = deployment.holdings.iter().filter(|holding| holding.until.is_none());
    let people: Vec<String> =
        people.map(|holding| format!("{} ({})", holding.person, holding.role)).collect();
    let description = format!("With {}.\nThe record: records/{}", people.join(", "), recorder.id);
    // Beside the record's folder: what lies in there is signed.
    let folder = app.home().join("records");
    let name = format!("incident-review-{}.ics", recorder.id);
    let path = folder.join(&name);
    let written = files::make_folder(&folder).and_then(|()| {
        let text = review::invitation(&uid, date, app.now(), &summary, &description);
        files::write(&path, text.as_bytes())
    });
    saying.set.push(("review", review::words(date)));
    saying.set.push(("invitation", format!("records/{name}")));
    let sent = if saying.outlets.is_empty() {
        End { good: true, detail: String::new() }
    } else {
        saying.send(app, recorder, "review")?
    };
    let file = match &written {
        Ok(()) => format!("{}, {}", path.display(), review::words(date)),
        Err(error) => format!("{error:#}"),
    };
    Ok(End { good: written.is_ok() && sent.good, detail: format!("{file}\n{}", sent.detail) })
}
