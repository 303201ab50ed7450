//! The switch: one service's traffic to one colour, through Route 53, recorded before and after. Whoever was
//! interrupted runs it again: it looks at reality first.

mod confirm;
mod health;
mod probe;

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::app::App;
use super::desk::opened_text;
use super::recorder::Recorder;
use crate::config::Config;
use crate::core::event::{Act, Colour, Event, TrafficShifted};
use crate::core::name::{Id, Label};
use crate::core::opening::OpeningRef;
use crate::core::traffic::Traffic;
use crate::remote::aws::Connection;
use crate::remote::aws::route53::{Change, Now, RecordSet, Route53, Standing};
pub use health::{healthy, keep, measure, smoke, verify};
pub use probe::Probe;

/// How long a change may take to reach all of Route 53's name servers; it takes a minute at most, says AWS.
const SYNC: Duration = Duration::from_mins(3);

/// The sections of `aether.toml` that move a service's traffic.
pub fn sections<'a>(config: &'a Config, service: &'a Label) -> impl Iterator<Item = &'a Traffic> {
    config.traffic.iter().filter(move |section| section.service == service.as_str())
}

/// What a movement came to.
pub struct Moved {
    /// Whether all name servers and all resolvers that were asked answer by it.
    pub confirmed: bool,
    /// For the record.
    pub detail: String,
}

/// Moves traffic.
pub struct Switch<'a> {
    config: &'a Config,
    connection: Option<Connection>,
    /// Changes that were asked for and not waited for yet.
    begun: Vec<(Label, Vec<Change>)>,
}

impl<'a> Switch<'a> {
    /// Nothing is asked yet.
    #[must_use]
    pub const fn new(config: &'a Config) -> Self {
        Self { config, connection: None, begun: Vec::new() }
    }

    /// Whether a section of `aether.toml` moves this service.
    #[must_use]
    pub fn moves(&self, service: &Label) -> bool {
        sections(self.config, service).next().is_some()
    }

