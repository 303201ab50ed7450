//! The live page, over raw sockets and against the ledger: everything once and in order, whoever comes and goes; nothing for
//! whoever may not look.

mod access;
#[path = "../ledger/child.rs"]
#[allow(dead_code)] // each test binary uses its own part
mod child;
mod client;
#[path = "../common/mod.rs"]
mod common;
mod follow;
mod history;
mod rough;
mod terminal;
#[path = "../ledger/walk.rs"]
#[allow(dead_code)]
mod walk;
#[path = "../ledger/world.rs"]
#[allow(dead_code)]
mod world;
