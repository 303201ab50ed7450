//! The program against a repository on GitHub: a server that answers from GitHub's published description of its API and refuses
//! every request that does not fit it.
#![allow(missing_docs)] // a test binary has no readers of its own

#[path = "../cli/folder.rs"]
mod folder;

mod deploy;
mod doctor;
mod hub;
mod init;
mod patience;
mod restart;
mod retro;
#[path = "../common/server.rs"]
mod server;
mod sources;
