//! Witnesses over HTTP (C2SP tlog-witness): asking one, and being one.

mod client;
mod server;

pub use client::{AskError, ask};
pub use server::{Origin, ServeError, Witness};
