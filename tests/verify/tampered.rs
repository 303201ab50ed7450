//! Logs that somebody altered: each alteration is found, and named with its `seq`.

use std::collections::BTreeMap;

use aether_audit::core::dsse;
use aether_audit::core::entry::{Entry, Line};
use aether_audit::core::event::{Event, NoteAdded, RosterChanged};
use aether_audit::core::hash::Hash;
use aether_audit::core::merkle::leaf_hash;
use aether_audit::core::roster::{LEAD_DEPLOYER, ROOT};
use aether_audit::core::verify::{Columns, Report, Verdict};

use super::common::{TestLog, columns, sign, story, token};
use super::{anchors, check, check_bytes, codes, found, roster_only};

/// Somewhere in the middle, with entries of the same deployment around it.
const AT: usize = 9;

fn altered(bytes: &[u8], change: impl FnOnce(&mut Line)) -> Vec<u8> {
    let mut line = Entry::parse(bytes).unwrap().line;
    change(&mut line);
    line.to_bytes().unwrap()
}

/// Chains everything from `from` on anew, as somebody could who owns the store and no key.
fn rechained(entries: &mut [Vec<u8>], from: usize) {
    for at in from..entries.len() {
        let prev = if at == 0 { Hash::ZERO } else { leaf_hash(&entries[at - 1]) };
        entries[at] = altered(&entries[at], |line| {
            line.prev = prev;
            line.seq = at as u64;
        });
    }
}

fn at_seq(report: &Report, seq: usize) -> Vec<&'static str> {
    report.findings.iter().filter(|f| f.seq == Some(seq as u64)).map(|f| f.code).collect()
}

/// Checks without a checkpoint, which would find anything: the log itself has to show it.
fn check_alone(entries: &[Vec<u8>], log: &TestLog) -> Report {
    let report = check_bytes(entries, log, &roster_only(log));
    let anchored = check_bytes(entries, log, &anchors(log));
    assert_eq!(anchored.verdict(), Verdict::Findings, "a checkpoint hides nothing");
    report
}

#[test]
fn a_flipped_byte_of_the_statement() {
    let log = story::told();
    let mut entries = log.entries.clone();
    entries[AT] = altered(&entries[AT], |line| {
        let mut payload = dsse::decode(&line.envelope.payload).unwrap();
        let at = payload.windows(2).position(|two| two == b"Z\"").unwrap() - 1;
        payload[at] ^= 1;
        line.envelope.payload = dsse::encode(&payload);
    });
    let report = check_alone(&entries, &log);
    assert_eq!(at_seq(&report, AT), ["chain", "signature"], "{:#?}", report.findings);
}

#[test]
fn a_flipped_bit_of_a_signature() {
    let log = story::told();
    let mut entries = log.entries.clone();
    entries[AT] = altered(&entries[AT], |line| {
        let mut signature = dsse::decode_signature(&line.envelope.signatures[0].sig).unwrap();
        signature[3] ^= 4;
        line.envelope.signatures[0].sig = dsse::encode(&signature);
    });
    let report = check_alone(&entries, &log);
    assert_eq!(at_seq(&report, AT), ["chain", "signature"]);
}

#[test]
fn a_dropped_entry() {
    let log = story::told();
    let mut entries = log.entries.clone();
    entries.remove(AT);
    let report = check_alone(&entries, &log);
    assert_eq!(at_seq(&report, AT), ["missing"]);
    let chain = ["missing", "seq", "chain", "out-of-order"];
    let breaks = report.findings.iter().filter(|f| chain.contains(&f.code)).count();
    assert_eq!(breaks, 1, "one break is one finding: {:#?}", report.findings);
}

#[test]
fn a_dropped_entry_with_the_rest_chained_anew() {
    let log = story::told();
    let mut entries = log.entries.clone();
    entries.remove(AT);
    rechained(&mut entries, AT);
    let report = check_alone(&entries, &log);
    assert!(found(&report, AT as u64, "seen"), "{:#?}", report.findings);
    assert!(found(&report, AT as u64, "deployment-seq"));
}

#[test]
fn the_first_entries_dropped() {
    let log = story::told();
    let report = check_alone(&log.entries[2..], &log);
    assert_eq!(at_seq(&report, 0), ["missing", "no-roster"]);
}

