//! `watch` through whole hours, in a simulated time, on real sources: files and programs.

mod again;
mod hour;
mod process;
mod prometheus;
#[path = "../evidence/prometheus_server.rs"]
mod prometheus_server;
#[path = "../evidence/server.rs"]
#[allow(dead_code)]
mod server;
mod world;
