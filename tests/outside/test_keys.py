"""openssl and Python's cryptography read the keys that the program makes."""

import hashlib
import subprocess
import unittest

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

import stage


def private():
    """Every private key of the quickstart."""
    found = sorted((stage.quickstart() / "private").glob("*.pem"))
    assert len(found) >= 4, found  # three people, one root key, the log key
    return found


def spki(key):
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def openssl(path, passphrase):
    """The public half as openssl derives it from a private key."""
    return subprocess.run(
        ["openssl", "pkey", "-in", path, "-passin", "env:PASSPHRASE", "-pubout"],
        env={**stage.environment(), "PASSPHRASE": passphrase}, stdin=subprocess.DEVNULL,
        capture_output=True, timeout=60, check=False,
    )


class Keys(unittest.TestCase):
    def test_both_read_every_private_key_and_agree_on_its_public_half(self):
        public = {spki(load_pem_public_key(path.read_bytes())) for path in self.public()}
        known = 0
        for path in private():
            key = load_pem_private_key(path.read_bytes(), stage.PASSPHRASE.encode())
            self.assertIsInstance(key, Ed25519PrivateKey)
            self.assertEqual(path.stat().st_mode & 0o777, 0o600, path)
            derived = openssl(path, stage.PASSPHRASE)
            self.assertEqual(derived.returncode, 0, derived.stderr)
            self.assertEqual(spki(load_pem_public_key(derived.stdout)), spki(key.public_key()))
            known += spki(key.public_key()) in public
        self.assertGreaterEqual(known, 4)

    def test_both_refuse_another_passphrase_and_a_spoilt_file(self):
        for path in private():
            with self.assertRaises(ValueError):
                load_pem_private_key(path.read_bytes(), b"wrong-horse")
            with self.assertRaises(TypeError):
                load_pem_private_key(path.read_bytes(), None)
            self.assertNotEqual(openssl(path, "wrong-horse").returncode, 0)
        text = private()[0].read_text()
        at = text.rindex("=\n-----END") - 8  # in the ciphertext, which stands last
        after = (text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]).encode()
        with self.assertRaises(ValueError):
            load_pem_private_key(after, stage.PASSPHRASE.encode())
        spoilt = stage.folder() / "spoilt.pem"
        spoilt.write_bytes(after)
        self.assertNotEqual(openssl(spoilt, stage.PASSPHRASE).returncode, 0)

    def test_the_name_of_an_exported_key_is_the_sha256_of_its_spki(self):
        for name, export in stage.exports().items():
            with self.subTest(name):
                found = list((export / "keys").iterdir())
                self.assertTrue(found)
                for path in found:
                    der = spki(load_pem_public_key(path.read_bytes()))
                    self.assertEqual(f"{hashlib.sha256(der).hexdigest()}.pub.pem", path.name)
                    read = subprocess.run(
                        ["openssl", "pkey", "-pubin", "-in", path, "-outform", "DER"], capture_output=True, check=True
                    )
                    self.assertEqual(read.stdout, der)

    def public(self):
        return sorted((stage.quickstart() / "keys").glob("*.pub.pem"))
