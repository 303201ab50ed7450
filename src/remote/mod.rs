//! Clients of other people's systems: what is asked and changed there, and what came back. No opinion about evidence.

pub mod github;
pub mod http;
