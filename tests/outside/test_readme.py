"""The README.md of an export: every command in it runs as it stands, and does what it says."""

import shutil
import unittest

import attest
import shell
import stage


def told():
    """Each export with what an auditor was told elsewhere: the first roster's hash, a checkpoint kept at the time."""
    for name, export in stage.exports().items():
        kept = stage.folder() / f"kept-{name}"
        shutil.copyfile(export / "checkpoint", kept)
        yield name, export, {"ROSTER_SHA256": stage.roster_sha256(name), "CHECKPOINT": str(kept)}


def follow(export, variables):
    """Runs the README in a copy of its export; gives what each command printed."""
    folder = stage.copy(export)
    found = shell.blocks((folder / "README.md").read_text())
    assert len(found) >= 4, "the README has lost its commands"
    return shell.play_blocks(found, folder, "README.md of an export", variables)


def printed(steps, part):
    """What the one command that contains `part` printed."""
    (said,) = [text for command, text in steps if part in command]
    return said


class Readme(unittest.TestCase):
    def test_its_commands_run_and_do_what_they_say(self):
        for name, export, variables in told():
            with self.subTest(name):
                steps = follow(export, variables)
                first = attest.entries(export)[0]
                checked = printed(steps, "sha256sum -c")
                self.assertEqual(checked.count(": OK\n"), len(list((export / "openings").iterdir())))
                self.assertEqual(checked.count("\n"), checked.count(": OK\n"))
                self.assertEqual(printed(steps, "head -n 1 entries.jsonl | tr").split()[0], first.leaf)
                self.assertIn("Signature Verified Successfully", printed(steps, "openssl pkeyutl"))
                self.assertEqual(printed(steps, "b64decode(json.load").rstrip("\n"), first.payload.decode())

    def test_a_spoilt_export_does_not_pass(self):
        _, export, variables = next(told())
        for file, at in (
            ("entries.jsonl", (export / "entries.jsonl").read_bytes().index(b'"payload":"') + 30),
            (f"openings/{sorted(path.name for path in (export / 'openings').iterdir())[0]}", 3),
        ):
            spoilt = stage.copy(export)
            stage.flip(spoilt / file, at)
            with self.assertRaises(AssertionError, msg=file):
                follow(spoilt, variables)

    def test_every_file_that_it_names_is_there(self):
        for name, export, _ in told():
            text = (export / "README.md").read_text()
            here = {path.name for path in export.iterdir()} - {"README.md"}
            for path in here:
                self.assertIn(path, text, f"{name}: the README does not say what {path} is")
            rows = [line.split("`")[1].rstrip("/") for line in text.splitlines() if line.startswith("| `")]
            self.assertEqual(set(rows) - here, set(), name)
