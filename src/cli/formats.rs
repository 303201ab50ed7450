//! `report --format`: the record in formats that other programs read.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use clap::ValueEnum;

use super::app::App;
use super::record_at::{Files, Record};
use super::source::Source;
use crate::report::formats::Format;

/// A format, on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum FormatArg {
    /// OSCAL 1.2.1 assessment results: report.oscal.json
    Oscal,
    /// CDEvents 0.5.0, one a line: report.cdevents.jsonl
    Cdevents,
    /// The events as a table: report.events.csv
    Csv,
    /// The signed statements, one DSSE envelope a line: report.bundle.jsonl
    Bundle,
}

impl From<FormatArg> for Format {
    fn from(format: FormatArg) -> Self {
        match format {
            FormatArg::Oscal => Self::Oscal,
            FormatArg::Cdevents => Self::CdEvents,
            FormatArg::Csv => Self::Csv,
            FormatArg::Bundle => Self::Bundle,
        }
    }
}

/// Renders what was asked for and puts it among the record's files.
///
/// # Errors
/// Where the deployment is not there.
pub fn add(record: &Record, source: &Source, asked: &[FormatArg], made: &mut Files) -> Result<()> {
    for format in asked.iter().map(|asked| Format::from(*asked)) {
        made.insert(format.file(), record.format(source, format)?.into_bytes());
    }
    Ok(())
}

/// Takes away formats of an earlier report, which the new one does not speak of.
///
/// # Errors
/// Where one cannot be removed.
pub fn remove_earlier(app: &mut App, folder: &Path, made: &Files) -> Result<()> {
    for name in Format::ALL.map(Format::file).into_iter().filter(|name| !made.contains_key(name)) {
        let path = folder.join(name);
        if fs::symlink_metadata(&path).is_err() {
            continue;
        }
        fs::remove_file(&path).with_context(|| format!("cannot remove the earlier {}", path.display()))?;
        app.say(format!("The {name} of the earlier report was removed: --format makes it anew."));
    }
    Ok(())
}
