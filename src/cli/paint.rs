//! Colours with a meaning, where stdout is a terminal that shows them: none in a pipe, with `NO_COLOR` set, or on a dumb
//! terminal. What they mean always stands in words too.

use std::env;

use clap::builder::styling::{AnsiColor, Style};

use super::app::{App, printable};
use crate::core::check::Phase;
use crate::report::live::Tone;

/// What a colour means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// As it should be.
    Good,
    /// A person has to look.
    Warning,
    /// Act now, or something is wrong.
    Critical,
    /// Not known: no data, a failure to measure, not read.
    Unknown,
    /// What to read first.
    Strong,
    /// What can be read last.
    Soft,
}

/// Whether there are colours.
#[derive(Clone, Copy, Debug)]
pub struct Paint(bool);

impl Paint {
    /// As stdout shows them.
    #[must_use]
    pub fn of(app: &App) -> Self {
        let set = |name| env::var_os(name).filter(|value| !value.is_empty());
        let dumb = set("TERM").is_some_and(|term| term == "dumb");
        Self(app.live && set("NO_COLOR").is_none() && !dumb)
    }

    /// Text as a terminal may have it, in a colour.
    #[must_use]
    pub fn on(self, ink: Ink, text: impl AsRef<str>) -> String {
        let text = printable(text.as_ref());
        if !self.0 || text.is_empty() {
            return text;
        }
        let style = match ink {
            Ink::Good => AnsiColor::Green.on_default(),
            Ink::Warning => AnsiColor::Yellow.on_default(),
            Ink::Critical => AnsiColor::Red.on_default(),
            Ink::Unknown => AnsiColor::Magenta.on_default(),
            Ink::Strong => Style::new().bold(),
            Ink::Soft => Style::new().dimmed(),
        };
        format!("{style}{text}{style:#}")
    }
}

impl From<Option<Phase>> for Ink {
    fn from(phase: Option<Phase>) -> Self {
        match phase {
            Some(Phase::Pass) => Self::Good,
            Some(Phase::Warn) => Self::Warning,
            Some(Phase::Trigger) => Self::Critical,
            Some(Phase::NoData | Phase::Error) | None => Self::Unknown,
        }
    }
}

impl From<Tone> for Ink {
    fn from(tone: Tone) -> Self {
        match tone {
            Tone::Good => Self::Good,
            Tone::Plain => Self::Strong,
            Tone::Warning => Self::Warning,
            Tone::Critical => Self::Critical,
        }
    }
}
