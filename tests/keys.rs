//! Keys against the outside vectors, Wycheproof and the openssl command.

use aether_audit::core::keys::{KeyError, PublicKey, SecretKey};
use serde_json::Value;

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
fn an_encrypted_key_comes_back_with_its_passphrase_only() {
    let secret = SecretKey::from_seed(&[9; 32]);
    let pem = secret.to_encrypted_pem(b"correct-horse", [1; 16], [2; 16]).unwrap();
    let read = SecretKey::from_encrypted_pem(&pem, b"correct-horse").unwrap();
    assert_eq!(read.public(), secret.public());
    let refused = SecretKey::from_encrypted_pem(&pem, b"Correct-horse").unwrap_err();
    assert_eq!(refused, KeyError::Passphrase);
}
