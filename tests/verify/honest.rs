//! Logs that nobody touched.

use std::collections::BTreeMap;

use aether_audit::core::event::{Event, KeyRevoked, KeyRotated, NoteAdded, Outcome, RosterChanged};
use aether_audit::core::hash::Hash;
use aether_audit::core::merkle::leaf_hash;
use aether_audit::core::roster::{KeyUse, ROOT};
use aether_audit::core::statement::Statement;
use aether_audit::core::verify::{Anchors, NoOpenings, Report, Scope, Stored, Verdict, verify};

use super::common::{TestLog, columns, secret, sign, story, token};
use super::{anchors, check, check_bytes, codes, found, roster_only};

#[test]
fn anchored_at_both_ends_it_is_verified() {
    let log = story::told();
    let mut told = Vec::new();
    let mut progress = |entries| told.push(entries);
    let entries = log.stored().into_iter().map(Ok);
    let report = verify(entries, Scope::Log, &mut log.clone(), &anchors(&log), &mut progress);
    assert_eq!(codes(&report.findings), [], "{:#?}", report.findings);
    assert_eq!(report.verdict(), Verdict::Verified);
    assert_eq!(report.verdict().exit_status(), 0);
    let last = log.entries.len() as u64 - 1;
    assert_eq!((report.entries, report.size, report.anchored_to), (last + 1, last + 1, Some(last)));
    assert_eq!((report.signatures, report.openings), (last + 1, log.openings.len() as u64));
    assert_eq!(report.first_leaf, Some(leaf_hash(&log.entries[0])));
    assert_eq!(report.last_leaf, log.entries.last().map(|last| leaf_hash(last)));
    assert!(report.roster_confirmed && told.last() == Some(&(last + 1)));
    let outcomes: Vec<_> = report.deployments.iter().map(|d| (d.id.as_str(), d.outcome)).collect();
    assert_eq!(outcomes, [(story::GOOD, Some(Outcome::Completed)), (story::BAD, Some(Outcome::RolledBack))]);
    let notices: Vec<_> = report.notices.iter().map(|notice| notice.code).collect();
    let weak = ["policy-weak"; 2];
    assert_eq!(
        notices,
        [&["root-threshold"], &weak[..], &["opening-erased"], &weak].concat(),
        "{:#?}",
        report.notices
    );
}

#[test]
fn what_anchors_less_proves_less() {
    let log = story::told();
    let all = anchors(&log);
    let last = log.entries.len() as u64 - 1;
    let no_roster = Anchors { first_roster: None, ..all.clone() };
    let older = Anchors { checkpoints: vec![log.checkpoint_at(5)], ..all.clone() };
    let none_covered = Anchors { checkpoints: vec![log.checkpoint_at(0)], ..all.clone() };
    let own = Anchors { checkpoints: vec![], own_checkpoint: Some(log.checkpoint()), ..all.clone() };
    let cases = [
        (Anchors::default(), 2, "--roster-sha256"),
        (no_roster, 1, "--roster-sha256"),
        (roster_only(&log), 1, "no checkpoint was given"),
        (older, 1, "only through entry 4"),
        (none_covered, 1, "covers no entry"),
        (own, 1, "no checkpoint was given"),
    ];
    for (anchors, count, words) in cases {
        let report = check(log.stored(), &mut log.clone(), &anchors);
        let Verdict::NotProven { reasons } = report.verdict() else { panic!("{:#?}", report.findings) };
        assert_eq!(reasons.len(), count, "{reasons:?}");
        assert!(reasons[0].contains(words), "{reasons:?}");
        assert_eq!(report.verdict().exit_status(), 4);
    }
    let both = Anchors { checkpoints: vec![log.checkpoint_at(5), log.checkpoint()], ..all };
    let report = check(log.stored(), &mut log.clone(), &both);
    assert_eq!((report.verdict(), report.anchored_to), (Verdict::Verified, Some(last)));
}

#[test]
fn nothing_to_check_is_not_proven() {
    let log = TestLog::init();
    let report = check(Vec::new(), &mut NoOpenings, &roster_only(&log));
    assert_eq!(report.verdict().exit_status(), 4);
    let report = check(Vec::new(), &mut NoOpenings, &anchors(&log));
    assert_eq!(report.verdict().exit_status(), 1, "a checkpoint says that there was an entry");
}

