//! The one question before something is done to production.

use std::io::{BufRead as _, IsTerminal as _};

use anyhow::{Result, bail};

/// Asks for a yes on the terminal, unless `--yes` has said it.
///
/// # Errors
/// Where the answer is another, or there is no terminal to ask on.
pub fn ask(question: &str, yes: bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        bail!("nothing was done: there is no terminal to ask on; say --yes");
    }
    eprint!("{} Type yes: ", super::app::printable(question));
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    if line.trim() == "yes" { Ok(()) } else { bail!("nothing was done") }
}
