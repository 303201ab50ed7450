//! The pure core: the format, the fold over events, the verifier. No IO, no clock, no random source.

pub mod archive;
pub mod attestation;
pub mod authority;
pub mod check;
pub mod checklist;
pub mod checkpoint;
pub mod deployment;
pub mod dsse;
pub mod entry;
pub mod event;
pub mod hash;
pub mod jcs;
pub mod keys;
pub mod log;
pub mod merkle;
pub mod name;
pub mod opening;
pub mod proof;
pub mod redact;
pub mod roster;
pub mod statement;
pub mod strict;
pub mod time;
pub mod timestamp;
pub mod verify;
pub mod witness;
