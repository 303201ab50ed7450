//! The checklist through its public face: parsing, rendering, hostile input, and the team's own template.

mod hostile;
mod parse;
mod properties;
mod render;
mod template;
