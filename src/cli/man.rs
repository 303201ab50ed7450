//! `man`: manual pages.

use std::path::PathBuf;

use anyhow::Result;
use clap_mangen::Man;

use super::app::App;
use super::files;
use super::help;
use super::status_code::Status;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// The command whose page is printed, for example `key new` [default: the program's own]
    pub command: Vec<String>,
    /// Write every page into this folder instead, for `man` to find
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub to: Option<PathBuf>,
}

pub fn run(app: &mut App, args: &Args, mut command: clap::Command) -> Result<Status> {
    command.build();
    if let Some(folder) = &args.to {
        let mut pages = Vec::new();
        collect(&command, &mut pages)?;
        if app.globals.dry_run {
            app.would(format!("write {} pages into {}", pages.len(), folder.display()))?;
            return Ok(Status::Done);
        }
        files::make_folder(folder)?;
        for (name, page) in &pages {
            files::write(&folder.join(name), page)?;
        }
        app.say(format!("{} pages in {}", pages.len(), folder.display()));
        return Ok(Status::Done);
    }
    let found = help::find(&command, &args.command)?;
    let mut page = Vec::new();
    Man::new(found.clone()).render(&mut page)?;
    app.raw(String::from_utf8_lossy(&page))?;
    Ok(Status::Done)
}

/// The page of a command and of all below it, by file name.
fn collect(command: &clap::Command, pages: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    man.render(&mut page)?;
    pages.push((man.get_filename(), page));
    command.get_subcommands().try_for_each(|child| collect(child, pages))
}