#[test]
fn a_whole_deployment_dropped_from_the_middle() {
    let log = story::told();
    let own = |bytes: &Vec<u8>| columns(bytes).unwrap().deployment.as_deref() == Some(story::GOOD);
    let mut entries: Vec<_> = log.entries.iter().filter(|bytes| !own(bytes)).cloned().collect();
    let first = log.entries.iter().position(own).unwrap();
    let report = check_alone(&entries, &log);
    assert_eq!(at_seq(&report, first), ["missing"]);
    rechained(&mut entries, first);
    let report = check_alone(&entries, &log);
    assert!(at_seq(&report, first).contains(&"seen"), "{:#?}", report.findings);
}

#[test]
fn an_inserted_entry() {
    let mut log = story::told();
    let (before, head) = (log.clone(), log.entries.len());
    // Rightly signed, by somebody who may.
    let text = log.opening("never happened");
    let note = Event::NoteAdded(NoteAdded { about: None, text });
    log.record(&[("bob", "comms-lead")], Some(story::GOOD), &note);
    let stranger = log.entries[head].clone();
    let mut entries = before.entries.clone();
    entries.insert(
        AT,
        altered(&stranger, |line| {
            line.seq = AT as u64;
            line.deployment_seq = Some(5);
        }),
    );
    let report = check_bytes(&entries, &log, &roster_only(&log));
    assert!(found(&report, AT as u64, "fork"), "{:#?}", report.findings);
    rechained(&mut entries, AT);
    let report = check_bytes(&entries, &log, &roster_only(&log));
    assert!(found(&report, AT as u64, "seen"), "{:#?}", report.findings);
}

#[test]
fn two_entries_in_another_order() {
    let log = story::told();
    let mut entries = log.entries.clone();
    entries.swap(AT, AT + 1);
    let report = check_alone(&entries, &log);
    assert_eq!(at_seq(&report, AT)[..1], ["missing"], "{:#?}", report.findings);
    assert!(found(&report, AT as u64, "out-of-order"));
    rechained(&mut entries, AT);
    let report = check_alone(&entries, &log);
    assert!(found(&report, AT as u64, "seen"), "{:#?}", report.findings);
}

#[test]
fn an_entry_twice() {
    let log = story::told();
    let mut entries = log.entries.clone();
    entries.insert(AT + 3, entries[AT].clone());
    let report = check_alone(&entries, &log);
    assert_eq!(codes(&report.findings), [(Some(AT as u64), "duplicate")]);
    rechained(&mut entries, AT);
    let report = check_alone(&entries, &log);
    assert!(found(&report, AT as u64 + 3, "id-repeated"), "{:#?}", report.findings);
}

#[test]
fn pure_truncation_is_not_proven_until_there_is_a_checkpoint() {
    let log = story::told();
    let cut = log.entries.len() - 3;
    let mut openings = log.clone();
    let gone: Vec<Hash> = log.entries[cut..].iter().flat_map(|bytes| commits(bytes)).collect();
    openings.openings.retain(|commit, _| !gone.contains(commit));
    let report = check_bytes(&log.entries[..cut], &openings, &roster_only(&log));
    let Verdict::NotProven { reasons } = report.verdict() else { panic!("{:#?}", report.findings) };
    assert!(reasons[0].contains("--checkpoint"), "{reasons:?}");
    assert_eq!(report.verdict().exit_status(), 4);
    let report = check_bytes(&log.entries[..cut], &openings, &anchors(&log));
    assert_eq!(codes(&report.findings), [(Some(cut as u64), "truncated")]);
}

fn commits(bytes: &[u8]) -> Vec<Hash> {
    let entry = Entry::parse(bytes).unwrap();
    let body = entry.statement.predicate.body.get().to_owned();
    body.match_indices("{\"commit\":\"")
        .filter_map(|(at, _)| body.get(at + 11..at + 75)?.parse().ok())
        .collect()
}

