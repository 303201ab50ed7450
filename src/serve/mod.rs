//! The live page's HTTP server: read-only, one feed for all who look.
//!
//! It knows nothing of ledgers: whoever starts it hands it lines and states, as text, through a [`Feed`].

mod access;
mod answer;
mod feed;
mod server;
mod stream;

pub use access::{Access, SHORTEST_TOKEN};
pub use feed::{Feed, Line};
pub use server::{ServeError, listen, serve};
