//! The figures that the project holds itself to, each as a ratio within one run where that is possible:
//! `cargo bench --bench figures [-- sign batch rate report rehearse memory]`; all but `memory` unless said.
//!
//! Nothing here passes or fails: what is quick depends on the machine and on what else it does.

mod append;
mod process;
mod sample;
mod verify;
#[path = "../world/mod.rs"]
mod world;

use process::{command, run};
use sample::{Sample, line};

const MILLION: u64 = 1_000_000;

fn main() {
    let given: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let wanted = |name: &str| given.iter().any(|given| given == name) || given.is_empty() && name != "memory";
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the target folder can be written");
    if wanted("sign") {
        append::sign(&folder);
    }
    if wanted("batch") {
        append::batch(&folder);
    }
    if wanted("rate") {
        verify::rate(&folder);
    }
    if wanted("report") {
        verify::report(&folder);
    }
    if wanted("rehearse") {
        println!("rehearse, whole process");
        let home = folder.path().join("rehearse");
        std::fs::create_dir(&home).expect("the folder can be written");
        line(
            "rehearse",
            &Sample::of((0..5).map(|_| run(command(&home).arg("rehearse"), 0))).show("ms"),
            "seconds",
        );
    }
    if wanted("memory") {
        verify::memory(&folder, MILLION);
    }
}
