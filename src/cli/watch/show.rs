//! The three faces of a watch: drawn anew on a terminal, lines elsewhere, JSON lines for programs.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::json;

use super::board::{Board, Line, Row, sparkline};
use crate::cli::app::{App, printable};
use crate::cli::paint::{Ink, Paint};
use crate::core::check::{Phase, Standing};

/// Columns of a sparkline.
const SPARK: usize = 30;
/// Columns of the progress bar.
const BAR: usize = 30;

/// What was shown so far.
#[derive(Debug, Default)]
pub struct Show {
    /// Lines of the last drawing.
    drawn: usize,
    phases: BTreeMap<String, Option<Phase>>,
    minute: Option<u32>,
}

impl Show {
    /// Shows where it stands, with the readings that are new.
    ///
    /// # Errors
    /// Where stdout is closed.
    pub fn update(&mut self, app: &mut App, board: &Board, new: &[Line], who: &str) -> Result<()> {
        if app.json() {
            for line in new {
                let text = serde_json::to_string(line)?;
                app.raw(text)?;
            }
            return flush(app);
        }
        if app.live {
            return self.draw(app, board, who);
        }
        let mut changed = Vec::new();
        for line in new {
            let known = self.phases.insert(line.check.clone(), line.phase);
            if known != Some(line.phase) {
                changed.push(said(line));
            }
        }
        for text in changed {
            app.data(text)?;
        }
        if self.minute != Some(board.minute) && !new.is_empty() {
            self.minute = Some(board.minute);
            app.data(format!("minute {} of {}: {}", board.minute, board.of, board.summary()))?;
        }
        flush(app)
    }

    /// Draws over the last drawing.
    ///
    /// # Errors
    /// Where stdout is closed.
    pub fn draw(&mut self, app: &mut App, board: &Board, who: &str) -> Result<()> {
        let paint = Paint::of(app);
        let filled = BAR * board.minute as usize / (board.of as usize).max(1);
        let mut text = String::new();
        if self.drawn > 0 {
            text.push_str(&format!("\u{1b}[{}A\u{1b}[J", self.drawn));
        }
        let bar = format!("{}{}", "█".repeat(filled), "░".repeat(BAR - filled.min(BAR)));
        let head = format!("{bar} minute {} of {}, {}; {who}", board.minute, board.of, board.left());
        let lines: Vec<String> = std::iter::once(printable(&head))
            .chain(board.rows.iter().map(|row| painted(row, paint)))
            .collect();
        self.drawn = lines.len();
        text.push_str(&lines.join("\n"));
        app.raw(text)?;
        flush(app)
    }

    /// Leaves the last drawing where it stands.
    pub const fn leave(&mut self) {
        self.drawn = 0;
    }

    /// The last word.
    ///
    /// # Errors
    /// Where stdout is closed.
    pub fn finish(&mut self, app: &mut App, verdict: &str, text: &str, status: u8) -> Result<()> {
        self.leave();
        if app.json() {
            app.raw(json!({ "verdict": verdict, "said": text, "exit": status }).to_string())?;
        } else {
            app.data(format!("{}: {text}", verdict.to_uppercase()))?;
        }
        flush(app)
    }
}

fn flush(app: &mut App) -> Result<()> {
    Ok(app.out.flush()?)
}

fn said(line: &Line) -> String {
    let phase = line.phase.map_or("-", Phase::as_str);
    let detail = line.detail.as_deref().unwrap_or("");
    format!("{}  {phase:<8} {:<16} {detail}  [entry {}]", line.recorded.human(), line.check, line.seq)
}

/// One row, cut to what a terminal of 100 columns shows.
fn painted(row: &Row, paint: Paint) -> String {
    let phase = match (row.standing, row.phase) {
        (Standing::Fires, _) => "TRIGGER",
        (_, Some(phase)) => phase.as_str(),
        (_, None) => "...",
    };
    let worst = row.worst.as_ref().map_or_else(String::new, |worst| format!("worst {worst}{}", row.unit));
    let covered = row.covered.map_or_else(String::new, |(minutes, of)| format!("{minutes}/{of} min"));
    let spark = sparkline(&row.values, SPARK);
    let text = format!(
        "{phase:<8} {:<16} {spark:<SPARK$} {covered:<10} {worst} ({})",
        row.check,
        if row.limits.is_empty() { "yes or no" } else { &row.limits }
    );
    match text.split_at_checked(8) {
        Some((phase, rest)) => format!("{}{}", paint.on(Ink::from(row.phase), phase), printable(rest)),
        None => printable(&text),
    }
}
