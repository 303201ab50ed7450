//! `cosign`: one more signature on a statement signed elsewhere.

use std::path::PathBuf;

use anyhow::{Result, bail};

use super::app::App;
use super::bundle::Bundle;
use super::keyring::{self, Keyring};
use super::status_code::Status;

/// Options of `cosign`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The file that `--out` wrote; the signature is added to it
    pub file: PathBuf,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let mut bundle = Bundle::read(&args.file)?;
    let who = app.who()?;
    let wanted = bundle.missing();
    if wanted.is_empty() {
        bail!("{}: everybody has signed; give it its place with `aether-audit join`", args.file.display());
    }
    let statement = bundle.statement();
    let predicate = &statement.predicate;
    app.say(format!(
        "{} for {} in the log {}, signed at {}:",
        statement.kind(),
        predicate.deployment.as_ref().map_or("governance", |id| id.as_str()),
        predicate.log,
        predicate.time.human()
    ));
    app.say(predicate.body.get());
    let keyring = Keyring::of(app)?;
    let mut keys = Vec::new();
    keys.extend(keyring::from_environment(app)?);
    if keys.is_empty() {
        for name in [who.to_string(), format!("{who}.root")] {
            if keyring.has(&name) {
                keys.push(keyring.load(app, &name, None)?);
            }
        }
    }
    let Some(key) = keys.iter().find(|key| wanted.contains(&key.public().keyid())) else {
        bail!("none of {who}'s keys here is among those that must still sign {}", args.file.display());
    };
    bundle.sign(key)?;
    bundle.write(&args.file)?;
    let left = bundle.missing().len();
    app.say(if left == 0 {
        format!("signed; everybody has: `aether-audit join {}`", args.file.display())
    } else {
        format!("signed; {left} more must")
    });
    Ok(Status::Done)
}
