//! `attach`: a file as evidence that a person brings.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::app::App;
use super::desk::{opened_bytes, opened_text};
use super::elsewhere::Elsewhere;
use super::facts;
use super::files;
use super::status_code::Status;
use crate::core::check::Reading;
use crate::core::event::Event;

const MAX_ATTACHMENT: u64 = 32 * 1024 * 1024;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// The file, of at most 32 MiB
    pub file: PathBuf,
    /// Its media type
    #[arg(long, default_value = "application/octet-stream")]
    pub media_type: String,
    /// What it shows
    #[arg(long)]
    pub note: Option<String>,
    #[command(flatten)]
    pub elsewhere: Elsewhere,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let bytes = files::read(&args.file, MAX_ATTACHMENT)?;
    let name = args.file.file_name().context("name a file")?.to_string_lossy().into_owned();
    facts::record(app, &args.elsewhere, &[], |_, _, _, openings| {
        let response = Some(opened_bytes(bytes, &args.media_type, openings)?);
        let text = args.note.as_ref().map_or(name.clone(), |note| format!("{name}: {note}"));
        let note = Some(opened_text(&text, openings)?);
        Ok(Event::EvidenceCollected(Reading {
            source: "person".into(),
            response,
            note,
            ..Reading::default()
        }))
    })?;
    Ok(Status::Done)
}
