//! aether-audit: the signed, hash-chained record of production deployments.
//!
//! Arrows run one way: `main → cli → edge → remote → core`.
//!
//! - [`core`] is pure: the format, the fold, the verifier. No IO, no clock, no random source.
//! - The edges do one job each and never import each other: `ledger` stores entries, `evidence`
//!   measures, `config` reads `aether.toml`, `report` writes records, `serve` shows them live, `witness` asks and is one,
//!   `archive` writes to storage that nobody can delete from, `tsa` asks time-stamping authorities,
//!   `notify` tells people through a channel.
//! - `remote` stands below the edges: clients of other people's systems, without an opinion about evidence.
//! - `cli` has one short file per command: it collects, then appends, then tells people.
#![forbid(unsafe_code)]

pub mod archive;
pub mod cli;
pub mod config;
pub mod core;
pub mod evidence;
pub mod ledger;
pub mod notify;
pub mod remote;
pub mod report;
pub mod serve;
pub mod tsa;
pub mod witness;
