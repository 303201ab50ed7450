//! later
use anyhow::Result;
use super::app::App;
use super::status_code::Status;
#[derive(clap::Args, Debug)]
pub struct RenderArgs {}
#[derive(clap::Args, Debug)]
pub struct ReportArgs {}
pub fn render(_app: &mut App, _: &RenderArgs) -> Result<Status> { Ok(Status::Done) }
pub fn report(_app: &mut App, _: &ReportArgs) -> Result<Status> { Ok(Status::Done) }
