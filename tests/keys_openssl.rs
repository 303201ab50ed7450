//! Private key files, both ways between this program and the openssl command.

use std::path::{Path, PathBuf};
use std::process::Command;

use aether_audit::core::keys::{KeyError, PublicKey, SecretKey};
use pkcs8::der::asn1::OctetStringRef;
use pkcs8::der::pem::{LineEnding, PemLabel as _};
use pkcs8::der::{Decode as _, Encode as _, SecretDocument};
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::{self, Kdf};
use pkcs8::{EncryptedPrivateKeyInfo, EncryptedPrivateKeyInfoRef};
use tempfile::TempDir;

const PASSPHRASE: &str = "correct horse, battery";

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs openssl here; the passphrase is in the variable `PW`. Its stdout, when it succeeds.
    fn openssl(&self, arguments: &str) -> String {
        run(self.0.path(), arguments)
    }
}

fn run(folder: &Path, arguments: &str) -> String {
    let output = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(folder)
        .env("PW", PASSPHRASE)
        .output()
        .expect("these tests need the openssl command");
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn openssl_reads_our_private_key_and_each_verifies_the_other() {
    let folder = Folder::new();
    let secret = SecretKey::from_seed(&[5; 32]);
    let public = secret.public();
    let pem = secret.to_encrypted_pem(PASSPHRASE.as_bytes(), [6; 16], [7; 16]).unwrap();
    folder.write("k.pem", pem.as_bytes());
    folder.write("k.pub.pem", public.to_spki_pem());
    folder.write("message", b"what was signed");
    assert_eq!(folder.openssl("pkey -in k.pem -passin env:PW -pubout"), public.to_spki_pem());

    folder.openssl("pkeyutl -sign -rawin -inkey k.pem -passin env:PW -in message -out theirs.sig");
    let theirs: [u8; 64] = std::fs::read(folder.path("theirs.sig")).unwrap().try_into().unwrap();
    assert!(public.verify(b"what was signed", &theirs));

    folder.write("ours.sig", secret.sign(b"what was signed"));
    let verdict =
        folder.openssl("pkeyutl -verify -pubin -inkey k.pub.pem -rawin -in message -sigfile ours.sig");
    assert!(verdict.contains("Verified Successfully"), "{verdict}");

    let shape = folder.openssl("asn1parse -in k.pem");
    for part in [":PBES2", ":scrypt", ":4000", ":08", ":01", ":aes-256-cbc"] {
        assert!(shape.contains(part), "{part} in {shape}");
    }
    folder.openssl("pkcs8 -in k.pem -passin env:PW -out plain.pem");
    let inside = folder.openssl("asn1parse -in plain.pem");
    assert!(inside.lines().next().unwrap().contains("l=  46"), "v1, without the public key: {inside}");
}

#[test]
fn a_key_that_openssl_made_and_encrypted_is_read() {
    let folder = Folder::new();
    folder.openssl("genpkey -algorithm ed25519 -out plain.pem");
    folder.openssl(
        "pkcs8 -topk8 -in plain.pem -out k.pem -passout env:PW -v2 aes-256-cbc \
         -scrypt -scrypt_N 16384 -scrypt_r 8 -scrypt_p 1",
    );
    let secret = SecretKey::from_encrypted_pem(&folder.read("k.pem"), PASSPHRASE.as_bytes()).unwrap();
    let public = folder.openssl("pkey -in plain.pem -pubout");
    assert_eq!(secret.public().to_spki_pem(), public);
    assert_eq!(PublicKey::from_spki_pem(&public), Ok(secret.public()));
    assert_eq!(SecretKey::from_pem_unencrypted(&folder.read("plain.pem")).unwrap().public(), secret.public());
    let refused = |name: &str| SecretKey::from_encrypted_pem(&folder.read(name), PASSPHRASE.as_bytes());
    assert_eq!(refused("plain.pem").unwrap_err(), KeyError::NotEncrypted);
}

#[test]
fn other_ciphers_and_algorithms_are_told_apart_from_a_wrong_passphrase() {
    let folder = Folder::new();
    folder.openssl("genpkey -algorithm ed25519 -out plain.pem");
    folder.openssl("genpkey -algorithm x25519 -out x25519.pem");
    folder.openssl("pkey -in plain.pem -pubout -out pub.pem");
    let read =
        |name: &str| SecretKey::from_encrypted_pem(&folder.read(name), PASSPHRASE.as_bytes()).unwrap_err();
    for options in ["-v2 aes-256-cbc", "-v2 aes-128-cbc -scrypt", "-v2 des3 -scrypt", "-v1 PBE-SHA1-3DES"] {
        folder.openssl(&format!("pkcs8 -topk8 -in plain.pem -out k.pem -passout env:PW {options}"));
        assert_eq!(read("k.pem"), KeyError::Scheme, "{options}");
    }
    folder.openssl("pkcs8 -topk8 -in x25519.pem -out k.pem -passout env:PW -v2 aes-256-cbc -scrypt");
    assert_eq!(read("k.pem"), KeyError::NotEd25519);
    let plain = SecretKey::from_pem_unencrypted(&folder.read("x25519.pem")).unwrap_err();
    assert_eq!(plain, KeyError::NotEd25519);
    assert_eq!(read("pub.pem"), KeyError::Malformed);
    let public = folder.openssl("pkey -in x25519.pem -pubout");
    assert_eq!(PublicKey::from_spki_pem(&public), Err(KeyError::PublicPem));
}

/// Our own encrypted key, asking for other scrypt parameters.
fn asking_for(cost: u64, block_size: u16, parallelization: u16, key_length: Option<u16>) -> String {
    let secret = SecretKey::from_seed(&[5; 32]);
    let pem = secret.to_encrypted_pem(PASSPHRASE.as_bytes(), [6; 16], [7; 16]).unwrap();
    let (_, document) = SecretDocument::from_pem(&pem).unwrap();
    let info = EncryptedPrivateKeyInfoRef::from_der(document.as_bytes()).unwrap();
    let EncryptionScheme::Pbes2(pbes2::Parameters { kdf: Kdf::Scrypt(mut kdf), encryption }) =
        info.encryption_algorithm
    else {
        panic!("not PBES2 with scrypt");
    };
    kdf.cost_parameter = cost;
    kdf.block_size = block_size;
    kdf.parallelization = parallelization;
    kdf.key_length = key_length;
    let info = EncryptedPrivateKeyInfo {
        encryption_algorithm: pbes2::Parameters { kdf: Kdf::Scrypt(kdf), encryption }.into(),
        encrypted_data: OctetStringRef::new(info.encrypted_data.as_bytes()).unwrap(),
    };
    let document = SecretDocument::try_from(info.to_der().unwrap()).unwrap();
    document.to_pem(EncryptedPrivateKeyInfoRef::PEM_LABEL, LineEnding::LF).unwrap().to_string()
}

#[test]
fn a_hostile_file_cannot_ask_for_more_than_the_bounds() {
    let read = |cost, block_size, parallelization, key_length| {
        let pem = asking_for(cost, block_size, parallelization, key_length);
        SecretKey::from_encrypted_pem(&pem, PASSPHRASE.as_bytes()).map(|key| key.public())
    };
    assert_eq!(read(1 << 14, 8, 1, None), Ok(SecretKey::from_seed(&[5; 32]).public()));
    assert_eq!(read(1 << 14, 8, 1, Some(32)), Ok(SecretKey::from_seed(&[5; 32]).public()));
    for (cost, block_size, parallelization) in [
        (1 << 18, 8, 1),
        (u64::MAX, 8, 1),
        (1 << 63, 8, 1),
        (1 << 14, 17, 1),
        (1 << 14, 8, 5),
        (2, 65535, 65535),
    ] {
        assert_eq!(read(cost, block_size, parallelization, None), Err(KeyError::TooCostly));
    }
    for (cost, block_size, parallelization) in
        [(0, 8, 1), (1, 8, 1), (3, 8, 1), (1 << 14, 0, 1), (1 << 14, 8, 0)]
    {
        assert_eq!(read(cost, block_size, parallelization, None), Err(KeyError::Malformed), "{cost}");
    }
    for key_length in [0, 1, 16, 31, 33, u16::MAX] {
        assert_eq!(read(1 << 14, 8, 1, Some(key_length)), Err(KeyError::Malformed), "{key_length}");
    }
    assert_eq!(read(1 << 13, 8, 1, None), Err(KeyError::Passphrase));
}