#[test]
fn signatures_swapped_between_entries() {
    let log = story::told();
    let (one, other) = (AT, AT + 1);
    let mut entries = log.entries.clone();
    let signatures = [one, other].map(|at| log.entry(at as u64).line.envelope.signatures);
    entries[one] =
        altered(&entries[one], |line| line.envelope.signatures[0].sig.clone_from(&signatures[1][0].sig));
    entries[other] =
        altered(&entries[other], |line| line.envelope.signatures[0].sig.clone_from(&signatures[0][0].sig));
    let report = check_alone(&entries, &log);
    for at in [one, other] {
        assert!(found(&report, at as u64, "signature"), "{:#?}", report.findings);
    }
    entries = log.entries.clone();
    entries[one] = altered(&entries[one], |line| {
        line.envelope.signatures.clone_from(&log.entry(3).line.envelope.signatures);
    });
    assert!(found(&check_alone(&entries, &log), one as u64, "malformed"));
}

#[test]
fn another_recorded_time() {
    let log = story::told();
    for shift in [-3600, -1, 1, 3600] {
        let mut entries = log.entries.clone();
        entries[AT] = altered(&entries[AT], |line| line.recorded = line.recorded.plus_seconds(shift));
        let report = check_alone(&entries, &log);
        assert!(found(&report, AT as u64, "chain"), "{shift}: {:#?}", report.findings);
        // Chained anew it still shows: a later signer had seen the true one, or the clock runs backwards.
        rechained(&mut entries, AT + 1);
        let report = check_alone(&entries, &log);
        assert!(found(&report, AT as u64 + 1, "seen-leaf"), "{shift}: {:#?}", report.findings);
    }
}

#[test]
fn the_last_entry_altered() {
    let log = story::told();
    let last = log.entries.len() - 1;
    let mut entries = log.entries.clone();
    entries[last] = altered(&entries[last], |line| line.recorded = line.recorded.plus_seconds(1));
    let report = check_bytes(&entries, &log, &anchors(&log));
    assert!(found(&report, last as u64, "checkpoint-root"), "{:#?}", report.findings);
    entries = log.entries.clone();
    entries[last] = altered(&entries[last], |line| line.prev = Hash::of(&[b"x"]));
    let report = check_alone(&entries, &log);
    assert!(found(&report, last as u64, "chain"), "{:#?}", report.findings);
}

type Change = fn(&mut Columns);

#[test]
fn each_index_column() {
    let log = story::told();
    let changes: [Change; 8] = [
        |c| c.seq += 1,
        |c| c.leaf[31] ^= 1,
        |c| c.leaf.clear(),
        |c| c.deployment = None,
        |c| c.deployment = Some("other".into()),
        |c| c.deployment_seq = c.deployment_seq.map(|seq| seq + 1),
        |c| c.id = "0".repeat(32),
        |c| c.kind = "note-added".into(),
    ];
    for change in changes {
        let mut stored = log.stored();
        change(stored[AT].columns.as_mut().unwrap());
        let report = check(stored, &mut log.clone(), &anchors(&log));
        assert_eq!(codes(&report.findings), [(Some(AT as u64), "columns")]);
    }
}

#[test]
fn openings_swapped_removed_altered_left_over_or_brought_back() {
    let log = story::told();
    let referring =
        |commit: &Hash| log.entries.iter().position(|bytes| commits(bytes).contains(commit)).unwrap() as u64;
    let kept: Vec<Hash> = log.openings.keys().copied().collect();
    let (one, other) = (kept[0], kept[1]);

    let mut store = log.clone();
    store.openings.insert(one, log.openings[&other].clone());
    store.openings.insert(other, log.openings[&one].clone());
    let report = check(log.stored(), &mut store, &anchors(&log));
    let mut expected =
        [(Some(referring(&one)), "opening-altered"), (Some(referring(&other)), "opening-altered")];
    expected.sort();
    assert_eq!(codes(&report.findings), expected);

    let mut store = log.clone();
    store.openings.remove(&one);
    let report = check(log.stored(), &mut store, &anchors(&log));
    assert_eq!(codes(&report.findings), [(Some(referring(&one)), "opening-missing")]);

    for broken in [&b""[..], b"short", &log.openings[&one][1..]] {
        let mut store = log.clone();
        store.openings.insert(one, broken.to_vec());
        let report = check(log.stored(), &mut store, &anchors(&log));
        assert_eq!(codes(&report.findings), [(Some(referring(&one)), "opening-altered")]);
    }

    let mut store = log.clone();
    store.opening("nobody refers to it");
    let report = check(log.stored(), &mut store, &anchors(&log));
    assert_eq!(codes(&report.findings), [(None, "opening-stray")]);

    let erased =
        log.entries.iter().rposition(|bytes| columns(bytes).unwrap().kind == "opening-erased").unwrap();
    let told = story::told_with_erased_opening();
    let report = check(log.stored(), &mut told.clone(), &anchors(&log));
    assert_eq!(codes(&report.findings), [(Some(erased as u64), "opening-not-erased")]);
}

