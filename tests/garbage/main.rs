//! Garbage in the place of every input: an error and its exit status, never a panic, never a hang.

#[path = "../cli/folder.rs"]
mod folder;
mod inputs;
mod kinds;
