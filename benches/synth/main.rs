//! Makes a project with a ledger of N events: `cargo bench --bench synth -- N FOLDER [ENTRIES-PER-DEPLOYMENT]`.
//!
//! What it prints is what `verify` needs. The keys in `private/` open with the passphrase `measuring`.

#[path = "../world/mod.rs"]
mod world;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

const USAGE: &str = "cargo bench --bench synth -- EVENTS FOLDER [EVENTS-PER-DEPLOYMENT, 1000 unless said]";

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let number = |index: usize| given.get(index).and_then(|text| text.parse::<u64>().ok());
    let (Some(entries), Some(folder)) = (number(0), given.get(1).map(PathBuf::from)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    if folder.join("records/ledger.db").exists() {
        eprintln!("{} holds a ledger already: name a new folder", folder.display());
        return ExitCode::from(2);
    }
    let start = Instant::now();
    let each = number(2).unwrap_or(1000).max(40);
    let world = world::fill(&folder, entries, each, |made| eprint!("\r{made} entries"));
    let made = world.log.entries.len();
    let bytes: usize = world.log.entries.iter().map(Vec::len).sum();
    eprintln!("\r{made} entries of {} bytes each in {:.1?}", bytes / made, start.elapsed());
    println!(
        "aether-audit -C {0} verify --roster-sha256 {1} --checkpoint {0}/checkpoint",
        folder.display(),
        world.log.first_roster()
    );
    ExitCode::SUCCESS
}
