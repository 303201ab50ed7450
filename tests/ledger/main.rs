//! The ledger on SQLite, through the library: appending, refusing, and where it lies.

mod append;
mod child;
#[path = "../common/mod.rs"]
mod common;
mod disk;
mod erase;
mod guards;
mod many;
mod places;
mod tree;
mod walk;
mod world;
