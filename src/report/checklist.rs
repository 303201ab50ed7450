//! The completed checklist: the author's file with boxes ticked, who signed below each item, and one
//! block that says what it is the record of.

use std::collections::{BTreeMap, HashMap};

use askama::Template;

use super::build::Reader;
use super::model::{Attention, ItemStatus, Report, Text};
use super::{Input, ReportError, words};
use crate::core::check::Reading;
use crate::core::checklist::{By, Mark, escape_inline, render};
use crate::core::deployment::{ItemProgress, ItemState, Meta, Record, SignOff};
use crate::core::event::{Act, Colour, Decision, DecisionMade, SignOutcome};
use crate::core::opening::OpeningRef;

/// A note longer than this is cut in the checklist, in characters; the report has the whole.
const NOTE_MAX: usize = 1000;

#[derive(Template)]
#[template(path = "record_block.md", escape = "record-md", config = "templates/askama.toml")]
struct Block<'a> {
    r: &'a Report,
    /// Items that the author ticked and nobody signed.
    ticked_unsigned: Vec<String>,
    /// What became of the checklist's own text, where it is not there.
    checklist_text: Option<Text>,
    /// Items with their lines, where the checklist's own text is not there.
    without_text: Option<Vec<(String, bool, Vec<String>)>>,
}

impl Block<'_> {
    fn grave(&self) -> impl Iterator<Item = &Attention> {
        self.r.attention.iter().filter(|attention| attention.level < super::model::Level::Notice)
    }

    fn has_grave(&self) -> bool {
        self.grave().next().is_some()
    }

    fn text_state(&self) -> String {
        self.checklist_text.as_ref().map(|text| text.shown().into_owned()).unwrap_or_default()
    }
}

pub(super) fn checklist(input: &Input, data: &Report) -> Result<String, ReportError> {
    let reader = Reader::new(input);
    let mut marks = marks(&reader);
    let Some((text, parsed)) = reader.checklist()? else {
        let items = data.items.iter().map(|item| {
            let done = matches!(item.status, ItemStatus::Done | ItemStatus::Na);
            let lines = marks.remove(&item.id).map(|mark| mark.lines).unwrap_or_default();
            (item.id.clone(), done, lines)
        });
        let block = Block {
            r: data,
            ticked_unsigned: Vec::new(),
            checklist_text: Some(reader.text(&input.deployment.checklist.text)),
            without_text: Some(items.collect()),
        };
        return Ok(block.render()? + "\n");
    };
    let unsigned = parsed.items.iter().filter(|item| {
        let open = data.items.iter().any(|i| i.id == item.spec.id && i.status == ItemStatus::Open);
        item.ticked && open
    });
    let ticked_unsigned = unsigned.map(|item| item.spec.id.clone()).collect();
    let block = Block { r: data, ticked_unsigned, checklist_text: None, without_text: None }.render()?;
    Ok(render(&text, &parsed, &marks, &block))
}

fn marks(reader: &Reader) -> BTreeMap<String, Mark> {
    let deployment = reader.deployment();
    let mut sign_offs: HashMap<&str, Vec<&SignOff>> = HashMap::new();
    for sign_off in &deployment.sign_offs {
        sign_offs.entry(sign_off.body.item.as_str()).or_default().push(sign_off);
    }
    let latest: HashMap<&str, &Record<Reading>> =
        deployment.evidence.iter().filter_map(|r| Some((r.body.check.as_deref()?, r))).collect();
    let lines = Lines { reader, latest };
    let mut marks = BTreeMap::new();
    for progress in deployment.progress() {
        let own = sign_offs.remove(progress.spec.id.as_str()).unwrap_or_default();
        let mark = Mark { ticked: box_of(&progress, &own), lines: lines.of(&progress, &own) };
        marks.insert(progress.spec.id.clone(), mark);
    }
    marks
}

/// An item that no event is about stays as the author left it.
fn box_of(progress: &ItemProgress, own: &[&SignOff]) -> Option<bool> {
    match progress.state {
        ItemState::Done | ItemState::Na => Some(true),
        ItemState::Open if own.is_empty() => None,
        ItemState::Open | ItemState::Partly | ItemState::Failed => Some(false),
    }
}

struct Lines<'a> {
    reader: &'a Reader<'a>,
    latest: HashMap<&'a str, &'a Record<Reading>>,
}

