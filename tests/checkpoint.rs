//! Checkpoints and signed notes: the outside vector, strict reading, hostile text.

use aether_audit::core::checkpoint::{
    Checkpoint, CheckpointError, NOTE_MAX, Note, NoteError, OriginError, SIGNATURES_MAX, Vkey, VkeyError,
    open, sign_checkpoint, validate_origin,
};
use aether_audit::core::hash::Hash;
use aether_audit::core::keys::SecretKey;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::Value;

const ORIGIN: &str = "example.com/audit/prod";

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

fn vkey(name: &str, seed: u8) -> Vkey {
    Vkey::new(name, key(seed).public()).unwrap()
}

fn checkpoint() -> Checkpoint {
    Checkpoint { origin: ORIGIN.into(), size: 7, root: Hash::of(&[b"root"]) }
}

/// The signature lines of a note.
fn lines(note: &str) -> &str {
    note.rsplit_once("\n\n").unwrap().1
}

fn signed(name: &str, seed: u8) -> String {
    Note::sign(checkpoint().to_text().unwrap(), name, &key(seed)).unwrap().to_string()
}

#[test]
fn the_outside_checkpoint_is_reproduced_byte_for_byte() {
    let vectors: Value = serde_json::from_str(include_str!("vectors/format.json")).unwrap();
    let wanted = &vectors["checkpoint"];
    let note = wanted["note"].as_str().unwrap();
    let seed = vectors["keys"][3]["seed"].as_str().unwrap();
    let secret = SecretKey::from_seed(&base16ct::lower::decode_vec(seed).unwrap().try_into().unwrap());
    let vkey = Vkey::parse(wanted["vkey"].as_str().unwrap()).unwrap();
    assert_eq!(vkey.to_string(), wanted["vkey"].as_str().unwrap());
    assert_eq!(vkey, Vkey::new(vectors["origin"].as_str().unwrap(), secret.public()).unwrap());
    assert_eq!(serde_json::from_value::<Vkey>(wanted["vkey"].clone()).unwrap(), vkey);
    assert_eq!(serde_json::to_value(&vkey).unwrap(), wanted["vkey"]);

    let verified = open(note, std::slice::from_ref(&vkey)).unwrap();
    assert_eq!(verified.checkpoint.size, 21);
    assert_eq!(verified.checkpoint.root.to_string(), vectors["tree"]["roots"][21].as_str().unwrap());
    assert_eq!(verified.signed_by, [vkey]);
    assert_eq!(sign_checkpoint(&verified.checkpoint, &secret).unwrap(), note);
}

#[test]
fn origins_are_names_that_a_note_can_carry() {
    for good in ["a", ORIGIN, "пример.рф/audit", &"a".repeat(255)] {
        assert_eq!(validate_origin(good), Ok(()), "{good}");
    }
    let long = "a".repeat(256);
    for (bad, why) in [
        ("", OriginError::Empty),
        (long.as_str(), OriginError::TooLong),
        ("https://example.com", OriginError::Scheme),
        ("a b", OriginError::Character(' ')),
        ("a+b", OriginError::Character('+')),
        ("a\u{a0}b", OriginError::Character('\u{a0}')),
        ("a\u{2003}b", OriginError::Character('\u{2003}')),
        ("a\nb", OriginError::Character('\n')),
        ("a\0", OriginError::Character('\0')),
        ("a\u{7f}", OriginError::Character('\u{7f}')),
    ] {
        assert_eq!(validate_origin(bad), Err(why), "{bad:?}");
        let checkpoint = Checkpoint { origin: bad.into(), ..checkpoint() };
        assert_eq!(sign_checkpoint(&checkpoint, &key(1)), Err(CheckpointError::Origin(why)));
    }
}

#[test]
fn a_checkpoint_has_one_spelling() {
    let text = checkpoint().to_text().unwrap();
    assert_eq!(Checkpoint::parse(&text), Ok(checkpoint()));
    let root = text.lines().nth(2).unwrap();
    let with = |size: &str, root: &str| format!("{ORIGIN}\n{size}\n{root}\n");
    for size in ["0", "18446744073709551615"] {
        assert!(Checkpoint::parse(&with(size, root)).is_ok(), "{size}");
    }
    for size in ["", "07", "00", "+7", "-7", " 7", "7 ", "7.0", "0x7", "٧", "18446744073709551616"] {
        assert_eq!(Checkpoint::parse(&with(size, root)), Err(CheckpointError::Size), "{size:?}");
    }
    let (short, spare) = (STANDARD.encode([1; 31]), root.replacen('=', "", 1));
    let loose = format!("{}B=", "A".repeat(42));
    for root in ["", &short, &spare, &loose, &root.replace('=', " "), &hex_root()] {
        assert_eq!(Checkpoint::parse(&with("7", root)), Err(CheckpointError::Root), "{root:?}");
    }
    for text in ["", "\n", &text[..text.len() - 1], &format!("{text}extension\n"), &format!("{text}\n")] {
        assert!(matches!(Checkpoint::parse(text), Err(CheckpointError::Lines(_))), "{text:?}");
    }
}

