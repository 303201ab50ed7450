"""A verifier written from docs/FORMAT.md alone comes to the same verdicts as the program."""

import functools
import os
import shutil
import subprocess
import sys
import unittest

import attest
import stage
import test_timestamps

INDEPENDENT = stage.ROOT / "tests/independent"
# The verifier, and what judges RFC 3161 tokens on top of it; and how many lines each may have.
PAGES = {"verify": 300, "timestamps": 180}


def verdicts(export, *anchors, page="verify"):
    """The exit status of the independent verifier, and of the program."""
    own = subprocess.run(
        ["aether-audit", "verify", export, *anchors], cwd=stage.folder(), env=stage.environment(),
        stdin=subprocess.DEVNULL, capture_output=True, timeout=stage.SECONDS, check=False,
    )
    other = subprocess.run(
        [sys.executable, INDEPENDENT / f"{page}.py", export, *anchors], cwd=stage.folder(),
        stdin=subprocess.DEVNULL, capture_output=True, timeout=stage.SECONDS, check=False,
    )
    return other.returncode, own.returncode


def program():
    """The path of the program under test."""
    return os.environ["AETHER_AUDIT_UNDER_TEST"]


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

    def test_both_judge_the_time_of_a_real_authority_alike(self):
        project, trusted, stranger = test_timestamps.stamped()
        told = ["--roster-sha256", (project / "keys/roster.sha256").read_text().strip(), "--checkpoint", project / "kept"]
        for name in ("stamped", "stamped-v2.14.0"):
            with self.subTest(name):
                closed = 4 if name != "stamped" else 0
                export = project / name
                judged = functools.partial(verdicts, page="timestamps")
                self.assertEqual(judged(export, *told, "--tsa-roots", trusted), (closed, closed))
                self.assertEqual(judged(export, *told), (closed, closed))
                self.assertEqual(verdicts(export, *told), (closed, closed))
                self.assertEqual(judged(export, *told, "--tsa-roots", stranger), (4, 4))
                for beside in ("timestamps", *(["proofs"] if name != "stamped" else [])):
                    spoilt = stage.copy(export)
                    stage.flip(sorted((spoilt / beside).iterdir())[0], -20)
                    self.assertEqual(judged(spoilt, *told, "--tsa-roots", trusted), (1, 1))

    def test_it_is_one_short_file_that_needs_nothing_but_cryptography(self):
        for page, most in PAGES.items():
            allowed = {*sys.stdlib_module_names, "cryptography"} | ({"verify"} if page == "timestamps" else set())
            lines = (INDEPENDENT / f"{page}.py").read_text().splitlines()
            self.assertLessEqual(len(lines), most)
            self.assertLessEqual(max(map(len, lines)), 120)
            for line in lines:
                if line.startswith(("import ", "from ")):
                    named = line.split()[1:2] if line.startswith("from ") else line.removeprefix("import ").split(", ")
                    self.assertLessEqual({name.split(".")[0] for name in named}, allowed)

    def test_both_cannot_run_without_entries(self):
        nothing = stage.empty("no-entries")
        self.assertEqual(verdicts(nothing), (2, 2))

    def test_it_holds_the_outside_vectors(self):
        self.harness("vectors.py")

    def test_both_judge_crafted_logs_rightly(self):
        self.harness("compare.py", program())

    def test_both_judge_damaged_exports_alike(self):
        self.harness("mutate.py", program(), "--seed", "77")

    def harness(self, name, *arguments):
        """What one of the harnesses says is shown, so that a seed and what is left to the program are never silent."""
        done = subprocess.run(
            [sys.executable, INDEPENDENT / name, *arguments], cwd=stage.folder(), env=stage.environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=stage.SECONDS, check=False,
        )
        print("".join(f"      {line}\n" for line in done.stdout.splitlines()), end="")
        self.assertEqual(done.returncode, 0, done.stdout)
