//! `review`: the template of a review, filled with the facts of one deployment, for people to finish.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::app::App;
use super::desk::{pick, record_folder};
use super::files;
use super::record_at::Record;
use super::source::Source;
use super::status_code::Status;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Where to write it; `-` for stdout [default: records/review-ID.md]
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let id = pick(app, true)?;
    let source = Source::here(app)?;
    let leaves = source.leaves()?;
    let last = (leaves.len() as u64).checked_sub(1).context("the ledger is empty")?;
    let record = Record::read(&source, &id, last, Some(leaves), None)?;
    let text = record.review(&source)?;
    let status = if record.integrity.findings.is_empty() { Status::Done } else { Status::Finding };
    if status == Status::Finding {
        app.warn(&record.integrity.verdict);
    }
    let path = match &args.to {
        Some(to) if to.as_os_str() == "-" => {
            app.raw(text)?;
            return Ok(status);
        }
        Some(to) => to.clone(),
        // Beside the record: in it stands what the report names, and nothing else.
        None => record_folder(app, &id).with_file_name(format!("review-{id}.md")),
    };
    if app.globals.dry_run {
        app.would(format!("write {}, {} bytes, as of entry {last}", path.display(), text.len()))?;
        return Ok(status);
    }
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        files::make_folder(folder)?;
    }
    // People write into it: what is there stays.
    files::write_new(&path, text.as_bytes())?;
    if app.json() {
        app.print_json(&serde_json::json!({"deployment": id, "file": path, "coversSeq": last}))?;
    } else {
        app.data(path.display().to_string())?;
        app.say("Fill it in together; then record its outcome: the command stands at its end.");
    }
    Ok(status)
}
