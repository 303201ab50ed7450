//! Logs that nobody touched.

use aether_audit::core::event::Outcome;
use aether_audit::core::verify::{Anchors, Verdict};

use super::common::{TestLog, story, token};
use super::{anchors, check, codes, roster_only};

#[test]
fn anchored_at_both_ends_it_is_verified() {
    let mut log = story::told();
    let report = check(log.stored(), &mut log.clone(), &anchors(&log));
    assert_eq!(codes(&report.findings), [], "{:#?}", report.findings);
    assert_eq!(report.verdict(), Verdict::Verified);
    assert_eq!(report.verdict().exit_status(), 0);
    let last = log.entries.len() as u64 - 1;
    assert_eq!((report.entries, report.size, report.anchored_to), (last + 1, last + 1, Some(last)));
    assert_eq!(report.signatures, last + 1);
    assert_eq!(report.openings, log.openings.len() as u64);
    assert!(report.roster_confirmed);
    log.openings.clear();
}
