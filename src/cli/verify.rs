//! later
use anyhow::Result;
use super::app::App;
use super::status_code::Status;
#[derive(clap::Args, Debug)]
pub struct Args {}
pub fn run(_app: &mut App, _: &Args) -> Result<Status> { Ok(Status::Done) }
