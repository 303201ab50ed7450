//! Keys against the outside vectors, Wycheproof, crafted signatures and hostile files.

use aether_audit::core::keys::{FastVerifier, KeyError, PublicKey, SecretKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use curve25519_dalek::constants::{ED25519_BASEPOINT_TABLE, EIGHT_TORSION};
use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::scalar::Scalar;
use proptest::prelude::*;
use serde_json::Value;
use sha2::{Digest as _, Sha512};
use wycheproof::TestResult;
use wycheproof::eddsa::{TestName, TestSet};

fn bytes<const N: usize>(hex: &Value) -> [u8; N] {
    base16ct::lower::decode_vec(hex.as_str().unwrap()).unwrap().try_into().unwrap()
}

#[test]
fn the_outside_keys_agree() {
    let vectors: Value = serde_json::from_str(include_str!("vectors/format.json")).unwrap();
    for key in vectors["keys"].as_array().unwrap() {
        let secret = SecretKey::from_seed(&bytes(&key["seed"]));
        let public = secret.public();
        let pem = key["spki_pem"].as_str().unwrap();
        assert_eq!(public.as_bytes(), &bytes::<32>(&key["public"]));
        assert_eq!(public.to_spki_pem(), pem);
        assert_eq!(public.keyid().to_string(), key["keyid"].as_str().unwrap());
        assert_eq!(PublicKey::from_spki_pem(pem), Ok(public.clone()));
        assert_eq!(PublicKey::from_bytes(public.as_bytes()), Ok(public.clone()));
        let json = serde_json::to_string(&public).unwrap();
        assert_eq!(json, format!("{:?}", public.to_spki_base64()));
        assert_eq!(serde_json::from_str::<PublicKey>(&json).unwrap(), public);
        let signature = secret.sign(b"message");
        assert!(public.verify(b"message", &signature));
        assert!(!public.verify(b"another", &signature));
    }
}

#[test]
fn a_public_key_has_one_spelling() {
    let public = SecretKey::from_seed(&[1; 32]).public();
    let pem = public.to_spki_pem();
    for bad in [
        String::new(),
        pem.trim_end().to_owned(),
        format!("{pem}\n"),
        format!(" {pem}"),
        pem.replace('\n', "\r\n"),
        pem.replace("PUBLIC", "PRIVATE"),
        pem.replace("MCow", "MCo\nw"),
        pem.replace("=\n", "\n"),
        pem.replace("K2Vw", "K2Vu"),
    ] {
        assert_eq!(PublicKey::from_spki_pem(&bad), Err(KeyError::PublicPem), "{bad:?}");
    }
    let text = public.to_spki_base64();
    for bad in
        ["", "AAAA", &text[..56], &format!("{text}\n"), &text.replace('=', ""), &text.replace('M', "N")]
    {
        assert_eq!(PublicKey::from_spki_base64(bad), Err(KeyError::PublicBase64), "{bad:?}");
    }
}

/// Every 32 bytes whose y is not below p = 2^255 − 19, with either sign.
fn non_canonical() -> impl Iterator<Item = [u8; 32]> {
    (0xed..=0xff).flat_map(|low| {
        [0x7f, 0xff].map(|high| {
            let mut bytes = [0xff; 32];
            (bytes[0], bytes[31]) = (low, high);
            bytes
        })
    })
}

#[test]
fn weak_and_non_canonical_public_keys_are_refused() {
    for point in EIGHT_TORSION {
        assert_eq!(PublicKey::from_bytes(point.compress().as_bytes()), Err(KeyError::Weak));
    }
    for bytes in non_canonical() {
        assert_eq!(PublicKey::from_bytes(&bytes), Err(KeyError::NotCanonical), "{bytes:02x?}");
    }
    let mut minus_zero = [0; 32];
    (minus_zero[0], minus_zero[31]) = (1, 0x80);
    assert_eq!(PublicKey::from_bytes(&minus_zero), Err(KeyError::NotCanonical));
    let off_curve = (2..=255).map(|low| {
        let mut bytes = [0; 32];
        bytes[0] = low;
        bytes
    });
    let refused =
        off_curve.filter(|bytes| PublicKey::from_bytes(bytes) == Err(KeyError::NotCanonical)).count();
    assert!((100..150).contains(&refused), "{refused}");
    let honest =
        CompressedEdwardsY(*SecretKey::from_seed(&[1; 32]).public().as_bytes()).decompress().unwrap();
    for (index, torsion) in EIGHT_TORSION.iter().enumerate() {
        let mixed = PublicKey::from_bytes((honest + torsion).compress().as_bytes());
        assert_eq!(mixed.err(), (index > 0).then_some(KeyError::Weak));
    }
}

#[test]
fn wycheproof_agrees() {
    let set = TestSet::load(TestName::Ed25519).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for group in set.test_groups {
        let public = PublicKey::from_bytes(group.key.pk.as_slice().try_into().unwrap()).unwrap();
        let fast = FastVerifier::new(&public);
        for test in group.tests {
            let signature = <&[u8; 64]>::try_from(test.sig.as_slice()).ok();
            let accepted = signature.is_some_and(|signature| public.verify(&test.msg, signature));
            assert_eq!(accepted, test.result == TestResult::Valid, "case {}", test.tc_id);
            let fast = signature.is_some_and(|signature| fast.verify(&test.msg, signature));
            assert_eq!(fast, accepted, "case {}", test.tc_id);
            *(if accepted { &mut valid } else { &mut invalid }) += 1;
        }
    }
    assert!(valid > 50 && invalid > 50, "{valid} {invalid}");
}

/// Draws that look random and are the same in every run.
struct Draws(Sha512, u64);

impl Draws {
    fn bytes(&mut self) -> [u8; 64] {
        self.1 += 1;
        self.0.clone().chain_update(self.1.to_be_bytes()).finalize().into()
    }

    fn scalar(&mut self) -> Scalar {
        Scalar::from_bytes_mod_order_wide(&self.bytes())
    }

    fn below(&mut self, count: usize) -> usize {
        usize::from(u16::from_be_bytes([self.bytes()[0], self.bytes()[1]])) % count
    }
}

/// The private scalar and the public key that come of `seed` (RFC 8032 §5.1.5).
fn expand(seed: &[u8; 32]) -> (Scalar, PublicKey) {
    let mut low: [u8; 32] = Sha512::digest(seed)[..32].try_into().unwrap();
    low[0] &= 0xf8;
    low[31] = low[31] & 0x7f | 0x40;
    (Scalar::from_bytes_mod_order(low), SecretKey::from_seed(seed).public())
}

/// r + k·a, where k hashes the given bytes of R.
fn response(
    encoded: &[u8; 32],
    nonce: Scalar,
    private: Scalar,
    public: &PublicKey,
    message: &[u8],
) -> Scalar {
    let hash = Sha512::new().chain_update(encoded).chain_update(public.as_bytes()).chain_update(message);
    nonce + Scalar::from_bytes_mod_order_wide(&hash.finalize().into()) * private
}

/// s + `times` · L.
fn plus_order(s: Scalar, times: usize) -> [u8; 32] {
    let order_less_one = (-Scalar::ONE).to_bytes();
    let mut sum = s.to_bytes();
    for _ in 0..times {
        let mut carry = 1;
        for (byte, add) in sum.iter_mut().zip(order_less_one) {
            carry += u16::from(*byte) + u16::from(add);
            *byte = carry.to_le_bytes()[0];
            carry >>= 8;
        }
    }
    sum
}

/// A signature of one of ten kinds over `message`; kind 0 is honest.
fn craft(kind: usize, draws: &mut Draws, private: Scalar, public: &PublicKey, message: &[u8]) -> [u8; 64] {
    let nonce = draws.scalar();
    let point = ED25519_BASEPOINT_TABLE * &nonce;
    let honest = point.compress().to_bytes();
    let with = |r: [u8; 32], nonce: Scalar| (r, response(&r, nonce, private, public, message).to_bytes());
    let (mut r, mut s) = with(honest, nonce);
    match kind {
        1 => {
            let bit = draws.below(512);
            let byte = if bit < 256 { &mut r[bit / 8] } else { &mut s[bit / 8 - 32] };
            *byte ^= 1 << (bit % 8);
        }
        2 => s = plus_order(response(&r, nonce, private, public, message), 1 + draws.below(14)),
        3 => (r, s) = with((point + EIGHT_TORSION[1 + draws.below(7)]).compress().to_bytes(), nonce),
        4 => (r, s) = with(EIGHT_TORSION[draws.below(8)].compress().to_bytes(), Scalar::ZERO),
        5 => (r, s) = with(non_canonical().nth(draws.below(38)).unwrap(), Scalar::ZERO),
        6 => {
            r.copy_from_slice(&draws.bytes()[..32]);
            s = draws.scalar().to_bytes();
        }
        7 => r[31] ^= 0x80,
        8 => s = [Scalar::ZERO, Scalar::ONE, -Scalar::ONE][draws.below(3)].to_bytes(),
        9 => {
            let mut minus_zero = [0; 32];
            (minus_zero[0], minus_zero[31]) = (1, 0x80);
            (r, s) = with(minus_zero, Scalar::ZERO);
        }
        _ => {}
    }
    [r, s].concat().try_into().unwrap()
}

#[test]
fn the_fast_verifier_gives_the_strict_verdict_on_crafted_signatures() {
    const KINDS: usize = 10;
    const EACH: usize = 10_400;
    let check = |seed: u8| {
        let mut draws = Draws(Sha512::new_with_prefix([seed]), 0);
        let keys: Vec<_> = (0..8).map(|n| expand(&[seed ^ n; 32])).collect();
        let fast: Vec<_> = keys.iter().map(|(_, public)| FastVerifier::new(public)).collect();
        for round in 0..EACH / 2 * KINDS {
            let (kind, pick) = (round % KINDS, round / KINDS % keys.len());
            let (private, public) = &keys[pick];
            let random = draws.bytes();
            let message = &random[..usize::from(random[0] % 64)];
            let signature = craft(kind, &mut draws, *private, public, message);
            let strict = public.verify(message, &signature);
            assert_eq!(fast[pick].verify(message, &signature), strict, "kind {kind}: {signature:02x?}");
            assert_eq!(strict, kind == 0, "kind {kind}: {signature:02x?}");
            let other = (pick + 1) % keys.len();
            assert!(kind > 0 || !fast[other].verify(message, &signature));
        }
    };
    std::thread::scope(|scope| [0x10, 0x20].map(|seed| scope.spawn(move || check(seed))).map(drop));
}

#[test]
fn an_encrypted_key_comes_back_with_its_passphrase_only() {
    let secret = SecretKey::from_seed(&[9; 32]);
    let pem = secret.to_encrypted_pem(b"correct-horse", [1; 16], [2; 16]).unwrap();
    let read = SecretKey::from_encrypted_pem(&pem, b"correct-horse").unwrap();
    assert_eq!(read.public(), secret.public());
    for wrong in ["Correct-horse", "", "correct-horse\n"] {
        let refused = SecretKey::from_encrypted_pem(&pem, wrong.as_bytes()).unwrap_err();
        assert_eq!(refused, KeyError::Passphrase);
    }
    assert_eq!(SecretKey::from_pem_unencrypted(&pem).unwrap_err(), KeyError::Encrypted);
    assert_eq!(format!("{secret:?}"), "SecretKey(..)");
    let (other_salt, other_iv) = ([3; 16], [4; 16]);
    assert_ne!(secret.to_encrypted_pem(b"correct-horse", other_salt, [2; 16]).unwrap(), pem);
    assert_ne!(secret.to_encrypted_pem(b"correct-horse", [1; 16], other_iv).unwrap(), pem);
}

#[test]
fn a_file_damaged_inside_the_seed_is_caught_by_its_public_half() {
    let secret = SecretKey::from_seed(&[9; 32]);
    let pem = secret.to_encrypted_pem(b"p", [1; 16], [2; 16]).unwrap();
    let lines: Vec<&str> = pem.lines().collect();
    let (first, last) = (lines[0], lines[lines.len() - 1]);
    let mut der = STANDARD.decode(lines[1..lines.len() - 1].concat()).unwrap();
    let second_block = der.len() - 3 * 16;
    der[second_block] ^= 1;
    let body = STANDARD.encode(der);
    let wrapped: Vec<&str> = body.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    let damaged = format!("{first}\n{}\n{last}\n", wrapped.join("\n"));
    let read = SecretKey::from_encrypted_pem(&damaged, b"p").unwrap();
    assert_ne!(read.public(), secret.public());
    assert_eq!(read.belonging_to(&secret.public()).unwrap_err(), KeyError::OtherKey);
    let whole = SecretKey::from_encrypted_pem(&pem, b"p").unwrap();
    assert!(whole.belonging_to(&secret.public()).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_changed_private_key_file_is_never_taken_for_another_key(at in any::<prop::sample::Index>(), with in 0u8..128) {
        let secret = SecretKey::from_seed(&[9; 32]);
        let mut pem = secret.to_encrypted_pem(b"p", [1; 16], [2; 16]).unwrap().as_bytes().to_vec();
        let at = at.index(pem.len());
        pem[at] = with;
        let pem = String::from_utf8(pem).unwrap();
        let public = secret.public();
        let read = SecretKey::from_encrypted_pem(&pem, b"p").and_then(|key| key.belonging_to(&public));
        if let Ok(key) = read {
            prop_assert!(key.public() == public);
        }
    }

    #[test]
    fn garbage_is_no_key(
        text in "(?s)(-----BEGIN (ENCRYPTED |)(PRIVATE|PUBLIC) KEY-----\n)?[A-Za-z0-9+/=\n]{0,200}(\n-----END (ENCRYPTED |)(PRIVATE|PUBLIC) KEY-----\n)?.{0,5}",
    ) {
        prop_assert!(SecretKey::from_encrypted_pem(&text, b"p").is_err());
        prop_assert!(SecretKey::from_pem_unencrypted(&text).is_err());
        prop_assert!(PublicKey::from_spki_pem(&text).is_err());
        prop_assert!(PublicKey::from_spki_base64(&text).is_err());
    }
}
