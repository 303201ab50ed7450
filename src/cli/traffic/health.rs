//! Whether a colour answers, and whether the service works after its traffic has moved.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::sections;
use crate::cli::app::App;
use crate::cli::collect;
use crate::cli::desk::opened_bytes;
use crate::cli::open::frozen_check;
use crate::cli::recorder::Recorder;
use crate::cli::rollback::End;
use crate::config::Config;
use crate::core::check::{Check, HttpProbe, Phase, Probe, Reading};
use crate::core::event::{Colour, Event};
use crate::core::name::Label;
use crate::core::redact;
use crate::evidence::{self, Answer, Collected, Http, Request, Source as _};

/// How long Blue may take to answer after traffic has come back.
const PATIENCE: Duration = Duration::from_mins(1);

/// Asks the health addresses of a colour, and records what each says. Whether all are well.
///
/// # Errors
/// Where it cannot be recorded.
pub fn healthy(
    app: &mut App,
    recorder: &mut Recorder,
    config: &Config,
    service: &Label,
    colour: Colour,
) -> Result<bool> {
    let mut good = true;
    let urls: Vec<String> = sections(config, service)
        .filter_map(|section| section.health_url(colour))
        .map(str::to_owned)
        .collect();
    for url in urls {
        let reading = ask(app, config, &url);
        good &= reading.phase == Some(Phase::Pass);
        let detail = reading.detail.clone().unwrap_or_default();
        recorder.record(app, &[], |_| Ok(Event::EvidenceCollected(reading)))?;
        app.say(format!("  health of {service} on {}: {detail}", super::word(colour)));
    }
    Ok(good)
}

/// One question, as evidence of no check.
fn ask(app: &App, config: &Config, url: &str) -> Reading {
    let ca_file = config.check.iter().find_map(|check| match &check.probe {
        Probe::Http(probe) => probe.ca_file.clone(),
        _ => None,
    });
    let probe = HttpProbe {
        url: url.to_owned(),
        status: vec![(200, 399)],
        body_pattern: None,
        timeout_seconds: 5,
        ca_file,
    };
    let now = app.now();
    let window = crate::core::check::Window { from: now, to: now, period: 0 };
    let request = Request {
        window,
        now,
        baseline_days: 0,
        aggregate: Some(crate::core::check::Aggregate::Last),
        deployed: None,
    };
    let base = Reading {
        source: "http".into(),
        query: Some(format!("GET {}", redact::url(url))),
        window: Some(window),
        ..Reading::default()
    };
    match Http::new(probe, &app.home()).read(&request) {
        Ok(seen) => Reading {
            phase: Some(if seen.answer == Some(Answer::Yes) { Phase::Pass } else { Phase::Warn }),
            value: seen.points.first().map(|point| point.value.clone()),
            unit: seen.points.first().map(|_| "milliseconds".to_owned()),
            points: seen.points,
            samples: seen.samples,
            detail: seen.note,
            ..base
        },
        Err(error) => Reading { phase: Some(Phase::Error), detail: Some(error.to_string()), ..base },
    }
}

/// Collects a check now; nothing is recorded yet.
///
/// # Errors
/// Where the check is not what the deployment was opened with.
pub fn measure(app: &App, recorder: &Recorder, config: &Config, check: &Check) -> Result<Collected> {
    let source = evidence::source(check, &config.aws, &app.home());
    let request = Request::new(check, collect::window(check, app.now()), app.now());
    let request = collect::about(&recorder.desk, &recorder.id, request)?;
    let spec = collect::frozen(&recorder.desk, &recorder.id, check, &frozen_check(app, config, check))?;
    Ok(evidence::collect(&spec, source.as_ref(), &request))
}

/// Records what a check said.
///
/// # Errors
/// Where it cannot be recorded.
pub fn keep(app: &mut App, recorder: &mut Recorder, collected: Collected) -> Result<()> {
    let mut reading = collected.reading;
    recorder.record(app, &[], |openings| {
        if let Some(response) = collected.response {
            reading.response = Some(opened_bytes(response.bytes, &response.media_type, openings)?);
        }
        Ok(if reading.points.is_empty() {
            Event::EvidenceCollected(reading)
        } else {
            Event::MetricRead(reading)
        })
    })?;
    Ok(())
}

/// The smoke checks of some services, each once.
pub fn smoke<'a>(config: &'a Config, services: &[Label]) -> Vec<&'a Check> {
    let wanted = |check: &&Check| {
        services
            .iter()
            .any(|service| sections(config, service).any(|section| section.smoke.contains(&check.spec.id)))
    };
    config.check.iter().filter(wanted).collect()
}

/// Whether Blue answers again: its health addresses and the smoke checks, asked until they pass or a minute is over.
///
/// # Errors
/// Where it cannot be recorded.
pub fn verify(app: &mut App, recorder: &mut Recorder, config: &Config, services: &[Label]) -> Result<End> {
    let start = Instant::now();
    let urls: Vec<String> = services
        .iter()
        .flat_map(|service| {
            sections(config, service)
                .filter_map(|section| section.health_url(Colour::Blue))
                .map(str::to_owned)
        })
        .collect();
    let checks = smoke(config, services);
    if urls.is_empty() && checks.is_empty() {
        let detail =
            "nothing to ask: set `blue-health-url` and `smoke` under [[traffic]], or look by hand and say \
                      --manual verify-previous"
                .to_owned();
        return Ok(End { good: false, detail });
    }
    loop {
        let health: Vec<Reading> = urls.iter().map(|url| ask(app, config, url)).collect();
        let mut measured = Vec::new();
        for check in &checks {
            measured.push(
                measure(app, recorder, config, check).with_context(|| format!("the check {}", check.spec.id)),
            );
        }
        let passed = |reading: &Reading| reading.phase == Some(Phase::Pass);
        let good = health.iter().all(passed)
            && measured.iter().all(|one| one.as_ref().is_ok_and(|one| passed(&one.reading)));
        if !good && start.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_secs(1));
            continue;
        }
        let mut lines = vec![format!("after {} s:", start.elapsed().as_secs())];
        for reading in health {
            lines.push(format!(
                "{}: {}",
                reading.query.as_deref().unwrap_or_default(),
                reading.detail.as_deref().unwrap_or_default()
            ));
            recorder.record(app, &[], |_| Ok(Event::EvidenceCollected(reading)))?;
        }
        for one in measured {
            match one {
                Ok(one) => {
                    let reading = &one.reading;
                    let phase = reading.phase.map_or("no verdict", Phase::as_str);
                    lines.push(format!("{}: {phase}", reading.check.as_deref().unwrap_or_default()));
                    keep(app, recorder, one)?;
                }
                Err(error) => lines.push(format!("{error:#}")),
            }
        }
        return Ok(End { good, detail: lines.join("\n") });
    }
}