    fn connect(&mut self) -> Result<&Connection> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(&self.config.aws)?,
        };
        Ok(self.connection.insert(connection))
    }

    /// Where each record of a service sends traffic now.
    ///
    /// # Errors
    /// Where Route 53 does not say.
    pub fn look(&mut self, service: &Label) -> Result<Vec<(&'a Traffic, Standing)>> {
        let config = self.config;
        let connection = self.connect()?;
        let all = config.traffic.iter().filter(|section| section.service == service.as_str());
        all.map(|section| Ok((section, Route53(connection).standing(section)?))).collect()
    }

    /// All of it to Blue.
    ///
    /// # Errors
    /// As [`Switch::shift`].
    pub fn revert(&mut self, app: &mut App, recorder: &mut Recorder, service: &Label) -> Result<Moved> {
        self.shift(app, recorder, service, Colour::Blue, 100)
    }

    /// `percent` of it to `to`: looks, records the intention, changes, waits, and records how it ended.
    ///
    /// # Errors
    /// Where it may not be recorded, or could not be done; then that is on record.
    pub fn shift(
        &mut self,
        app: &mut App,
        recorder: &mut Recorder,
        service: &Label,
        to: Colour,
        percent: u8,
    ) -> Result<Moved> {
        let green = if to == Colour::Green { percent } else { 100 - percent };
        let event = |act: Act, detail: Option<OpeningRef>, intent: Option<Id>| {
            Event::TrafficShifted(TrafficShifted {
                act,
                detail,
                intent,
                percent,
                service: service.clone(),
                to,
            })
        };
        let standings = self.look(service)?;
        Self::resolve(app, recorder, service, &standings, (to, percent))?;
        let open = recorder.deployment()?.open_intention(&event(Act::Done, None, None)).cloned();
        let there = standings.iter().all(|(_, standing)| at(standing, green));
        if there && open.is_none() {
            let detail = self.confirm(app, &standings, green);
            if recorder.deployment()?.green_percent().get(service) != Some(&green) {
                recorder.record(app, &[], |openings| {
                    let text = format!("found so in Route 53\n{}", detail.detail);
                    Ok(event(Act::Observed, Some(opened_text(&text, openings)?), None))
                })?;
            }
            return Ok(detail);
        }
        if to == Colour::Green
            && let Some(strange) = standings
                .iter()
                .find_map(|(_, s)| if let Now::Elsewhere(words) = &s.now { Some(words) } else { None })
        {
            bail!("{service}: {strange}: put that right before its traffic moves");
        }
        let plans = plans(&standings, green)?;
        let intent = match open {
            Some(intent) => intent,
            None => recorder.record(app, &[], |_| Ok(event(Act::Intended, None, None)))?,
        };
        app.say(format!("{service}: {percent} % to {}", word(to)));
        let changes = match self.begun.iter().position(|(begun, _)| begun == service) {
            Some(at) => Ok(self.begun.swap_remove(at).1),
            None => self.change(&plans, &comment(recorder, service, to, percent)),
        };
        let changed = changes.and_then(|changes| self.wait(app, changes));
        let moved = match changed {
            Ok(synced) => {
                let confirmed = match self.look(service) {
                    Ok(standings) => self.confirm(app, &standings, green),
                    Err(error) => {
                        Moved { confirmed: false, detail: format!("resolvers: not asked ({error:#})") }
                    }
                };
                Ok(Moved {
                    confirmed: synced.confirmed && confirmed.confirmed,
                    detail: format!("{}\n{}", synced.detail, confirmed.detail),
                })
            }
            // The answer may be what was lost: reality says.
            Err(error) => match self.look(service) {
                Ok(standings) if standings.iter().all(|(_, standing)| at(standing, green)) => {
                    let confirmed = self.confirm(app, &standings, green);
                    Ok(Moved {
                        detail: format!("{error:#}; but Route 53 has it so\n{}", confirmed.detail),
                        ..confirmed
                    })
                }
                _ => Err(error),
            },
        };
        let (act, detail) = match &moved {
            Ok(moved) => (Act::Done, moved.detail.clone()),
            Err(error) => (Act::Failed, format!("{error:#}")),
        };
        recorder.record(app, &[], |openings| {
            Ok(event(act, Some(opened_text(&detail, openings)?), Some(intent)))
        })?;
        moved
    }

    /// Intentions of other movements of this service whose end nobody recorded: reality says how each ended.
    fn resolve(
        app: &mut App,
        recorder: &mut Recorder,
        service: &Label,
        standings: &[(&Traffic, Standing)],
        except: (Colour, u8),
    ) -> Result<()> {
        let shifts = &recorder.deployment()?.shifts;
        let ended = |id: &Id| shifts.iter().any(|shift| shift.body.intent.as_ref() == Some(id));
        let open: Vec<(Id, Colour, u8)> = shifts
            .iter()
            .filter(|s| s.body.act == Act::Intended && s.body.service == *service && !ended(&s.meta.id))
            .filter(|s| (s.body.to, s.body.percent) != except)
            .map(|s| (s.meta.id.clone(), s.body.to, s.body.percent))
            .collect();
        for (id, to, percent) in open {
            let green = if to == Colour::Green { percent } else { 100 - percent };
            let there = standings.iter().all(|(_, standing)| at(standing, green));
            let (act, text) = if there {
                (Act::Done, "interrupted; found so in Route 53 afterwards")
            } else {
                (Act::Failed, "interrupted; not found so in Route 53 afterwards")
            };
            recorder.record(app, &[], |openings| {
                let detail = Some(opened_text(text, openings)?);
                Ok(Event::TrafficShifted(TrafficShifted {
                    act,
                    detail,
                    intent: Some(id),
                    percent,
                    service: service.clone(),
                    to,
                }))
            })?;
        }
        Ok(())
    }

    /// All of it to Blue, without waiting: the intention is recorded and the change asked for, so that several services
    /// go back at once. [`Switch::to_blue`] takes it from there.
    ///
    /// # Errors
    /// Where it may not be recorded, or Route 53 does not take the change; then [`Switch::to_blue`] tries again.
    pub fn begin_revert(&mut self, app: &mut App, recorder: &mut Recorder, service: &Label) -> Result<()> {
        let (to, percent) = (Colour::Blue, 100);
        let event = |act: Act| {
            let service = service.clone();
            Event::TrafficShifted(TrafficShifted { act, detail: None, intent: None, percent, service, to })
        };
        let standings = self.look(service)?;
        if standings.iter().all(|(_, standing)| at(standing, 0)) {
            return Ok(());
        }
        Self::resolve(app, recorder, service, &standings, (to, percent))?;
        let plans = plans(&standings, 0)?;
        if recorder.deployment()?.open_intention(&event(Act::Done)).is_none() {
            recorder.record(app, &[], |_| Ok(event(Act::Intended)))?;
        }
        let changes = self.change(&plans, &comment(recorder, service, to, percent))?;
        self.begun.push((service.clone(), changes));
        Ok(())
    }

    /// Writes the record sets, a batch for each zone.
    fn change(&mut self, plans: &[(&Traffic, Vec<RecordSet>)], comment: &str) -> Result<Vec<Change>> {
        let route53 = Route53(self.connect()?);
        let mut changes = Vec::new();
        let mut zones: Vec<&str> = plans.iter().map(|(section, _)| section.zone.as_str()).collect();
        zones.sort_unstable();
        zones.dedup();
        for zone in zones {
            let sets: Vec<RecordSet> = plans
                .iter()
                .filter(|(section, _)| section.zone == zone)
                .flat_map(|(_, sets)| sets.clone())
                .collect();
            changes.push(route53.change(zone, &sets, comment)?);
        }
        Ok(changes)
    }

    /// Waits until all name servers answer by the changes.
    fn wait(&mut self, app: &mut App, mut changes: Vec<Change>) -> Result<Moved> {
        let route53 = Route53(self.connect()?);
        let start = Instant::now();
        let mut pause = Duration::from_millis(250);
        let ids: Vec<String> = changes.iter().map(|change| change.id.clone()).collect();
        let ids = ids.join(", ");
        loop {
            // A question that fails is asked again: the change itself was taken.
            for change in changes.iter_mut().filter(|change| !change.insync) {
                if let Ok(now) = route53.status(&change.id) {
                    change.insync = now.insync;
                }
            }
            let seconds = start.elapsed().as_secs();
            if changes.iter().all(|change| change.insync) {
                app.say(format!("  Route 53: INSYNC after {seconds} s"));
                return Ok(Moved {
                    confirmed: true,
                    detail: format!("Route 53: change {ids} INSYNC after {seconds} s"),
                });
            }
            if start.elapsed() > SYNC {
                let detail = format!("Route 53: change {ids} still PENDING after {seconds} s");
                app.warn(&detail);
                return Ok(Moved { confirmed: false, detail });
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }

    /// Asks the resolvers until they have noticed; only a whole movement can be seen there.
    fn confirm(&self, app: &mut App, standings: &[(&Traffic, Standing)], green: u8) -> Moved {
        if !matches!(green, 0 | 100) {
            return Moved { confirmed: true, detail: "resolvers: not asked, they answer with both".into() };
        }
        let (mut confirmed, mut details) = (true, Vec::new());
        for (section, standing) in standings {
            let seen = confirm::all(&self.config.dns, section, standing);
            app.say(format!("  {}", seen.detail));
            confirmed &= seen.confirmed;
            details.push(seen.detail);
        }
        if !confirmed {
            app.warn("not every resolver answers with the new target");
        }
        Moved { confirmed, detail: details.join("\n") }
    }
}

fn plans<'a>(standings: &[(&'a Traffic, Standing)], green: u8) -> Result<Vec<(&'a Traffic, Vec<RecordSet>)>> {
    standings.iter().map(|(section, standing)| Ok((*section, standing.plan(section, green)?))).collect()
}

fn comment(recorder: &Recorder, service: &Label, to: Colour, percent: u8) -> String {
    format!("aether-audit {}: {percent} % of {service} to {}", recorder.id, word(to))
}

/// Whether so much goes to Green.
#[must_use]
pub fn at(standing: &Standing, green: u8) -> bool {
    match standing.now {
        Now::All(Colour::Blue) => green == 0,
        Now::All(Colour::Green) => green == 100,
        Now::Split { green: share } => green == share,
        Now::Elsewhere(_) => false,
    }
}

/// Where traffic goes, for people.
#[must_use]
pub fn standing_words(standing: &Standing) -> String {
    match &standing.now {
        Now::All(colour) => format!("all on {}", word(*colour)),
        Now::Split { green } => format!("{green} % on Green"),
        Now::Elsewhere(words) => words.clone(),
    }
}

/// A colour, for people.
#[must_use]
pub const fn word(colour: Colour) -> &'static str {
    match colour {
        Colour::Blue => "Blue",
        Colour::Green => "Green",
    }
}
