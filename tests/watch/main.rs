//! `watch` through whole hours, in a simulated time, on real sources: files and programs.

mod again;
mod hour;
mod world;