fn hex_root() -> String {
    checkpoint().root.to_string()
}

#[test]
fn verifier_keys_have_one_spelling() {
    let good = vkey(ORIGIN, 1).to_string();
    let [name, id, public] = good.splitn(3, '+').collect::<Vec<_>>()[..] else { panic!("{good}") };
    let refused = |text: String| Vkey::parse(&text).unwrap_err();
    let typed = |kind: u8| STANDARD.encode([&[kind], key(1).public().as_bytes().as_slice()].concat());
    assert_eq!(refused(String::new()), VkeyError::Form);
    assert_eq!(refused(format!("{name}+{id}")), VkeyError::Form);
    assert_eq!(refused(format!("{name}+{}+{public}", id.to_uppercase())), VkeyError::Form);
    assert_eq!(refused(format!("{name}+{id}0+{public}")), VkeyError::Form);
    assert_eq!(refused(format!("{name}+{}+{public}", &id[..6])), VkeyError::Id);
    assert_eq!(refused(format!("{name}+{id}+{public}\n")), VkeyError::Form);
    assert_eq!(refused(format!("{name}+{id}+")), VkeyError::Form);
    assert_eq!(refused(format!("{name}+{id}+{}", STANDARD.encode([1; 32]))), VkeyError::Form);
    assert_eq!(refused(format!("{name}+{id}+{}", typed(4))), VkeyError::Type(4));
    assert_eq!(refused(format!("other+{id}+{public}")), VkeyError::Id);
    assert_eq!(refused(format!("+{id}+{public}")), VkeyError::Name);
    assert_eq!(refused(format!("a b+{id}+{public}")), VkeyError::Name);
    let mut weak = [0; 33];
    weak[..2].copy_from_slice(&[1, 1]);
    assert!(matches!(refused(format!("{name}+{id}+{}", STANDARD.encode(weak))), VkeyError::Key(_)));
}

#[test]
fn a_note_needs_its_exact_shape() {
    let good = signed(ORIGIN, 1);
    let (text, line) = good.rsplit_once("\n\n").unwrap();
    let known = [vkey(ORIGIN, 1)];
    assert!(open(&good, &known).is_ok());
    let unsigned = CheckpointError::Note(NoteError::Unsigned);
    let first = CheckpointError::Note(NoteError::Line(1));
    let second = CheckpointError::Note(NoteError::Line(2));
    for (note, why) in [
        (String::new(), unsigned.clone()),
        (format!("{text}\n"), unsigned.clone()),
        (format!("{text}\n\n"), unsigned.clone()),
        (format!("{text}\n{line}"), unsigned.clone()),
        (format!("{good}\n"), unsigned),
        (good[..good.len() - 1].to_owned(), NoteError::FinalNewline.into()),
        (good.replace('\n', "\r\n"), NoteError::Control('\r').into()),
        (good.replace('7', "\t"), NoteError::Control('\t').into()),
        (good.replace('—', "-"), first.clone()),
        (good.replace('—', "–"), first.clone()),
        (good.replace("— ", "—"), first.clone()),
        (good.replace("— ", "—  "), first.clone()),
        (good.replace(&format!("{ORIGIN} "), &format!("{ORIGIN}\u{a0}")), first.clone()),
        (good.replace(&format!("{ORIGIN} "), "a+b "), first.clone()),
        (good.replace("=\n", "\n").replacen("=\n", "\n", 1), first.clone()),
        (format!("{text}\n\n— x AAAAAA==\n"), first),
        (format!("{good}trailing\n"), second.clone()),
        (format!("{good}— x AAAA\n"), second),
        (good.replacen('7', "8", 1), NoteError::Invalid { name: ORIGIN.into() }.into()),
        ("x".repeat(NOTE_MAX + 1), NoteError::TooLarge(NOTE_MAX + 1).into()),
        (format!("{text}\n\n{}", line.repeat(SIGNATURES_MAX + 1)), NoteError::TooMany.into()),
    ] {
        assert_eq!(open(&note, &known), Err(why), "{:?}", note.get(..300));
    }
    let full = format!("{text}\n\n{}", line.repeat(SIGNATURES_MAX));
    assert_eq!(open(&full, &known).unwrap().signed_by, known);
}

