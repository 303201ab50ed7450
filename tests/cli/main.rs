//! The command line, as a user has it.

mod archive;
mod authority;
mod bucket;
mod copies;
mod elsewhere;
mod erase;
mod errors;
mod folder;
mod follow;
mod help;
mod lifetime;
mod once;
mod order;
mod prove;
mod quickstart;
mod races;
mod secrets;
mod timestamp;
mod witness;
