//! The shell: parse, run, exit status.

fn main() {}
