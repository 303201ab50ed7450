//! Exit statuses, and the errors that have one of their own.

use std::fmt;

use crate::core::deployment::Missing;
use crate::ledger::LedgerError;

/// What the process ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// 0: done; for `verify`, everything checked and anchored.
    Done,
    /// 1: a finding, or a gate that refuses.
    Finding,
    /// 2: it could not run.
    CouldNotRun,
    /// 3: a rollback limit is breached.
    Breached,
    /// 4: not proven.
    NotProven,
}

impl Status {
    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// A gate or the who-may table refuses: exit status 1.
#[derive(Debug)]
pub struct Refused {
    /// What was to be done.
    pub what: String,
    /// What is missing, one a line.
    pub missing: Vec<String>,
    /// What to type now.
    pub next: String,
}

impl Refused {
    /// A gate with what it misses.
    pub fn gate(what: impl Into<String>, missing: &[Missing], next: impl Into<String>) -> Self {
        let missing = missing
            .iter()
            .map(|m| if m.waivable { format!("{} ({})", m.text, m.requirement) } else { m.text.clone() })
            .collect();
        Self { what: what.into(), missing, next: next.into() }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused: {}", self.what)?;
        for missing in &self.missing {
            write!(f, "\n  - {missing}")?;
        }
        if !self.next.is_empty() {
            write!(f, "\n{}", self.next)?;
        }
        Ok(())
    }
}

impl std::error::Error for Refused {}

/// An entry stands; what failed came after it. Context of that error.
#[derive(Clone, Copy, Debug)]
pub struct Recorded(
    /// Its `seq`.
    pub u64,
);

impl fmt::Display for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {} is recorded and stays: do not record it again. What failed came after it", self.0)
    }
}

/// The exit status of an error.
#[must_use]
pub fn of(error: &anyhow::Error) -> Status {
    let stale = matches!(
        error.downcast_ref(),
        Some(LedgerError::Stale { .. } | LedgerError::OtherHistory { .. } | LedgerError::Refused(_))
    );
    if stale || error.is::<Refused>() { Status::Finding } else { Status::CouldNotRun }
}
