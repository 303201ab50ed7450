//! Disks that fail at every single step: nothing acknowledged is lost, nothing true is called tampered.
#![allow(missing_docs)] // a test binary has no readers of its own

#[path = "../cli/folder.rs"]
mod folder;
#[path = "../ledger/walk.rs"]
mod walk;

mod acts;
mod after;
mod disk;
