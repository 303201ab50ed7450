//! An archive that its owner does not control: an S3 bucket with Object Lock, in compliance mode.
//!
//! This room writes, reads and lists objects. It does not know what an export is, nor what makes one right.

mod client;
mod error;

pub use client::{Client, Content, Held, Put, Version};
pub use error::ArchiveError;
