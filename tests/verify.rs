//! The verifier on honest and on altered logs.
#![allow(missing_docs)] // a test binary has no readers of its own

mod common;

#[path = "verify/adversary.rs"]
mod adversary;
#[path = "verify/aside.rs"]
mod aside;
#[path = "cli/authority.rs"]
#[allow(dead_code)] // half of it is for those who ask over HTTP
mod authority;
#[path = "verify/campaign.rs"]
mod campaign;
#[path = "verify/honest.rs"]
mod honest;
#[path = "verify/mutated.rs"]
mod mutated;
#[path = "verify/reused.rs"]
mod reused;
#[path = "verify/tampered.rs"]
mod tampered;
#[path = "verify/tokens.rs"]
mod tokens;

use aether_audit::core::hash::Hash;
use aether_audit::core::verify::{Anchors, Finding, Openings, Report, Scope, Stored, verify};
use common::TestLog;

/// The first roster's hash and a checkpoint over everything.
pub fn anchors(log: &TestLog) -> Anchors {
    Anchors {
        first_roster: Some(log.first_roster()),
        checkpoints: vec![log.checkpoint()],
        ..Anchors::default()
    }
}

/// Only the first roster's hash: what an auditor has who was handed no checkpoint.
pub fn roster_only(log: &TestLog) -> Anchors {
    Anchors { first_roster: Some(log.first_roster()), ..Anchors::default() }
}

pub fn check(entries: Vec<Stored>, openings: &mut dyn Openings, anchors: &Anchors) -> Report {
    verify(entries.into_iter().map(Ok), Scope::Log, openings, anchors, &mut |_| {})
}

pub fn check_bytes(entries: &[Vec<u8>], log: &TestLog, anchors: &Anchors) -> Report {
    let stored = entries.iter().map(|bytes| Stored { bytes: bytes.clone(), columns: None }).collect();
    check(stored, &mut log.clone(), anchors)
}

/// `seq` and code of each.
pub fn codes(findings: &[Finding]) -> Vec<(Option<u64>, &'static str)> {
    findings.iter().map(|finding| (finding.seq, finding.code)).collect()
}

pub fn found(report: &Report, seq: u64, code: &str) -> bool {
    report.findings.iter().any(|finding| finding.seq == Some(seq) && finding.code == code)
}

/// An in-memory store of openings.
pub struct Kept(pub std::collections::BTreeMap<Hash, Vec<u8>>);

impl Openings for Kept {
    fn get(&mut self, commit: &Hash) -> Result<Option<Vec<u8>>, String> {
        Ok(self.0.get(commit).cloned())
    }

    fn each(&mut self, found: &mut dyn FnMut(Hash)) -> Result<(), String> {
        self.0.keys().for_each(|commit| found(*commit));
        Ok(())
    }
}
