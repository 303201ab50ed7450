//! A verdict as a class of the style sheet.

use super::model::{ItemStatus, Level, Report};
use crate::core::check::Phase;
use crate::core::event::{Delivery, Outcome, SignOutcome};

/// `good`, `warning`, `critical` or `plain`.
pub trait Tone {
    /// The class.
    fn tone(&self) -> &'static str;
}

impl Tone for Report {
    fn tone(&self) -> &'static str {
        let critical = self.attention.iter().any(|attention| attention.level == Level::Critical);
        match self.summary.outcome {
            _ if critical => "critical",
            Some(Outcome::Completed) => "good",
            Some(Outcome::Partly) => "critical",
            Some(Outcome::RolledBack | Outcome::Aborted | Outcome::NoGo) => "warning",
            None => "plain",
        }
    }
}

impl Tone for Option<Phase> {
    fn tone(&self) -> &'static str {
        match self {
            Some(Phase::Pass) => "good",
            Some(Phase::Trigger) => "critical",
            Some(_) => "warning",
            None => "plain",
        }
    }
}

impl Tone for ItemStatus {
    fn tone(&self) -> &'static str {
        match self {
            Self::Done => "good",
            Self::Failed => "critical",
            Self::Partly | Self::Na => "warning",
            Self::Open => "plain",
        }
    }
}

impl Tone for SignOutcome {
    fn tone(&self) -> &'static str {
        match self {
            Self::Done => "good",
            Self::Na => "warning",
            Self::Failed => "critical",
        }
    }
}

impl Tone for Delivery {
    fn tone(&self) -> &'static str {
        match self {
            Self::Sent => "good",
            Self::Failed => "critical",
            Self::Reported => "plain",
        }
    }
}
