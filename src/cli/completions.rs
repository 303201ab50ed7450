//! `completions`: for the shell.

use anyhow::Result;
use clap_complete::Shell;

use super::app::App;
use super::status_code::Status;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Which shell
    pub shell: Shell,
}

pub fn run(app: &mut App, args: &Args, command: &mut clap::Command) -> Result<Status> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, command, "aether-audit", &mut script);
    app.raw(String::from_utf8_lossy(&script))?;
    Ok(Status::Done)
}
