//! A look back over a period: what `retro` says, as data for programs and as documents for people.

mod model;

pub use model::{Deployed, Grounds, Population, Retro, SCHEMA, human_seconds};
