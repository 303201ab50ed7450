//! The workflow that deploys, and the action that it uses, for a project on GitHub.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::app::App;
use super::files;

/// Each file below the repository's root, and what stands in it.
const FILES: [(&str, &str); 2] = [
    (".github/workflows/deploy-to-prod.yml", include_str!("../../templates/github/deploy-to-prod.yml")),
    (
        ".github/actions/aether-audit/action.yml",
        include_str!("../../.github/actions/aether-audit/action.yml"),
    ),
];

/// What `init --github` writes, in the repository whose top is `home`.
///
/// # Errors
/// Where `home` is not the top of a Git repository: GitHub reads workflows from there alone.
pub fn files(home: &Path) -> Result<Vec<(PathBuf, &'static str)>> {
    if !home.join(".git").exists() {
        bail!("--github: {} is not the top of a Git repository; run `git init` there first", home.display());
    }
    Ok(FILES.iter().map(|(name, text)| (home.join(name), *text)).collect())
}

/// Writes those that are not there; what is there stays as it is.
///
/// # Errors
/// Where one cannot be written.
pub fn write(app: &mut App, all: &[(PathBuf, &'static str)]) -> Result<()> {
    for (path, text) in all {
        if path.exists() {
            app.say(format!("{} is there already: it stays as it is", path.display()));
            continue;
        }
        let folder = path.parent().context("a file without a folder")?;
        files::make_folder(folder)?;
        files::write_new(path, text.as_bytes())?;
        app.say(format!("wrote {}: its head says what it needs", path.display()));
    }
    Ok(())
}
