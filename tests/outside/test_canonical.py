"""A JCS library by other hands writes every entry and statement to the same bytes."""

import base64
import json
import unittest

import rfc8785

import attest
import stage


def differing(texts):
    """The texts that are not the library's own bytes for what they say."""
    return [text for text in texts if rfc8785.dumps(json.loads(text)) != text]


def every(export):
    for entry in attest.entries(export):
        yield entry.bytes
        yield entry.payload


class Canonical(unittest.TestCase):
    def test_every_entry_and_statement_is_reproduced(self):
        for name, export in stage.exports().items():
            with self.subTest(name):
                self.assertEqual(differing(every(export)), [])

    def test_the_roster_and_the_reports_statement_are_reproduced(self):
        for name, (record, export) in stage.records().items():
            with self.subTest(name):
                roster = (export / "roster.json").read_bytes().rstrip(b"\n")
                signed = json.loads((record / "report.dsse.json").read_text())
                self.assertEqual(differing([roster, base64.b64decode(signed["payload"])]), [])

    def test_another_spelling_of_the_same_value_is_noticed(self):
        for text in every(stage.quickstart() / "out"):
            value = json.loads(text)
            turned = json.dumps(dict(reversed(value.items())), separators=(",", ":")).encode()
            spaced = json.dumps(value).encode()
            self.assertEqual(differing([turned, spaced]), [turned, spaced])
