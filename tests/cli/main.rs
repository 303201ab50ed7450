//! The command line, as a user has it.

mod archive;
mod authority;
mod bucket;
mod copies;
mod cosigned_files;
mod dry_run;
mod edges;
mod elsewhere;
mod erase;
mod errors;
mod export_proofs;
mod folder;
mod follow;
mod formats;
mod help;
mod lifetime;
mod manual;
mod mistaken;
mod moved;
mod once;
mod order;
mod papers;
mod pdf;
mod prove;
mod quickstart;
mod races;
mod second_looks;
mod secrets;
#[allow(dead_code)] // each test binary uses its own part
#[path = "../aws/stand_in.rs"]
mod stand_in;
mod timestamp;
mod witness;
mod witness_policy;
mod witness_server;
mod words;
