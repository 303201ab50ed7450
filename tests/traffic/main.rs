//! Messages, the traffic switch and the way back, as a user has them.
#![allow(missing_docs)] // a test binary has no readers of its own

#[path = "../cli/folder.rs"]
mod folder;

mod catcher;
mod say;
