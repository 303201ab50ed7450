"""trestle, securesystemslib, in-toto-attestation and Python's csv read what `report --format` writes.

CDEvents: no package index carries its JSON schemas: the shape that version 0.5.0 asks of an event is written down here,
and tests/cli/formats.rs holds the events against the library that the project generates from its schemas.
"""

import csv
import datetime
import functools
import json
import os
import pathlib
import re
import subprocess
import sys
import unittest
import uuid

import attest
import stage
from test_attestations import verify

FORMATS = [word for name in ("oscal", "cdevents", "csv", "bundle") for word in ("--format", name)]
HEAD = ["seq", "recorded", "kind", "who", "role", "key", "subject", "outcome", "value", "leaf", "verified"]
TRESTLE = pathlib.Path(sys.executable).with_name("trestle")


@functools.cache
def record():
    """A copy of the five-minute tour, with traffic moved there and back: the record's folder, and a fresh export."""
    from shell import play

    project = stage.copy(stage.quickstart())
    shift = "aether-audit record traffic-shifted --service app --as alice"
    stranger = "aether-audit record traffic-shifted --service '=web' --to green --as alice"
    play(
        f"export AETHER_AUDIT_PASSPHRASE={stage.PASSPHRASE} AETHER_AUDIT_KEYS=$PWD/private\n"
        f"{stranger}\n{shift} --to green\n{shift} --to blue\n"
        f"aether-audit report --as alice {' '.join(FORMATS)}\n"
        "aether-audit export again\n",
        project,
    )
    return project / "records/v2.14.0", project / "again"


def trestle(words, folder, status=0):
    done = subprocess.run(
        [TRESTLE, *words], cwd=folder, capture_output=True, check=False, timeout=stage.SECONDS, stdin=subprocess.DEVNULL,
        env=dict(os.environ, HOME=str(folder)),
    )
    said = (done.stdout + done.stderr).decode(errors="replace")
    assert (done.returncode == 0) == (status == 0), f"trestle {words}: {done.returncode}\n{said}"
    return said


class Compliance(unittest.TestCase):
    def test_trestle_accepts_the_results_and_refuses_spoilt_ones(self):
        folder = stage.empty("trestle")
        trestle(["init", "--local"], folder)
        path = record()[0] / "report.oscal.json"
        trestle(["import", "-f", str(path), "-o", "record"], folder)
        self.assertIn("VALID", trestle(["validate", "-t", "assessment-results", "-n", "record"], folder))
        spoilt = json.loads(path.read_text())
        del spoilt["assessment-results"]["import-ap"]
        other = folder.parent / "spoilt.json"
        other.write_text(json.dumps(spoilt))
        trestle(["import", "-f", str(other), "-o", "spoilt"], folder, status=1)

    def test_observations_name_entries_and_leaves_of_the_log(self):
        folder, export = record()
        leaves = {str(entry.seq): entry.leaf for entry in attest.entries(export)}
        (result,) = json.loads((folder / "report.oscal.json").read_text())["assessment-results"]["results"]
        self.assertTrue(result["observations"])
        for observation in result["observations"]:
            self.assertEqual(uuid.UUID(observation["uuid"]).version, 5)
            props = {prop["name"]: prop["value"] for prop in observation["props"]}
            self.assertEqual(props["leaf"], leaves[props["seq"]])

    def test_findings_and_the_data_have_the_same_controls(self):
        folder, _ = record()
        (result,) = json.loads((folder / "report.oscal.json").read_text())["assessment-results"]["results"]
        controls = json.loads((folder / "report.json").read_text())["controls"]
        found = [(one["target"]["target-id"], *(prop["value"].replace(" ", "-") for prop in one["props"])) for one in result["findings"]]
        self.assertEqual([(one["id"], one["verdict"]) for one in controls], found)
        self.assertEqual(len(controls), 7)
        for one in controls:
            holding = [criterion["holds"] for criterion in one["criteria"]]
            self.assertIn(one["verdict"], {"evidenced": all(holding), "partly": any(holding) and not all(holding), "not-evidenced": True})

    def test_every_line_of_the_bundle_verifies(self):
        folder, export = record()
        lines = (folder / "report.bundle.jsonl").read_text().splitlines()
        self.assertGreaterEqual(len(lines), 4)
        for line in lines:
            verify(export, json.loads(line))

    def test_python_reads_the_table(self):
        folder, export = record()
        with open(folder / "report.events.csv", newline="") as file:
            head, *rows = csv.reader(file, strict=True)
        self.assertEqual(head, HEAD)
        by_seq = {entry.seq: entry for entry in attest.entries(export)}
        for row in (dict(zip(head, row, strict=True)) for row in rows):
            entry = by_seq[int(row["seq"])]
            self.assertEqual((row["kind"], row["leaf"]), (entry.kind, entry.leaf))
            self.assertFalse(any(cell[:1] in tuple("=+-@\t\r") and cell for cell in row.values()), row)

    def test_events_have_the_shape_of_cdevents(self):
        folder, _ = record()
        events = [json.loads(line) for line in (folder / "report.cdevents.jsonl").read_text().splitlines()]
        kinds = []
        for event in events:
            self.assertEqual(set(event), {"context", "subject", "customData", "customDataContentType"})
            context, subject = event["context"], event["subject"]
            self.assertEqual(set(context), {"specversion", "id", "source", "type", "timestamp"})
            self.assertEqual(context["specversion"], "0.5.0")
            datetime.datetime.fromisoformat(context["timestamp"])
            kinds.append(re.fullmatch(r"dev\.cdevents\.service\.([a-z]+)\.0\.3\.0", context["type"])[1])
            self.assertEqual(set(subject), {"id", "source", "content"})
            self.assertEqual(set(subject["content"]), {"environment", "artifactId"})
            self.assertTrue(subject["content"]["environment"]["id"])
            self.assertRegex(subject["content"]["artifactId"], r"^pkg:generic/[A-Za-z0-9.%_~-]+")
        self.assertEqual(kinds, ["deployed", "upgraded", "rolledback"])
        self.assertEqual(len({event["context"]["id"] for event in events}), 3)