#[test]
fn unknown_signatures_are_kept_and_ignored_known_ones_must_hold() {
    let (alpha, beta) = (vkey(ORIGIN, 1), vkey(ORIGIN, 2));
    let both = format!("{}{}", signed(ORIGIN, 1), lines(&signed(ORIGIN, 2)));
    let witnessed = format!("{both}— witness.example {}\n", STANDARD.encode([4; 76]));
    let note = Note::parse(&witnessed).unwrap();
    assert_eq!((note.signatures().len(), note.to_string()), (3, witnessed.clone()));
    assert_eq!(note.signatures()[2].signature.len(), 72);

    let opened = |trusted: &[Vkey]| open(&witnessed, trusted).map(|verified| verified.signed_by);
    assert_eq!(opened(std::slice::from_ref(&alpha)), Ok(vec![alpha.clone()]));
    assert_eq!(opened(&[beta.clone(), alpha.clone()]), Ok(vec![alpha.clone(), beta.clone()]));
    assert_eq!(opened(&[]), Err(NoteError::NoKnownKey.into()));
    assert_eq!(opened(&[vkey(ORIGIN, 3), vkey("other", 1)]), Err(NoteError::NoKnownKey.into()));

    let invalid = Err(NoteError::Invalid { name: ORIGIN.into() }.into());
    let stolen = note.signatures()[0].signature.clone();
    for signature in [stolen.clone(), stolen[..63].to_vec(), [stolen, vec![0]].concat()] {
        let forged = [beta.id().as_slice(), &signature].concat();
        let note = format!("{}— {ORIGIN} {}\n", signed(ORIGIN, 1), STANDARD.encode(forged));
        assert_eq!(open(&note, &[alpha.clone(), beta.clone()]), invalid);
        assert_eq!(
            open(&note, std::slice::from_ref(&alpha)).unwrap().signed_by,
            std::slice::from_ref(&alpha)
        );
    }
}

#[test]
fn a_key_of_another_log_does_not_open_this_one() {
    let other = "example.com/audit/staging";
    let refused = open(&signed(other, 1), &[vkey(other, 1)]);
    assert_eq!(refused, Err(CheckpointError::OtherLog { origin: ORIGIN.into() }));
}

#[test]
fn the_last_empty_line_parts_text_from_signatures() {
    let text = "first\n\nsecond\n";
    let note = Note::sign(text.into(), "name", &key(1)).unwrap();
    let read = Note::parse(&note.to_string()).unwrap();
    assert_eq!((read.text(), read.verify(&[vkey("name", 1)]).unwrap().len()), (text, 1));
    for (text, name) in [("no newline", "name"), ("text\n", "a b"), ("text\n", ""), ("text\n", "a+b")] {
        assert_eq!(Note::sign(text.into(), name, &key(1)), Err(NoteError::Text));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_checkpoint_comes_back(origin in "[^\\s+:\\p{C}]{1,60}", size in any::<u64>(), root in any::<[u8; 32]>()) {
        let checkpoint = Checkpoint { origin: origin.clone(), size, root: Hash(root) };
        let note = sign_checkpoint(&checkpoint, &key(1)).unwrap();
        let vkey = Vkey::parse(&vkey(&origin, 1).to_string()).unwrap();
        prop_assert_eq!(open(&note, &[vkey]).unwrap().checkpoint, checkpoint);
    }

    #[test]
    fn a_note_with_one_byte_changed_is_refused(at in any::<prop::sample::Index>(), with in any::<u8>()) {
        let mut note = signed(ORIGIN, 1).into_bytes();
        let at = at.index(note.len());
        prop_assume!(note[at] != with);
        note[at] = with;
        if let Ok(note) = String::from_utf8(note) {
            prop_assert!(open(&note, &[vkey(ORIGIN, 1)]).is_err());
        }
    }

    #[test]
    fn garbage_never_panics(text in "(?s).{0,80}(\n\n)?(— )?.{0,80}\n?") {
        let known = [vkey(ORIGIN, 1)];
        prop_assert!(open(&text, &known).is_err());
        prop_assert!(Vkey::parse(&text).is_err());
        if let Ok(checkpoint) = Checkpoint::parse(&text) {
            prop_assert_eq!(checkpoint.to_text().unwrap(), text.clone());
        }
        if let Ok(note) = Note::parse(&text) {
            prop_assert_eq!(note.to_string(), text);
        }
    }
}
