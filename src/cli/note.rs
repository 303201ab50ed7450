//! `note`: free text, as an opening.

use anyhow::Result;

use super::app::App;
use super::desk::opened_text;
use super::elsewhere::Elsewhere;
use super::facts;
use super::status_code::Status;
use crate::core::event::{Event, NoteAdded};

#[derive(clap::Args, Debug)]
pub struct Args {
    /// The note
    pub text: String,
    #[command(flatten)]
    pub elsewhere: Elsewhere,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    facts::record(app, &args.elsewhere, &[], |_, _, _, openings| {
        Ok(Event::NoteAdded(NoteAdded { about: None, text: opened_text(&args.text, openings)? }))
    })?;
    Ok(Status::Done)
}
