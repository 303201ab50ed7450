//! `retro.html` and `retro.md`: no script, nothing from elsewhere.

use askama::Template;

use super::model::{Deployed, Retro, human_seconds};
use super::plots::{self, Bars, Spans};
use crate::core::event::Outcome;
use crate::core::retro::{Dora, Spread};
use crate::core::time::Timestamp;
use crate::report::ReportError;

/// A figure's name, its value and its definition.
type Line = (&'static str, String, &'static str);

macro_rules! page {
    ($(#[$doc:meta])* $name:ident, $path:literal, $escape:literal) => {
        $(#[$doc])*
        #[derive(Template)]
        #[template(path = $path, escape = $escape, config = "templates/askama.toml")]
        #[allow(dead_code)] // only the page is drawn
        struct $name<'a> {
            r: &'a Retro,
            lines: Vec<Line>,
            css: &'static str,
            bars: Option<Bars>,
            spans: Option<Spans>,
        }

        #[allow(clippy::unused_self, clippy::trivially_copy_pass_by_ref, dead_code)] // called from the templates, each by the one that needs it
        impl $name<'_> {
            fn day(&self, at: &Timestamp) -> String {
                at.to_utc().format("%Y-%m-%d").to_string()
            }

            fn time(&self, seconds: &f64) -> String {
                human_seconds(*seconds)
            }

            fn median(&self, spread: Option<&Spread>) -> String {
                spread.map_or_else(|| "not known".to_owned(), |spread| human_seconds(spread.median))
            }

            fn frequency(&self) -> String {
                self.r.figures.dora.per_day.map_or_else(|| "not known".to_owned(), |rate| format!("{rate:.2} a day"))
            }

            fn failure(&self) -> String {
                let share = self.r.figures.dora.change_failure.share;
                share.map_or_else(|| "not known".to_owned(), |share| format!("{:.1} %", share * 100.0))
            }

            fn tone(&self) -> &'static str {
                tone(self.r)
            }

            fn word(&self) -> &'static str {
                word(self.r)
            }

            fn state_tone(&self, one: &Deployed) -> &'static str {
                state_tone(one)
            }

            fn remarks(&self, one: &Deployed) -> String {
                one.remarks()
            }
        }
    };
}

page!(Page, "retro.html", "record-html");
page!(Text, "retro.md", "record-md");

/// What is said in large letters, worst first.
fn word(retro: &Retro) -> &'static str {
    match &retro.reconciliation {
        Some(held) if !held.unrecorded.is_empty() => "Deployed without a record",
        _ if !retro.population.gaps.is_empty() => "The log has gaps",
        _ => match retro.grounds.state {
            "verified" => "Verified",
            "checked" => "Checked, not proven",
            "partly" => "Partly verified",
            "another-ledger" => "Not the ledger that was verified",
            _ => "Not verified",
        },
    }
}

fn tone(retro: &Retro) -> &'static str {
    match word(retro) {
        "Verified" => "good",
        "Partly verified" | "Checked, not proven" | "Not verified" => "warning",
        _ => "critical",
    }
}

/// The tone of a deployment's state, as the plot has it too.
pub(super) fn state_tone(one: &Deployed) -> &'static str {
    match one.outcome {
        _ if one.failed => "critical",
        Some(Outcome::Completed) => "good",
        Some(_) => "warning",
        None => "plain",
    }
}

/// DORA's four, as people read them.
#[must_use]
pub fn dora_lines(retro: &Retro) -> Vec<Line> {
    let dora = &retro.figures.dora;
    let spread = |spread: Option<&Spread>| match spread {
        Some(spread) => {
            format!(
                "median {}, p90 {} ({})",
                human_seconds(spread.median),
                human_seconds(spread.p90),
                spread.count
            )
        }
        None => "not known".to_owned(),
    };
    let frequency = match dora.per_day {
        Some(_) if retro.period.days() < 1.0 => format!("{} in less than a day", dora.deployed),
        Some(rate) => format!("{rate:.2} a day ({} in {:.1} days)", dora.deployed, retro.period.days()),
        None => "not known".to_owned(),
    };
    let mut lead = spread(dora.lead_time.as_ref());
    if dora.lead_time_unknown > 0 {
        lead.push_str(&format!("; not known of {}", dora.lead_time_unknown));
    }
    let rate = &dora.change_failure;
    let failure = match rate.share {
        Some(share) => format!("{:.1} % ({} of {})", share * 100.0, rate.count, rate.of),
        None => "not known: none reached production".to_owned(),
    };
    let mut restore = match (rate.count, &dora.restore) {
        (0, _) => "nothing to restore".to_owned(),
        (_, restore) => spread(restore.as_ref()),
    };
    if dora.not_restored > 0 {
        restore.push_str(&format!("; {} not restored", dora.not_restored));
    }
    let values = [frequency, lead, failure, restore].into_iter();
    values
        .zip(Dora::DEFINITIONS)
        .map(|(value, (_, definition))| {
            let (name, meaning) = definition.split_once(": ").unwrap_or((definition, ""));
            (name, value, meaning)
        })
        .collect()
}

/// `retro.html`.
///
/// # Errors
/// Where the template cannot be filled, which is a mistake of the program.
pub fn to_html(retro: &Retro) -> Result<String, ReportError> {
    let css = include_str!("../../../templates/report.css");
    let (bars, spans) = (plots::bars(retro), plots::spans(retro));
    Ok(Page { r: retro, lines: dora_lines(retro), css, bars, spans }.render()?)
}

/// `retro.md`.
///
/// # Errors
/// As [`to_html`].
pub fn to_markdown(retro: &Retro) -> Result<String, ReportError> {
    Ok(Text { r: retro, lines: dora_lines(retro), css: "", bars: None, spans: None }.render()?)
}
