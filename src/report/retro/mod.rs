//! A look back over a period: what `retro` says, as data for programs and as documents for people.

mod model;
mod page;
mod plots;
mod review;

pub use model::{Deployed, Grounds, Population, Retro, SCHEMA, human_seconds};
pub use page::{dora_lines, to_html, to_markdown};
pub use review::review;
