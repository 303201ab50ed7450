//! Garbage, and each byte of a note altered: nothing stops the verifier, nothing passes.

use aether_audit::core::checkpoint::{CosignerKey, Note, NoteSignature, cosign};
use aether_audit::core::event::{Event, RosterChanged};
use aether_audit::core::keys::SecretKey;
use aether_audit::core::verify::{AnchorKind, AnchorState, Anchors, Scope, Stored, Verdict, verify};

use super::common::{TestLog, story};
use super::{anchors, check_bytes, roster_only};

/// xorshift64*: the same alterations each time.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % limit as u64).unwrap()
    }
}

#[test]
fn garbage_and_huge_input() {
    let log = story::told();
    let last = log.entries.len() as u64;
    let huge = vec![b'['; 8 << 20];
    for garbage in [&b""[..], b"\0", b"{}", b"null", &[0xff; 100], &huge] {
        for at in [0, 7, log.entries.len()] {
            let mut entries = log.entries.clone();
            entries.insert(at, garbage.to_vec());
            let report = check_bytes(&entries, &log, &roster_only(&log));
            let code = report.findings.iter().find(|f| f.code == "malformed").unwrap();
            assert_eq!(code.seq, Some(at as u64), "{:#?}", report.findings);
            assert_eq!(report.findings.len(), 1, "what follows is as it was: {:#?}", report.findings);
        }
    }
    let only = vec![vec![b'x'; 10]; 5000];
    assert_eq!(check_bytes(&only, &log, &anchors(&log)).verdict(), Verdict::Findings);
    // A source that never stops failing.
    let broken = std::iter::repeat_with(|| Err::<Stored, String>("disk error".into()));
    let entries = log.stored().into_iter().map(Ok).chain(broken);
    let report = verify(entries, Scope::Log, &mut log.clone(), &anchors(&log), &mut |_| {});
    assert!(report.findings.iter().all(|f| f.code == "unreadable" && f.seq == Some(last)));
    assert!(!report.findings.is_empty());
}

/// A log whose roster asks for one witness, with that witness's key, and its checkpoint cosigned.
fn witnessed() -> (TestLog, CosignerKey, SecretKey, Note) {
    let mut log = story::short();
    let key = super::common::secret("witness");
    let cosigner = CosignerKey::new("witness.example/w1", key.public()).unwrap();
    let mut roster = log.log.roster().unwrap().roster.successor();
    roster.witness_policy = Some(format!("witness w1 {cosigner}\nquorum w1\n"));
    let change = RosterChanged { names: std::collections::BTreeMap::new(), reason: None, roster };
    log.govern(&Event::RosterChanged(change));
    let mut note = Note::parse(&log.checkpoint()).unwrap();
    note.add(cosign(note.text(), &cosigner, &key, 1_783_040_000));
    (log, cosigner, key, note)
}

/// A checkpoint with a cosignature, each byte of it altered in turn: it never anchors, nor counts as witnessed.
#[test]
fn no_altered_note_anchors() {
    let (log, .., note) = witnessed();
    let note = note.to_string();
    let judge = |note: String| {
        let anchors = Anchors { checkpoints: vec![note], ..roster_only(&log) };
        let report = check_bytes(&log.entries, &log, &anchors);
        let witnessed =
            report.anchors.iter().any(|a| a.kind == AnchorKind::Witnesses && a.state == AnchorState::Holds);
        (report.verdict() == Verdict::Verified, witnessed)
    };
    assert_eq!(judge(note.clone()), (true, true));
    let second = note.rfind('\u{2014}').unwrap();
    for at in 0..note.len() {
        for bit in [1, 4, 0x40] {
            let mut bytes = note.clone().into_bytes();
            bytes[at] ^= bit;
            let Ok(altered) = String::from_utf8(bytes) else { continue };
            let (anchored, witnessed) = judge(altered);
            assert!(!witnessed, "byte {at}");
            assert!(
                !anchored || at >= second,
                "byte {at}: the log's own signature does not cover the witness's line"
            );
        }
    }
}

/// What stands in the place of a good cosignature is a finding where it claims to be that witness's, whoever holds the
/// checkpoint; else it is not counted. The witness's line says which.
#[test]
fn an_altered_cosignature_is_a_finding_or_not_counted() {
    let (log, cosigner, key, good) = witnessed();
    let judge = |note: &Note, yours: bool| {
        let (mut checkpoints, mut own_checkpoint) = (vec![log.checkpoint()], None);
        if yours {
            checkpoints = vec![note.to_string()];
        } else {
            own_checkpoint = Some(note.to_string());
        }
        let anchors = Anchors { checkpoints, own_checkpoint, ..roster_only(&log) };
        let report = check_bytes(&log.entries, &log, &anchors);
        let codes: Vec<_> = report.findings.iter().map(|finding| finding.code).collect();
        let lines: Vec<AnchorState> = report
            .anchors
            .iter()
            .filter(|anchor| anchor.kind == AnchorKind::Witnesses)
            .map(|anchor| anchor.state)
            .collect();
        (codes, lines)
    };
    let with = |line: NoteSignature| {
        let mut note = Note::parse(&log.checkpoint()).unwrap();
        note.add(line);
        note
    };
    let (holds, untrusted, broken) = (AnchorState::Holds, AnchorState::Untrusted, AnchorState::Broken);
    assert_eq!(judge(&good, true), (vec![], vec![holds]));
    assert_eq!(judge(&good, false), (vec![], vec![untrusted, holds]));
    let line = good.signatures().last().unwrap().clone();
    let mut claimed = Vec::new();
    for at in 0..line.signature.len() {
        let mut altered = line.clone();
        altered.signature[at] ^= 1 << (at % 8);
        claimed.push(with(altered));
    }
    for length in [1, 7, 8, 71] {
        claimed.push(with(NoteSignature { signature: line.signature[..length].to_vec(), ..line.clone() }));
    }
    claimed
        .push(with(NoteSignature { signature: [line.signature.as_slice(), &[0]].concat(), ..line.clone() }));
    // Of another checkpoint, and by another key under this one's name and id.
    claimed.push(with(cosign("example.com/other\n1\nAAAA\n", &cosigner, &key, 1_783_040_000)));
    claimed.push(with(cosign(good.text(), &cosigner, &super::common::secret("bob"), 1_783_040_000)));
    // A bad line beside the good one.
    let twice = format!("{good}{}\n", claimed[3].signatures().last().unwrap());
    claimed.push(Note::parse(&twice).unwrap());
    for note in &claimed {
        assert_eq!(judge(note, true), (vec!["cosignature"], vec![broken, untrusted]), "{note}");
        assert_eq!(judge(note, false), (vec!["cosignature"], vec![untrusted, broken, untrusted]), "{note}");
    }
    let mut strangers = Vec::new();
    for bit in 0..32 {
        let mut other = line.clone();
        other.key_id[bit / 8] ^= 1 << (bit % 8);
        strangers.push(with(other));
    }
    strangers.push(with(NoteSignature { name: "witness.example/w2".into(), ..line }));
    for note in &strangers {
        assert_eq!(judge(note, true), (vec![], vec![untrusted]), "{note}");
        assert_eq!(judge(note, false), (vec![], vec![untrusted, untrusted]), "{note}");
    }
}
