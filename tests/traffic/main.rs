//! Messages, the traffic switch and the way back, as a user has them.
#![allow(missing_docs)] // a test binary has no readers of its own

#[path = "../cli/folder.rs"]
mod folder;
#[path = "../aws/stand_in.rs"]
#[allow(dead_code)] // of which this needs a part
mod stand_in;

mod catcher;
mod resolvers;
mod rollback;
mod say;
mod shift;
mod unbound;
mod workflow;
mod world;
