//! Witnesses over HTTP (C2SP tlog-witness): asking them, and being one.

mod client;
mod cosigner;
mod server;

pub use client::{AskError, Patience, ask};
pub use cosigner::{Answer, OpenError, Origin, Witness};
pub use server::{ServeError, serve};
