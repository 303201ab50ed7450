//! Following a snapshot until it is available, or never will be.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

use super::Args;
use crate::cli::app::App;
use crate::core::check::Database;
use crate::remote::aws::AwsError;
use crate::remote::aws::rds::{Rds, Snapshot};

/// So many looks in a row may fail before following ends.
const PATIENCE: u32 = 5;

/// How a snapshot ended.
pub enum Ended {
    /// It can be restored.
    Available(Snapshot),
    /// RDS gave up.
    Failed(Snapshot),
    /// It was there, and is no longer.
    Gone(Snapshot),
    /// It was never begun.
    Refused(AwsError),
}

impl Ended {
    pub const fn well(&self) -> bool {
        matches!(self, Self::Available(_))
    }
}

pub fn to_its_end(
    app: &mut App,
    args: &Args,
    rds: Rds,
    database: &Database,
    first: Snapshot,
) -> Result<Ended> {
    let mut shown = Shown::new(app, &first);
    let deadline = Instant::now() + Duration::from_secs(60 * u64::from(args.wait_minutes));
    let (mut last, mut failures) = (first, 0);
    loop {
        match last.status.as_str() {
            "available" => return Ok(Ended::Available(last)),
            status if status.starts_with("failed") || status.starts_with("incompatible") => {
                return Ok(Ended::Failed(last));
            }
            _ => shown.at(app, &last),
        }
        if Instant::now() >= deadline {
            let minutes = args.wait_minutes;
            bail!("{} is still {} ({} %) after {minutes} minutes", last.id, last.status, last.progress);
        }
        std::thread::sleep(Duration::from_secs(args.every.into()));
        match rds.snapshot(database, &last.id) {
            Ok(Some(next)) => (last, failures) = (next, 0),
            Ok(None) => return Ok(Ended::Gone(last)),
            Err(error) => {
                failures += 1;
                let lasting = matches!(error, AwsError::Denied { .. } | AwsError::Expired { .. });
                if lasting || failures >= PATIENCE {
                    return Err(error.into());
                }
                app.say(format!("{error} (looking again)"));
            }
        }
    }
}

/// A bar on a terminal, else a line for each step.
struct Shown {
    bar: Option<ProgressBar>,
    said: Option<(String, u8)>,
}

impl Shown {
    fn new(app: &App, first: &Snapshot) -> Self {
        let bar = (std::io::stderr().is_terminal() && !app.globals.quiet).then(|| {
            let style = ProgressStyle::with_template("{prefix} [{bar:30}] {pos} % {msg} {elapsed}");
            ProgressBar::new(100)
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("#>."))
                .with_prefix(first.id.clone())
        });
        Self { bar, said: None }
    }

    fn at(&mut self, app: &mut App, one: &Snapshot) {
        if let Some(bar) = &self.bar {
            bar.set_message(one.status.clone());
            bar.set_position(one.progress.min(100).into());
            return;
        }
        let now = (one.status.clone(), one.progress);
        if self.said.as_ref() != Some(&now) {
            app.say(format!("{} {} % {}", one.id, one.progress, one.status));
            self.said = Some(now);
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
