//! The whole way of a deployment, command by command, on stand-ins for everything that it asks and changes: once to an
//! all-clear, once back to Blue.
#![allow(missing_docs)] // a test binary has no readers of its own

#[path = "../traffic/catcher.rs"]
#[allow(dead_code)] // of which this needs a part
mod catcher;
#[path = "../evidence/child.rs"]
#[allow(dead_code)] // of which this needs a part
mod child;
#[path = "../common/everything.rs"]
mod everything;
#[path = "../cli/folder.rs"]
mod folder;
#[path = "../github/hub.rs"]
#[allow(dead_code)] // of which this needs a part
mod hub;
#[path = "../aws/stand_in.rs"]
#[allow(dead_code)] // of which this needs a part
mod stand_in;
#[path = "../traffic/world.rs"]
#[allow(dead_code)] // of which this needs a part
mod world;

mod killed;
mod nowhere;
mod systems;
mod walk;
mod ways;
