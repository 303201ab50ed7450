"""openssl judges every signature of an export, with the public keys that the export carries."""

import base64
import subprocess
import unittest

import attest
import stage

# DER of a SubjectPublicKeyInfo for Ed25519 (RFC 8410), up to the 32 bytes of the key.
SPKI = bytes.fromhex("302a300506032b6570032100")


def accepted(key, message, signature, folder):
    """Whether `openssl pkeyutl` accepts a signature."""
    (folder / "message").write_bytes(message)
    (folder / "signature").write_bytes(signature)
    done = subprocess.run(
        ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", key, "-in", "message", "-sigfile", "signature"],
        cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False,
    )
    said = done.stdout.decode()
    good = done.returncode == 0 and "Verified Successfully" in said
    bad = done.returncode == 1 and "Verification Failure" in said
    assert good or bad, f"openssl could not judge: {done.stdout!r} {done.stderr!r}"
    return good


def refused(export):
    """The signatures that openssl refuses, and how many it judged."""
    folder = stage.folder() / f"openssl-{next(stage.copies())}"
    folder.mkdir()
    wrong, judged = [], 0
    for entry in attest.entries(export):
        assert entry.signatures, f"entry {entry.seq} has no signature"
        for keyid, signature in entry.signatures:
            judged += 1
            if not accepted(export / "keys" / f"{keyid}.pub.pem", entry.signed, signature, folder):
                wrong.append(f"entry {entry.seq}, key {keyid}")
    return wrong, judged


def checkpoint_refused(export):
    """Whether openssl refuses the note, read with the log keys of the roster alone."""
    folder = stage.folder() / f"openssl-{next(stage.copies())}"
    folder.mkdir()
    note = attest.Checkpoint((export / "checkpoint").read_text())
    keys = [key for name, key_id, key in attest.log_keys(export) if (name, key_id) == (note.name, note.key_id)]
    assert len(keys) == 1, "the checkpoint is not by one log key of the roster"
    pem = base64.b64encode(SPKI + keys[0]).decode()
    (folder / "log.pem").write_text(f"-----BEGIN PUBLIC KEY-----\n{pem}\n-----END PUBLIC KEY-----\n")
    return not accepted(folder / "log.pem", note.text.encode(), note.signature, folder)


class Openssl(unittest.TestCase):
    def test_accepts_every_signature(self):
        for name, export in stage.exports().items():
            with self.subTest(name):
                wrong, judged = refused(export)
                self.assertEqual(wrong, [])
                self.assertGreaterEqual(judged, len(attest.entries(export)))

    def test_refuses_a_flipped_byte_in_any_statement(self):
        export = stage.quickstart() / "out"
        honest = [entry.bytes for entry in attest.entries(export)]
        for number, line in enumerate(honest):
            spoilt = stage.copy(export)
            lines = [*honest[:number], attest.spoil(line), *honest[number + 1 :]]
            (spoilt / "entries.jsonl").write_bytes(b"\n".join(lines) + b"\n")
            wrong, judged = refused(spoilt)
            self.assertGreaterEqual(judged, len(honest))
            self.assertEqual([text.split(",")[0] for text in wrong], [f"entry {number}"])

    def test_refuses_a_flipped_byte_in_a_signature(self):
        folder = stage.folder() / "one-signature"
        folder.mkdir()
        export = stage.quickstart() / "out"
        entry = attest.entries(export)[-1]
        keyid, signature = entry.signatures[0]
        key = export / "keys" / f"{keyid}.pub.pem"
        self.assertTrue(accepted(key, entry.signed, signature, folder))
        for at in (0, 31, 32, 63):
            spoilt = bytearray(signature)
            spoilt[at] ^= 1
            self.assertFalse(accepted(key, entry.signed, bytes(spoilt), folder), at)

    def test_accepts_the_checkpoint_and_refuses_a_spoilt_one(self):
        for name, export in stage.exports().items():
            with self.subTest(name):
                self.assertFalse(checkpoint_refused(export))
                spoilt = stage.copy(export)
                note = (spoilt / "checkpoint").read_text()
                size = note.splitlines()[1]
                (spoilt / "checkpoint").write_text(note.replace(f"\n{size}\n", f"\n{int(size) + 1}\n", 1))
                self.assertTrue(checkpoint_refused(spoilt))