#[test]
fn an_unknown_kind_is_unsupported_and_counts() {
    let mut log = story::told();
    let text = log.opening("x");
    let note = Event::NoteAdded(NoteAdded { about: None, text: text.clone() });
    let by = [("bob", "comms-lead")];
    let plain = log.statement(&by, Some(story::GOOD), &note);
    let odd = Statement::new("moon-phase", plain.subject, plain.predicate);
    let seq = log.append(sign(&odd, &by));
    log.tick(1);
    story::note(&mut log, story::GOOD, by[0], "and goes on");
    let report = check(log.stored(), &mut log.clone(), &anchors(&log));
    assert_eq!(codes(&report.findings), [], "its opening counts as referred to");
    assert_eq!(codes(&report.unsupported), [(Some(seq), "kind-unsupported")]);
    let Verdict::NotProven { reasons } = report.verdict() else { panic!() };
    assert!(reasons[0].contains("newer"), "{reasons:?}");
}

#[test]
fn a_key_before_and_after_its_rotation_and_revocation() {
    let mut log = story::told();
    let old = secret("bob").public().keyid();
    let early = log.entries.iter().rposition(|bytes| signed_by(bytes, old)).unwrap() as u64;
    let new = log.roster_key("bob", "bob two", KeyUse::Role);
    let event = Event::KeyRotated(KeyRotated { new, old, person: token("bob") });
    log.govern(&event);
    log.tick(1);
    let report = check(log.stored(), &mut log.clone(), &anchors(&log));
    assert_eq!(codes(&report.findings), [], "superseded is fine");

    let late = story::note(&mut log, story::GOOD, ("bob", "comms-lead"), "with the old key");
    let report = check(log.stored(), &mut log.clone(), &anchors(&log));
    assert_eq!(codes(&report.findings), [(Some(late), "not-authorised")]);

    let reason = log.opening("laptop lost");
    let key = secret("bob two").public().keyid();
    let revoked = KeyRevoked { compromised_from_seq: Some(early), key: old, person: token("bob"), reason };
    // The old key is off the roster: it is revoked through the one that it was rotated into.
    log.govern(&Event::KeyRevoked(KeyRevoked { key, ..revoked }));
    let report = check(log.stored(), &mut log.clone(), &anchors(&log));
    assert!(!found(&report, early, "key-suspect"), "what the older key signed is not touched");
}

#[test]
fn suspicion_reaches_back() {
    let mut log = story::told();
    let key = secret("ci").public().keyid();
    let entries = (0..).zip(&log.entries);
    let signed: Vec<u64> = entries.filter(|(_, bytes)| signed_by(bytes, key)).map(|(seq, _)| seq).collect();
    let from = signed[signed.len() - 3];
    let reason = log.opening("runner broken into");
    let person = token("ci");
    log.govern(&Event::KeyRevoked(KeyRevoked { compromised_from_seq: Some(from), key, person, reason }));
    let report = check(log.stored(), &mut log.clone(), &anchors(&log));
    let expected: Vec<_> = signed[signed.len() - 3..].iter().map(|seq| (Some(*seq), "key-suspect")).collect();
    assert_eq!(codes(&report.findings), expected);
}

fn signed_by(bytes: &[u8], key: Hash) -> bool {
    let entry = aether_audit::core::entry::Entry::parse(bytes).unwrap();
    entry.statement.predicate.signers.iter().any(|signer| signer.key == key)
}

#[test]
fn joined_late_is_a_notice() {
    let mut log = story::told();
    log.tick(60);
    let by = [("alice", ROOT)];
    let mut roster = log.log.roster().unwrap().roster.successor();
    roster.root_threshold = 1;
    let event = Event::RosterChanged(RosterChanged { names: BTreeMap::default(), reason: None, roster });
    let statement = log.statement(&by, None, &event);
    log.tick(3 * 3600);
    let seq = log.append(sign(&statement, &by));
    let report = check(log.stored(), &mut log.clone(), &anchors(&log));
    assert_eq!(codes(&report.findings), []);
    let late = report.notices.iter().find(|notice| notice.code == "joined-late").unwrap();
    assert!(late.seq == Some(seq) && late.text.contains("3 h 0 min"), "{late}");
}

