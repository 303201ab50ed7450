//! `watch` through whole hours, in a simulated time, on real sources: files and programs.

mod again;
mod hour;
mod process;
mod prometheus;
#[path = "../evidence/prometheus_server.rs"]
mod prometheus_server;
#[path = "../common/server.rs"]
mod server;
mod world;