#[test]
fn a_statement_of_another_log() {
    let log = story::told();
    let mut other = TestLog::init_at("example.com/audit/other");
    other.tick(60);
    for (id, role) in [("bob", "comms-lead"), ("carol", "qa-engineer"), ("ci", "recorder")] {
        other.enroll(id, role);
    }
    story::until_go(&mut other, story::GOOD);
    let foreign = other.entry(8).line.envelope;
    let mut victim = log.clone();
    let seq = victim.append(foreign);
    let report = check_bytes(&victim.entries, &victim, &anchors(&log));
    assert!(found(&report, seq, "log"), "{:#?}", report.findings);
}

#[test]
fn a_statement_of_another_deployment_or_an_earlier_moment() {
    let mut log = story::told();
    let again = log.entry(AT as u64).line.envelope;
    let seq = log.append(again);
    let report = check_bytes(&log.entries, &log, &roster_only(&log));
    assert!(found(&report, seq, "id-repeated"), "{:#?}", report.findings);
    // Under another deployment's name the signature is over something else.
    let mut log = story::told();
    let statement = log.entry(AT as u64).statement;
    let mut moved = statement.clone();
    moved.predicate.deployment = Some(token(story::BAD));
    let mut envelope = log.entry(AT as u64).line.envelope;
    envelope.payload = dsse::encode(&moved.to_bytes().unwrap());
    let seq = log.append(envelope);
    let report = check_bytes(&log.entries, &log, &roster_only(&log));
    assert!(found(&report, seq, "signature"), "{:#?}", report.findings);
}

#[test]
fn another_first_roster() {
    let log = story::told();
    let mut wrong = anchors(&log);
    wrong.first_roster = Some(Hash::of(&[b"another"]));
    let report = check(log.stored(), &mut log.clone(), &wrong);
    assert_eq!(codes(&report.findings), [(Some(0), "first-roster")]);
    assert!(!report.roster_confirmed);
}

#[test]
fn a_roster_change_that_the_root_did_not_sign() {
    let mut log = story::told();
    let mut roster = log.log.roster().unwrap().roster.successor();
    roster.people.push(log.person("mallory", &[LEAD_DEPLOYER], true));
    let event = Event::RosterChanged(RosterChanged { names: BTreeMap::default(), reason: None, roster });

    // Signed by mallory's own root key, which only the new roster has.
    let mut own = log.clone();
    let seq = own.record(&[("mallory", ROOT)], None, &event);
    let text = own.opening("made up");
    let note = Event::NoteAdded(NoteAdded { about: None, text });
    let after = own.record(&[("mallory", LEAD_DEPLOYER)], Some(story::GOOD), &note);
    let report = check_bytes(&own.entries, &own, &roster_only(&own));
    assert!(found(&report, seq, "roster"), "{:#?}", report.findings);
    assert!(found(&report, after, "key-unknown"));

    // In alice's name, with mallory's signature: it takes no force, whoever it names.
    let statement = log.statement(&[("alice", ROOT)], None, &event);
    let mut envelope = sign(&statement, &[("mallory", ROOT)]);
    envelope.signatures[0].keyid = statement.predicate.signers[0].key;
    let seq = log.append(envelope);
    let note = Event::NoteAdded(NoteAdded { about: None, text: log.opening("made up") });
    let after = log.record(&[("mallory", LEAD_DEPLOYER)], Some(story::GOOD), &note);
    let report = check_bytes(&log.entries, &log, &roster_only(&log));
    assert!(found(&report, seq, "signature"), "{:#?}", report.findings);
    assert!(found(&report, after, "key-unknown"));
    assert!(!report.log.keys.values().any(|known| known.person == "mallory"));
}