#[test]
fn a_deployments_export() {
    let log = story::told();
    let leaves: Vec<Hash> = log.entries.iter().map(|bytes| leaf_hash(bytes)).collect();
    let own = |bytes: &Vec<u8>| columns(bytes).unwrap().deployment.is_none_or(|id| id == story::GOOD);
    let entries: Vec<Vec<u8>> = log.entries.iter().filter(|bytes| own(bytes)).cloned().collect();
    let mut kept = log.clone();
    let referred: Vec<String> = entries.iter().map(|bytes| body_of(bytes)).collect();
    kept.openings.retain(|commit, _| referred.iter().any(|body| body.contains(&commit.to_string())));
    let run = |entries: &[Vec<u8>], leaves: &[Hash]| {
        let stored = entries.iter().map(|bytes| Ok(Stored { bytes: bytes.clone(), columns: None }));
        let scope = Scope::Deployment { leaves: leaves.to_vec() };
        verify(stored, scope, &mut kept.clone(), &anchors(&log), &mut |_| {})
    };
    let report = run(&entries, &leaves);
    assert_eq!(codes(&report.findings), [], "{:#?}", report.findings);
    assert_eq!((report.verdict(), report.size), (Verdict::Verified, log.entries.len() as u64));
    let notices: Vec<_> = report.notices.iter().map(|notice| notice.code).collect();
    assert!(notices.contains(&"after-closing") && notices.contains(&"deployment-export"), "{notices:?}");

    assert_eq!(report.only().map(|only| only.id.as_str()), Some(story::GOOD));
    let closing = |bytes: &Vec<u8>| columns(bytes).unwrap().kind == "deployment-closed";
    let open: Vec<_> = entries.iter().take_while(|bytes| !closing(bytes)).cloned().collect();
    let governance: Vec<_> =
        entries.iter().filter(|bytes| columns(bytes).unwrap().deployment.is_none()).cloned().collect();
    for (part, words) in [(&open, "not closed"), (&governance, "no deployment"), (&log.entries, "has 2")] {
        let Verdict::NotProven { reasons } = run_clean(part, &log, &leaves).verdict() else {
            panic!("{words}")
        };
        assert!(reasons.len() == 1 && reasons[0].contains(words), "{reasons:?}");
    }

    let mut fewer = entries.clone();
    fewer.remove(7);
    let after = columns(&fewer[7]).unwrap().seq;
    assert!(found(&run(&fewer, &leaves), after, "deployment-seq"));
    let mut other = leaves.clone();
    other[6] = Hash::of(&[b"x"]);
    let report = run(&entries, &other);
    assert!(found(&report, 6, "leaf") && found(&report, 7, "chain"), "{:#?}", report.findings);
    assert!(report.findings.iter().any(|finding| finding.code == "checkpoint-root"));
    assert!(found(&run(&entries, &leaves[..leaves.len() - 1]), leaves.len() as u64 - 1, "truncated"));
    let mut twice = entries.clone();
    twice.insert(8, entries[7].clone());
    assert_eq!(codes(&run(&twice, &leaves).findings), [(Some(7), "duplicate")]);
}

/// A deployment's export of these entries, with the openings that they refer to.
fn run_clean(entries: &[Vec<u8>], log: &TestLog, leaves: &[Hash]) -> Report {
    let referred: Vec<String> = entries.iter().map(|bytes| body_of(bytes)).collect();
    let mut kept = log.clone();
    kept.openings.retain(|commit, _| referred.iter().any(|body| body.contains(&commit.to_string())));
    let stored = entries.iter().map(|bytes| Ok(Stored { bytes: bytes.clone(), columns: None }));
    verify(stored, Scope::Deployment { leaves: leaves.to_vec() }, &mut kept, &anchors(log), &mut |_| {})
}

fn body_of(bytes: &[u8]) -> String {
    let entry = aether_audit::core::entry::Entry::parse(bytes).unwrap();
    entry.statement.predicate.body.get().to_owned()
}

#[test]
fn checkpoints_of_other_logs_and_keys() {
    let log = story::told();
    let other = TestLog::init_at("example.com/audit/other");
    let altered = log.checkpoint().replacen('\n', "\n1", 1);
    for (note, code) in [
        (other.checkpoint(), "checkpoint"),
        (altered, "checkpoint"),
        (String::new(), "checkpoint"),
        ("garbage".repeat(100_000), "checkpoint"),
    ] {
        let wrong = Anchors { checkpoints: vec![note.clone()], ..anchors(&log) };
        let report = check_bytes(&log.entries, &log, &wrong);
        assert_eq!(codes(&report.findings), [(None, code)]);
        let beside = Anchors { own_checkpoint: Some(note), ..anchors(&log) };
        let report = check_bytes(&log.entries, &log, &beside);
        assert_eq!(codes(&report.findings), [(None, code)]);
    }
}
