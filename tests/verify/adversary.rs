//! An adversary who holds the ledger, the log key and two role keys (bob's and the pipeline's) makes another
//! history: what is still detected, and by which anchor. The table is in docs/THREATS.md.

use std::collections::BTreeSet;

use aether_audit::core::dsse;
use aether_audit::core::hash::Hash;
use aether_audit::core::opening::refs_in;
use aether_audit::core::statement::{Seen, Statement};
use aether_audit::core::verify::Anchors;

use super::common::{self, By, TestLog, story};
use super::mutated::Random;
use super::{check_bytes, roster_only};

const OWN: [By; 2] = [("bob", "comms-lead"), ("ci", "recorder")];
const CASES: usize = 240;

#[derive(Clone, Copy, PartialEq)]
enum Act {
    Cut,
    Alter,
    Drop,
    Insert,
}

/// What was done, from which entry on the log is another, and whether somebody else had seen that entry.
struct Forged {
    act: Act,
    from: usize,
    committed: bool,
    log: TestLog,
}

/// Whose statement it is, where the adversary can sign it.
fn own(statement: &Statement) -> Option<By<'static>> {
    let key = |by: &By| common::secret(by.0).public().keyid();
    match statement.predicate.signers.as_slice() {
        [only] => OWN.into_iter().find(|by| key(by) == only.key),
        _ => None,
    }
}

fn parsed(bytes: &[u8]) -> (Statement, dsse::Envelope) {
    let entry = aether_audit::core::entry::Entry::parse(bytes).unwrap();
    (entry.statement, entry.line.envelope)
}

/// Makes the log anew from entry `from` on, doing `act` there; signs again what the adversary can sign.
fn forge(honest: &TestLog, act: Act, from: usize) -> TestLog {
    let mut log = TestLog::replayed(honest, from);
    if act == Act::Cut {
        return log;
    }
    if act == Act::Insert {
        let id = parsed(&honest.entries[from]).0.predicate.deployment;
        story::note(&mut log, id.as_ref().map_or("none", |id| id.as_str()), OWN[0], "slipped in");
    }
    for (at, bytes) in honest.entries.iter().enumerate().skip(from) {
        let (mut statement, envelope) = parsed(bytes);
        log.now = common::recorded(bytes);
        let Some(by) = own(&statement) else {
            log.append(envelope);
            continue;
        };
        if at == from && act == Act::Drop {
            continue;
        }
        if at == from && act == Act::Alter {
            statement.predicate.time = statement.predicate.time.plus_seconds(-1);
        }
        if let Some(seen) = &mut statement.predicate.seen {
            let moved = usize::try_from(seen.seq).unwrap().min(log.entries.len() - 1);
            let leaf = aether_audit::core::merkle::leaf_hash(&log.entries[moved]);
            *seen = Seen { leaf, seq: moved as u64 };
        }
        log.append(common::sign(&statement, &[by]));
    }
    log
}

fn forged(honest: &TestLog) -> Vec<Forged> {
    let mut random = Random(0xadd);
    let mut all = Vec::new();
    while all.len() < CASES {
        let from = 1 + random.below(honest.entries.len() - 1);
        let act = [Act::Cut, Act::Alter, Act::Drop, Act::Insert][random.below(4)];
        let (statement, _) = parsed(&honest.entries[from]);
        let can = match act {
            Act::Cut => true,
            Act::Insert => {
                statement.predicate.deployment.is_some() && statement.kind() != "deployment-opened"
            }
            Act::Alter | Act::Drop => own(&statement).is_some(),
        };
        if !can {
            continue;
        }
        let saw = |bytes: &Vec<u8>| {
            let (statement, _) = parsed(bytes);
            own(&statement).is_none() && statement.predicate.seen.is_some_and(|seen| seen.seq >= from as u64)
        };
        let committed = act != Act::Cut && honest.entries.iter().any(saw);
        let mut log = forge(honest, act, from);
        let named: BTreeSet<Hash> =
            log.entries.iter().flat_map(|bytes| refs_in(parsed(bytes).0.predicate.body.get())).collect();
        log.openings.retain(|commit, _| named.contains(commit));
        all.push(Forged { act, from, committed, log });
    }
    all
}

fn detected(forged: &TestLog, anchors: &Anchors) -> bool {
    !check_bytes(&forged.entries, forged, anchors).findings.is_empty()
}

#[test]
fn what_an_adversary_with_keys_can_do_is_as_the_table_says() {
    let mut honest = story::told();
    for number in 0..4 {
        honest.tick(60);
        story::note(&mut honest, story::BAD, OWN[0], &format!("afterwards {number}"));
    }
    let all = forged(&honest);
    let hash = |size: usize| -> Hash { honest.root_at(size) };
    let mut table = String::from(
        "| the adversary | cases | `verify` alone | with a checkpoint from before it | with one that covers it | a monitor that had seen it |\n|---|---|---|---|---|---|\n",
    );
    let rows = [
        ("cuts the end off and signs a new checkpoint", Act::Cut, false),
        ("alters own words that others had seen", Act::Alter, true),
        ("alters own words that nobody had seen since", Act::Alter, false),
        ("leaves own words out that others had seen", Act::Drop, true),
        ("leaves own words out that nobody had seen since", Act::Drop, false),
        ("slips own words in before what others had seen", Act::Insert, true),
        ("slips own words in where nobody had looked since", Act::Insert, false),
    ];
    for (what, act, committed) in rows {
        let cases: Vec<&Forged> = all.iter().filter(|f| f.act == act && f.committed == committed).collect();
        let mut found = [0; 4];
        for case in &cases {
            let alone = Anchors { checkpoints: vec![case.log.checkpoint()], ..roster_only(&honest) };
            let earlier = Anchors {
                checkpoints: vec![honest.checkpoint_at(case.from), case.log.checkpoint()],
                ..roster_only(&honest)
            };
            let covers =
                Anchors { checkpoints: vec![honest.checkpoint_at(case.from + 1)], ..roster_only(&honest) };
            let monitor =
                Anchors { seen: vec![(case.from as u64 + 1, hash(case.from + 1))], ..roster_only(&honest) };
            for (count, anchors) in found.iter_mut().zip([&alone, &earlier, &covers, &monitor]) {
                *count += usize::from(detected(&case.log, anchors));
            }
        }
        let [alone, earlier, covers, monitor] = found;
        assert_eq!(
            (covers, monitor),
            (cases.len(), cases.len()),
            "{what}: an anchor that covers it finds it"
        );
        if committed {
            assert_eq!(alone, cases.len(), "{what}: who saw it has committed to it");
        }
        table.push_str(&format!(
            "| {what} | {} | {alone} | {earlier} | {covers} | {monitor} |\n",
            cases.len()
        ));
    }
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/THREATS.md")).unwrap();
    assert!(page.contains(&table), "docs/THREATS.md should hold:\n{table}");
}
