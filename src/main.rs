//! Parse, run, exit status.

use std::process::ExitCode;

fn main() -> ExitCode {
    aether_audit::cli::main()
}
