//! The rooms that have formats.
#![allow(missing_docs)]

#[path = "../../../src/config/mod.rs"]
pub mod config;
#[path = "../../../src/core/mod.rs"]
pub mod core;
