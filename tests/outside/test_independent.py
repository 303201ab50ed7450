"""A verifier written from docs/FORMAT.md alone comes to the same verdicts as the program."""

import shutil
import subprocess
import sys
import unittest

import attest
import stage

INDEPENDENT = stage.ROOT / "tests/independent"


def verdicts(export, *anchors):
    """The exit status of the independent verifier, and of the program."""
    own = subprocess.run(
        ["aether-audit", "verify", export, *anchors], cwd=stage.folder(), env=stage.environment(),
        stdin=subprocess.DEVNULL, capture_output=True, timeout=stage.SECONDS, check=False,
    )
    other = subprocess.run(
        [sys.executable, INDEPENDENT / "verify.py", export, *anchors], cwd=stage.folder(),
        stdin=subprocess.DEVNULL, capture_output=True, timeout=stage.SECONDS, check=False,
    )
    return other.returncode, own.returncode


def anchors(name, export):
    """The first roster's hash and the checkpoint, kept outside of what is checked."""
    kept = stage.folder() / f"checkpoint-{name}"
    shutil.copyfile(export / "checkpoint", kept)
    return ["--roster-sha256", stage.roster_sha256(name), "--checkpoint", str(kept)]


class Independent(unittest.TestCase):
    def test_both_verify_every_export_and_say_what_is_not_proven(self):
        for name, export in stage.exports().items():
            with self.subTest(name):
                self.assertEqual(verdicts(export, *anchors(name, export)), (0, 0))
                self.assertEqual(verdicts(export), (4, 4))

    def test_both_find_a_changed_statement_and_a_changed_opening(self):
        for name, export in stage.exports().items():
            told = anchors(name, export)
            with self.subTest(name):
                spoilt = stage.copy(export)
                lines = (spoilt / "entries.jsonl").read_bytes().splitlines(keepends=True)
                lines[len(lines) // 2] = attest.spoil(lines[len(lines) // 2])
                (spoilt / "entries.jsonl").write_bytes(b"".join(lines))
                self.assertEqual(verdicts(spoilt, *told), (1, 1))
                spoilt = stage.copy(export)
                stage.flip(sorted((spoilt / "openings").iterdir())[0], 0)
                self.assertEqual(verdicts(spoilt, *told), (1, 1))

    def test_it_holds_the_outside_vectors(self):
        stage.run([sys.executable, INDEPENDENT / "vectors.py"], stage.folder())
