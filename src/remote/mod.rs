//! Clients of other people's systems: what is asked of them, and what is changed there.
//!
//! This room knows no evidence, no gate and no record; the edges and the shell stand on it. Nothing here shows or keeps
//! a secret: neither credentials, nor values, nor the bodies of answers.

pub mod aws;
pub mod dns;
pub mod github;
pub mod http;
