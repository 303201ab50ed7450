//! `key separate`: which roles one person may not hold together.

use anyhow::{Result, bail};

use super::change::{Change, Quorum, settle};
use crate::cli::app::App;
use crate::cli::desk::Desk;
use crate::cli::status_code::Status;
use crate::config::Config;
use crate::core::name::Token;
use crate::core::roster::Roster;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// No pairs any more: one person may hold any two roles
    #[arg(long)]
    pub none: bool,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    #[command(flatten)]
    pub quorum: Quorum,
}

/// The pairs that `aether.toml` names.
///
/// # Errors
/// Where one of them is no role's name.
pub fn pairs(config: &Config) -> Result<Vec<(Token, Token)>> {
    let pairs = config.deployment.separate.iter();
    pairs.map(|[a, b]| Ok((Token::new(a.as_str())?, Token::new(b.as_str())?))).collect()
}

/// What to say where `aether.toml` names other pairs than the roster, which is what counts. A file that names none says
/// nothing of it.
#[must_use]
pub fn differs(config: &Config, roster: &Roster) -> Option<String> {
    let same = pairs(config).is_ok_and(|pairs| pairs.is_empty() || pairs == roster.separate);
    (!same).then(|| {
        "`separate` in aether.toml is not what the roster says, and the roster is what counts: \
         `aether-audit key separate --reason T --as ROOT-HOLDER` puts it there"
            .to_owned()
    })
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let mut desk = Desk::open(app, None)?;
    let mut next = desk.roster()?.roster.successor();
    let pairs = if args.none { Vec::new() } else { pairs(&app.config()?)? };
    if pairs.is_empty() && !args.none {
        bail!(
            "aether.toml names no pairs: name them as `separate` under [deployment], or take all away with --none"
        );
    }
    if next.separate == pairs {
        bail!("the roster says so already: nothing to change");
    }
    next.separate = pairs;
    let words: Vec<String> = next.separate.iter().map(|(a, b)| format!("{a} and {b}")).collect();
    if let Some(seq) = settle(app, &mut desk, Change::to(next, &args.reason)?, &args.quorum)? {
        let words = if words.is_empty() { "no roles".to_owned() } else { words.join(", ") };
        app.say(format!("entry {seq}: kept apart from now on: {words}"));
    }
    Ok(Status::Done)
}
