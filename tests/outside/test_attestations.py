"""securesystemslib and in-toto-attestation read every envelope as an ordinary attestation."""

import json
import unittest

import google.protobuf.json_format as pb_json
import in_toto_attestation.v1.statement_pb2 as pb
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

import attest
import stage


def key(export, keyid):
    """A public key of the export, as securesystemslib takes it."""
    pem = (export / "keys" / f"{keyid}.pub.pem").read_bytes()
    return SSlibKey.from_crypto(load_pem_public_key(pem), keyid=keyid)


def verify(export, envelope):
    """Verifies an envelope with all of its signers, and its statement; gives the statement."""
    signers = [signature["keyid"] for signature in envelope["signatures"]]
    read = Envelope.from_dict(json.loads(json.dumps(envelope)))
    accepted = read.verify([key(export, keyid) for keyid in signers], len(signers))
    assert sorted(accepted) == sorted(signers), "not every signature was accepted"
    statement = pb_json.Parse(read.payload, pb.Statement())
    Statement.copy_from_pb(statement).validate()
    assert read.payload_type == "application/vnd.in-toto+json"
    return statement


def spoil(envelope):
    """The envelope with one byte of its payload changed, so that it is still JSON."""
    return json.loads(attest.spoil(json.dumps(envelope).encode()))


class Attestations(unittest.TestCase):
    def test_every_envelope_is_accepted(self):
        for name, export in stage.exports().items():
            with self.subTest(name):
                for entry in attest.entries(export):
                    statement = verify(export, entry.json["envelope"])
                    self.assertEqual(statement.predicate_type, f"https://project-aether.io/audit/{entry.kind}/v1")
                    self.assertTrue(all(subject.digest for subject in statement.subject))

    def test_every_spoilt_envelope_is_refused(self):
        export = stage.quickstart() / "out"
        for entry in attest.entries(export):
            with self.assertRaises(VerificationError, msg=f"entry {entry.seq}"):
                verify(export, spoil(entry.json["envelope"]))

    def test_a_statement_without_subject_is_refused(self):
        statement = pb_json.Parse(attest.entries(stage.quickstart() / "out")[0].payload, pb.Statement())
        del statement.subject[:]
        with self.assertRaises(ValueError):
            Statement.copy_from_pb(statement).validate()

    def test_the_report_is_accepted_and_names_every_file_of_the_record(self):
        for name, (record, export) in stage.records().items():
            with self.subTest(name):
                envelope = json.loads((record / "report.dsse.json").read_text())
                statement = verify(export, envelope)
                self.assertEqual(statement.predicate_type, "https://project-aether.io/audit/report/v1")
                named = {subject.name: subject.digest["sha256"] for subject in statement.subject}
                self.assertEqual(named, digests(record))
                with self.assertRaises(VerificationError):
                    verify(export, spoil(envelope))

    def test_a_flipped_byte_in_a_file_of_the_record_shows(self):
        record, export = stage.records()["quickstart"]
        envelope = json.loads((record / "report.dsse.json").read_text())
        named = {subject.name: subject.digest["sha256"] for subject in verify(export, envelope).subject}
        for file in named:
            spoilt = stage.copy(record)
            stage.flip(spoilt / file, (spoilt / file).stat().st_size // 2)
            changed = {each for each, digest in digests(spoilt).items() if named[each] != digest}
            self.assertEqual(changed, {file})


def digests(record):
    """SHA-256 of every file of a record except its signature."""
    from test_hashes import sha256sum

    files = [path.name for path in record.iterdir() if path.is_file() and path.name != "report.dsse.json"]
    return sha256sum(record, files)