impl Lines<'_> {
    fn of(&self, progress: &ItemProgress, own: &[&SignOff]) -> Vec<String> {
        let mut lines: Vec<String> = own.iter().map(|sign_off| self.sign_off(sign_off, progress)).collect();
        if let Some(by) = progress.spec.by.filter(|_| progress.state == ItemState::Done) {
            lines.extend(self.event(by));
        }
        lines.extend(self.overrides(progress));
        if let Some(check) = &progress.spec.check {
            lines.extend(self.latest.get(check.as_str()).map(|record| self.check(check, record)));
        }
        lines
    }

    fn sign_off(&self, sign_off: &SignOff, progress: &ItemProgress) -> String {
        let body = &sign_off.body;
        let counts = progress.counted.iter().any(|counted| counted.meta.seq == sign_off.meta.seq);
        let outcome = match body.outcome {
            SignOutcome::Done => "signed",
            SignOutcome::Na => "NOT APPLICABLE, signed",
            SignOutcome::Failed => "FAILED, signed",
        };
        let doubt = self.doubt(&sign_off.meta);
        let signed = format!("{doubt}**{outcome}** by {}", self.place(&sign_off.meta));
        let said =
            [&body.reason, &body.note].into_iter().flatten().map(|text| self.said(text)).collect::<String>();
        if let Some(withdrawn) = &sign_off.withdrawn {
            let (doubt, by) = (self.doubt(&withdrawn.meta), self.place(&withdrawn.meta));
            return format!("~~{signed}{said}~~ {doubt}**WITHDRAWN** by {by}{}", self.said(&withdrawn.body));
        }
        let why = if counts || !doubt.is_empty() {
            ""
        } else if sign_off.overtaken.is_some() {
            " *(older than the same person's newer word, and joined after it: it does not count)*"
        } else if body.checklist == self.reader.deployment().checklist.text.commit {
            " *(superseded by the same person's later sign-off)*"
        } else {
            " *(signed on a checklist that is not in force: it does not count)*"
        };
        format!("{signed}{said}{why}")
    }

    /// What stands before whatever the verifier found not to be rightly signed.
    fn doubt(&self, meta: &Meta) -> &'static str {
        if self.reader.deployment().distrusts(meta.seq) {
            "**NOT VERIFIED: it does not count, see the findings** · "
        } else {
            ""
        }
    }

    /// Who, when, key, entry.
    fn place(&self, meta: &Meta) -> String {
        let place = self.reader.place(meta);
        let delay = place.delay().map(|delay| format!(" ({delay})")).unwrap_or_default();
        format!(
            "{} · {}{delay} · key `{}` · entry {}",
            escape_inline(&place.signers()),
            meta.recorded.human(),
            place.keys(),
            meta.seq
        )
    }

    fn said(&self, reference: &OpeningRef) -> String {
        let text = self.reader.text(reference);
        let shown = text.shown();
        let cut: String = shown.chars().take(NOTE_MAX).collect();
        let more = shown.chars().count().saturating_sub(NOTE_MAX);
        let rest = if more > 0 {
            format!("… ({more} more characters in opening `{}`)", reference.commit)
        } else {
            String::new()
        };
        // No quotation mark of theirs ends the quotation.
        let words = escape_inline(&cut.replace(['“', '”', '„', '‟'], "\""));
        match text {
            Text::Shown { .. } => format!(" · “{words}{rest}”"),
            _ => format!(" · **{words}**"),
        }
    }

    /// The event that ticked an item by itself.
    fn event(&self, by: By) -> Option<String> {
        let deployment = self.reader.deployment();
        let over = |act: Act| matches!(act, Act::Done | Act::Observed);
        let decided = |which: Decision| {
            let found = deployment.trusted(&deployment.decisions).rev().find(|d| d.body.decision == which);
            found.map(|d| (format!("decision {}", words::decision(which)), &d.meta))
        };
        let (what, meta) = match by {
            By::Go => decided(Decision::Go),
            By::AllClear => decided(Decision::AllClear),
            By::Snapshot => {
                let found = deployment.trusted(&deployment.snapshots).find(|s| over(s.body.act));
                found.map(|s| (words::acted(&words::snapshot(&s.body), s.body.act), &s.meta))
            }
            By::Deploy => {
                let mut stages = deployment.trusted(&deployment.stages);
                let found = stages.find(|s| s.body.stage == *"deploy" && over(s.body.act));
                found.map(|s| (words::acted(&words::stage(&s.body), s.body.act), &s.meta))
            }
            By::Shift => {
                let full = |s: &&Record<crate::core::event::TrafficShifted>| {
                    over(s.body.act) && s.body.to == Colour::Green && s.body.percent == 100
                };
                let shifts = deployment.trusted(&deployment.shifts);
                let at = deployment.green_since();
                let found = shifts.clone().filter(full).find(|s| Some(s.meta.recorded) == at);
                found
                    .or_else(|| shifts.clone().rfind(full))
                    .map(|s| (words::acted(&words::shift(&s.body), s.body.act), &s.meta))
            }
        }?;
        Some(format!("**ticked** by {} · {}", escape_inline(&what), self.place(meta)))
    }

    fn overrides(&self, progress: &ItemProgress) -> Vec<String> {
        let item = format!("item/{}", progress.spec.id);
        let check = progress.spec.check.as_ref().map(|check| format!("check/{check}"));
        let about = |decision: &&Record<DecisionMade>| {
            let waives = decision.body.waives.as_ref().map(AsRef::as_ref);
            decision.body.decision == Decision::Override
                && waives.is_some_and(|waives| waives == item || Some(waives) == check.as_deref())
        };
        let decisions = self.reader.deployment().decisions.iter().filter(about);
        let line = |decision: &Record<DecisionMade>| {
            let waives = decision.body.waives.as_ref().map_or("", |waives| waives.as_str());
            format!(
                "{}**OVERRIDE** of the gate {}, without {}, by {}{}",
                self.doubt(&decision.meta),
                words::gate(decision.body.gate),
                escape_inline(waives),
                self.place(&decision.meta),
                self.said(&decision.body.reason)
            )
        };
        decisions.map(line).collect()
    }

    fn check(&self, check: &str, record: &Record<Reading>) -> String {
        let body = &record.body;
        let value = body.value.as_ref().map(|value| {
            let unit =
                body.unit.as_deref().map(|unit| format!(" {}", escape_inline(unit))).unwrap_or_default();
            format!(", {value}{unit}")
        });
        let verdict = words::phase(body.phase);
        let verdict = if verdict == "pass" {
            format!("**{verdict}**")
        } else {
            format!("**{}**", verdict.to_uppercase())
        };
        let value = value.unwrap_or_default();
        format!("check {}: {verdict}{value} · {}", escape_inline(check), self.place(&record.meta))
    }
}
