//! The templates of messages: those of the project's folder, and those that come with the program.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::cli::files;
use crate::cli::nearest;
use crate::core::name::Token;

const MAX: u64 = 64 * 1024;

macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        /// As they come with the program, by name.
        pub const EMBEDDED: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../../templates/messages/", $name, ".md")))),*];
    };
}

embedded!(
    "scheduled",
    "start",
    "stage",
    "switched",
    "status",
    "all-clear",
    "postponed",
    "rollback-initiated",
    "rolled-back",
    "review",
    "custom",
);

/// Where a project keeps its own.
pub fn folder(home: &Path) -> PathBuf {
    home.join("templates/messages")
}

/// Writes those that are not there yet.
///
/// # Errors
/// Where a file cannot be written.
pub fn write_all(home: &Path) -> Result<()> {
    let folder = folder(home);
    files::make_folder(&folder)?;
    for (name, text) in EMBEDDED {
        let path = folder.join(format!("{name}.md"));
        if !path.exists() {
            files::write_new(&path, text.as_bytes())?;
        }
    }
    Ok(())
}

/// The text of a template: the project's own, or the program's.
///
/// # Errors
/// Where there is none of that name, or it cannot be read.
pub fn read(home: &Path, name: &Token) -> Result<(String, String)> {
    let path = folder(home).join(format!("{name}.md"));
    if path.exists() {
        return Ok((files::read_text(&path, MAX)?, path.display().to_string()));
    }
    let embedded = EMBEDDED.iter().find(|(known, _)| name == known);
    embedded.map(|(_, text)| ((*text).to_owned(), format!("the template {name}"))).with_context(|| {
        let known: Vec<&str> = EMBEDDED.iter().map(|(name, _)| *name).collect();
        let all = format!("there are {}, or write {}", known.join(", "), path.display());
        format!("there is no template {name}: {}", nearest::hint(name.as_str(), known, &all))
    })
}

/// The program's own text, where the project's cannot be used.
///
/// # Errors
/// Where there is none of that name.
pub fn fallback(name: &str) -> Result<&'static str> {
    match EMBEDDED.iter().find(|(known, _)| *known == name) {
        Some((_, text)) => Ok(text),
        None => bail!("there is no template {name}"),
    }
}
