//! A terminal that is drawn over, from its top: as much as fits, the least important left out first.

use std::fmt::Write as _;
use std::io;

use anyhow::Result;
use rustix::termios::tcgetwinsize;

use super::app::App;

/// Lines where nobody says how many there are.
const ROWS: usize = 24;

/// How much a line matters where not all fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// Always.
    First,
    /// What is still to be done.
    Second,
    /// What is done.
    Last,
}

/// What was drawn.
#[derive(Debug, Default)]
pub struct Screen {
    begun: bool,
}

impl Screen {
    /// Draws these lines over the last ones. They are ready for a terminal.
    ///
    /// # Errors
    /// Where stdout is closed.
    pub fn draw(&mut self, app: &mut App, lines: &[(Rank, String)]) -> Result<()> {
        let rows = tcgetwinsize(io::stdout()).map_or(ROWS, |size| usize::from(size.ws_row));
        let rows = if rows == 0 { ROWS } else { rows };
        // No line is wrapped, so that a line is a row.
        let mut text =
            String::from(if self.begun { "\u{1b}[?7l\u{1b}[H" } else { "\u{1b}[?7l\u{1b}[2J\u{1b}[H" });
        self.begun = true;
        for line in fitting(lines, rows.saturating_sub(1)) {
            let _ = write!(text, "{line}\u{1b}[K\r\n");
        }
        text.push_str("\u{1b}[J\u{1b}[?7h");
        app.out.write_all(text.as_bytes())?;
        Ok(app.out.flush()?)
    }
}

/// The lines that fit, in their order.
fn fitting(lines: &[(Rank, String)], rows: usize) -> Vec<&str> {
    let mut kept: Vec<&(Rank, String)> = lines.iter().collect();
    for rank in [Rank::Last, Rank::Second, Rank::First] {
        while kept.len() > rows
            && let Some(at) = kept.iter().rposition(|(its, _)| *its == rank)
        {
            kept.remove(at);
        }
    }
    kept.into_iter().map(|(_, line)| line.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_least_goes_first() {
        let lines: Vec<(Rank, String)> = [
            (Rank::First, "a"),
            (Rank::Last, "b"),
            (Rank::Second, "c"),
            (Rank::Last, "d"),
            (Rank::First, "e"),
        ]
        .map(|(rank, text)| (rank, text.into()))
        .into();
        for (rows, fit) in [(9, "abcde"), (4, "abce"), (3, "ace"), (2, "ae"), (1, "a"), (0, "")] {
            assert_eq!(fitting(&lines, rows).concat(), fit);
        }
    }
}
