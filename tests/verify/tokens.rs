//! Time-stamp tokens of real authorities, altered: none proves a time unless it is byte for byte what was issued.

use std::sync::OnceLock;

use aether_audit::core::checkpoint::Note;
use aether_audit::core::timestamp::{StoredToken, TsaRoots, file_name};
use aether_audit::core::verify::{Anchor, AnchorKind, AnchorState, Anchors, Finding, Verdict};

use super::authority::Authority;
use super::campaign::{Case, Outcome, World, bend, bent};
use super::mutated::Random;
use super::{check_bytes, roster_only};

/// What was issued over the checkpoints of the campaign's log, which is the same each time.
struct Issued {
    /// The text that the first ones are over.
    text: String,
    /// Over the whole log: by RSA, and by ECDSA, of one authority.
    honest: [Vec<u8>; 2],
    /// By the same, over checkpoints of fewer entries.
    smaller: Vec<Vec<u8>>,
    /// By an authority whose root nobody gave.
    others: Vec<u8>,
    roots: TsaRoots,
}

fn issued(world: &World) -> &'static Issued {
    static ISSUED: OnceLock<Issued> = OnceLock::new();
    let text = world.note.text();
    let issued = ISSUED.get_or_init(|| {
        let own = Authority::new();
        own.issue("curve", "ec -pkeyopt ec_paramgen_curve:P-256", "stamping", "between", "");
        let query = own.query(text);
        let honest = [own.stamp(&query), own.stamp_as("curve", &query)];
        let smaller = (1..world.log.entries.len()).step_by(5).map(|size| {
            let note = Note::parse(&world.log.checkpoint_at(size)).unwrap();
            own.stamped(note.text())
        });
        let mut roots = TsaRoots::default();
        roots.add_pem(&std::fs::read(own.at("root.pem")).unwrap()).unwrap();
        Issued {
            text: text.to_owned(),
            honest,
            smaller: smaller.collect(),
            others: Authority::new().stamped(text),
            roots,
        }
    });
    assert_eq!(issued.text, text, "the campaign's log is the same each time");
    issued
}

/// What a token beside the log comes to: the verdict, its lines, and the findings.
fn judge(world: &World, token: StoredToken) -> (Verdict, Vec<Anchor>, Vec<Finding>) {
    let tsa_roots = issued(world).roots.clone();
    let checkpoints = vec![world.note.to_string()];
    let anchors = Anchors { checkpoints, tokens: vec![token], tsa_roots, ..roster_only(&world.log) };
    let mut report = check_bytes(&world.log.entries, &world.log, &anchors);
    report.anchors.retain(|anchor| anchor.kind == AnchorKind::Timestamp);
    (report.verdict(), report.anchors, report.findings)
}

/// A token that is not the one issued over this checkpoint never proves a time.
pub fn tokens(world: &World, random: &mut Random) -> Case {
    let issued = issued(world);
    let size = world.log.entries.len();
    let bytes = issued.honest[random.below(2)].clone();
    let honest = StoredToken { name: file_name(size as u64), bytes };
    let mut token = honest.clone();
    match random.below(10) {
        0 => token.bytes.clone_from(&issued.smaller[random.below(issued.smaller.len())]),
        1 => token.bytes.clone_from(&issued.others),
        2 => token.name = file_name(random.below(2 * size) as u64),
        3 => match bent(&token.name, random) {
            Some(name) => token.name = name,
            None => return Ok(Outcome::Same),
        },
        _ => bend(&mut token.bytes, random),
    }
    if token == honest {
        return Ok(Outcome::Same);
    }
    let (verdict, anchors, findings) = judge(world, token.clone());
    let [anchor] = anchors.as_slice() else { return Err(format!("{anchors:?}")) };
    let codes = ["timestamp", "timestamp-imprint", "truncated"];
    let named = |f: &Finding| codes.contains(&f.code) && f.text.contains("timestamps/");
    match (anchor.state, verdict) {
        (AnchorState::Broken, Verdict::Findings) if findings.iter().any(named) => Ok(Outcome::Found),
        (AnchorState::Untrusted, Verdict::NotProven { .. }) => Ok(Outcome::NotProven),
        (_, verdict) => Err(format!("{verdict:?}, {anchor:?}: {token:?}")),
    }
}

#[test]
fn what_was_issued_holds() {
    let world = World::new();
    let size = world.log.entries.len() as u64;
    for bytes in &issued(&world).honest {
        let token = StoredToken { name: file_name(size), bytes: bytes.clone() };
        let (verdict, anchors, _) = judge(&world, token);
        assert_eq!((verdict, anchors[0].state), (Verdict::Verified, AnchorState::Holds), "{anchors:?}");
    }
}
