//! `help`: what `--help` says, asked the other way round; and the usage that a wrong command line is answered with.

use std::ffi::OsString;

use anyhow::{Result, bail};
use clap::Command;
use clap::error::{ContextKind, ContextValue};

use super::app::App;
use super::nearest;
use super::status_code::Status;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// The command, for example `key new` [default: the whole program]
    pub command: Vec<String>,
}

pub fn run(app: &mut App, args: &Args, mut command: Command) -> Result<Status> {
    command.build();
    let help = find(&command, &args.command)?.clone().render_long_help();
    app.raw(help.to_string())?;
    Ok(Status::Done)
}

/// The command that these words name.
///
/// # Errors
/// Where there is none of that name, with the one that was probably meant.
pub fn find<'a>(command: &'a Command, words: &[String]) -> Result<&'a Command> {
    let mut found = command;
    for word in words {
        let Some(next) = found.find_subcommand(word) else {
            let known = found.get_subcommands().map(Command::get_name);
            bail!("there is no command {word}: {}", nearest::hint(word, known, "see `aether-audit --help`"));
        };
        found = next;
    }
    Ok(found)
}

/// The error with the usage of its command as `--help` has it: the parser's own lists what a variable of the
/// environment has set as if it had to be typed.
#[must_use]
pub fn told(mut error: clap::Error, args: &[OsString], mut command: Command) -> clap::Error {
    if error.get(ContextKind::Usage).is_none() {
        return error;
    }
    command.build();
    let words = args.iter().skip(1);
    let found = words.fold(&command, |found, word| found.find_subcommand(word).unwrap_or(found));
    error.insert(ContextKind::Usage, ContextValue::StyledStr(found.clone().render_usage()));
    error
}
