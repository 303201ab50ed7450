//! `report --pdf`: the page as a PDF, printed by a Chromium that is on the machine.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::files;
use super::record_at::Files;
use crate::core::check::{CommandProbe, Window};
use crate::core::time::Timestamp;
use crate::evidence::{Answer, Command, Request, Source as _};

/// The file beside the page.
pub const NAME: &str = "report.pdf";
/// What is looked for in `PATH`, in this order.
const PROGRAMS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/// After this it is killed, in seconds.
const PATIENCE: u32 = 120;
/// A larger file is none that was printed from the page.
const LARGEST: u64 = 256 * 1024 * 1024;

#[derive(clap::Args, Debug, Default)]
pub struct PdfArgs {
    /// Print the page as report.pdf too, with a Chromium or Chrome
    #[arg(long)]
    pub pdf: bool,
    /// The Chromium to print with [default: chromium, chromium-browser, google-chrome in PATH]
    #[arg(long, value_name = "PROGRAM", env = "CHROMIUM", hide_env_values = true)]
    pub chromium: Option<PathBuf>,
}

impl PdfArgs {
    /// Prints the page among `made` and puts the PDF beside it. It gives why it could not: the record stands without.
    pub fn print(&self, made: &mut Files, now: Timestamp) -> Option<String> {
        let page = made.get("report.html").filter(|_| self.pdf)?;
        match self.program().and_then(|program| print(&program, page, now)) {
            Ok(bytes) => {
                made.insert(NAME, bytes);
                None
            }
            Err(error) => Some(format!("{NAME} was not made, all else was: {error:#}")),
        }
    }

    fn program(&self) -> Result<PathBuf> {
        let runs = |path: &Path| {
            path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
        };
        let find = |name: &Path| {
            let path = std::env::var_os("PATH").unwrap_or_default();
            let bare = name.components().count() == 1;
            let mut all = std::env::split_paths(&path).map(|folder| folder.join(name));
            if bare { all.find(|path| runs(path)) } else { Some(name.to_owned()).filter(|path| runs(path)) }
        };
        match &self.chromium {
            Some(name) => find(name).with_context(|| {
                format!("{} is no program: name a Chromium or Chrome in --chromium or CHROMIUM", name.display())
            }),
            None => PROGRAMS.iter().find_map(|name| find(Path::new(name))).with_context(|| {
                format!(
                    "no Chromium is here ({} in PATH): install the package chromium, or name one in --chromium or \
                     CHROMIUM, and make the report again",
                    PROGRAMS.join(", ")
                )
            }),
        }
    }
}

/// Prints the page in an empty profile and without any network.
fn print(program: &Path, page: &[u8], now: Timestamp) -> Result<Vec<u8>> {
    let folder = tempfile::Builder::new().prefix("aether-audit-pdf-").tempdir()?;
    let (html, pdf) = (folder.path().join("report.html"), folder.path().join(NAME));
    files::write(&html, page)?;
    let word = |path: &Path| path.to_str().map(str::to_owned).context("a path that is no UTF-8");
    let program = std::path::absolute(program)?;
    let mut argv = vec![
        word(&program)?,
        "--headless".into(),
        format!("--user-data-dir={}", word(&folder.path().join("profile"))?),
        format!("--print-to-pdf={}", word(&pdf)?),
        "--no-pdf-header-footer".into(),
        "--no-first-run".into(),
        "--no-default-browser-check".into(),
        "--disable-gpu".into(),
        "--disable-dev-shm-usage".into(),
        "--disable-extensions".into(),
        "--disable-sync".into(),
        "--disable-component-update".into(),
        "--disable-background-networking".into(),
        "--host-resolver-rules=MAP * ~NOTFOUND".into(),
    ];
    if fs::metadata(folder.path())?.uid() == 0 {
        // Chromium refuses to sandbox itself for root.
        argv.push("--no-sandbox".into());
    }
    argv.push(word(&html)?);
    let probe = CommandProbe { argv, exit_code: 0, timeout_seconds: PATIENCE, value_pattern: None };
    let request = Request {
        window: Window { from: now, to: now, period: 0 },
        now,
        baseline_days: 0,
        aggregate: None,
        deployed: None,
    };
    let run = Command::new(probe, folder.path()).read(&request);
    let run = run.with_context(|| format!("{} could not be run", program.display()))?;
    let ended = run.note.unwrap_or_default();
    let said = run.response.map(|response| response.bytes).unwrap_or_default();
    let bytes = if pdf.exists() { files::read(&pdf, LARGEST)? } else { Vec::new() };
    if run.answer != Some(Answer::Yes) || !bytes.starts_with(b"%PDF-") {
        let said = String::from_utf8_lossy(&said);
        let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
        let last: String = last.chars().filter(|c| !c.is_control()).take(200).collect();
        bail!("{} printed nothing ({ended}): {last}", program.display());
    }
    Ok(bytes)
}

/// Takes away the PDF of an earlier report, which the new one does not speak of. True where there was one.
///
/// # Errors
/// Where it cannot be removed.
pub fn remove_earlier(folder: &Path, made: &Files) -> Result<bool> {
    let path = folder.join(NAME);
    if made.contains_key(NAME) || fs::symlink_metadata(&path).is_err() {
        return Ok(false);
    }
    fs::remove_file(&path).with_context(|| format!("cannot remove the earlier {}", path.display()))?;
    Ok(true)
}
