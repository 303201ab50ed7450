"""Every shell block of the documents runs as it stands, in order, in one empty folder for each document."""

import pathlib
import re
import subprocess
import unittest

import shell
import stage

DOCUMENTS = ("README.md", "docs/GUIDE.md")


def runnable(path):
    """The commands of a document that can be run in an empty folder."""
    found = shell.blocks((stage.ROOT / path).read_text())
    if not found:
        raise AssertionError(f"{path} has no shell block")
    return found


def checkout(folder):
    """What the commands of a checkout need in another folder: its `cargo run` is the program under test, built already."""
    tools = folder.parent / "tools"
    tools.mkdir()
    cargo = tools / "cargo"
    cargo.write_text('#!/bin/sh\n[ "$1 $2 $3 $4" = "run --release --locked --" ] || exit 64\nshift 4\nexec aether-audit "$@"\n')
    cargo.chmod(0o755)
    (folder / "tests").mkdir()
    all_tests = folder / "tests/all"  # the run of which this is a part
    all_tests.write_text(f'#!/bin/sh\n[ $# = 0 ] && [ -x "{stage.ROOT}/tests/all" ]\n')
    all_tests.chmod(0o755)
    return f"{tools}:{stage.environment()['PATH']}"


def shown(text):
    """The program's command lines that no test can run: in ```text blocks, and within sentences."""
    blocks = "\n".join(re.findall(r"^```text\n(.*?)^```", text, flags=re.M | re.S))
    sentences = re.sub(r"^(`{3,}).*?^\1$", "", text, flags=re.M | re.S)
    lines = re.findall(r"^aether-audit (?!:).*", blocks, flags=re.M) + re.findall(r"`(aether-audit [^`]*)`", sentences)
    plain = [re.sub(r"\s*(#|\|\||>).*", "", line).replace(" …", f" {'0' * 64}") for line in lines]
    # What somebody puts in: "$VARIABLE" and NAME.
    plain = [re.sub(r'"\$[A-Z0-9_]+"|\b[A-Z]{2,}\b', lambda word: word[0].strip('"$').lower(), line) for line in plain]
    return [line for line in plain if not line.startswith("aether-audit command")]


def asked(command, folder):
    """Options before --help are read, and refused where they are none."""
    return subprocess.run(
        ["bash", "-c", f"{command} --help"], cwd=folder, env=stage.environment(), stdin=subprocess.DEVNULL, capture_output=True,
        timeout=stage.SECONDS, check=False,
    )


class Documents(unittest.TestCase):
    def test_every_block_runs_as_it_stands(self):
        for path in DOCUMENTS:
            with self.subTest(path):
                folder = stage.empty(pathlib.Path(path).stem)
                private = str(folder / "private-of-the-test")
                variables = {
                    "PATH": checkout(folder), "AETHER_AUDIT_PASSPHRASE": stage.PASSPHRASE, "AETHER_AUDIT_KEYS": private,
                }
                steps = shell.play_blocks(runnable(path), folder, path, variables)
                self.assertTrue(any("aether-audit" in command for command, _ in steps))

    def test_commands_that_are_only_shown_exist(self):
        """What needs AWS, GitHub or a channel is shown in ```text, or in the sentences: options and their values are real."""
        for path, least in (("README.md", 1), ("docs/GUIDE.md", 30), ("docs/CONFIG.md", 1)):
            folder = stage.empty(f"shown-{pathlib.Path(path).stem}")
            found = shown((stage.ROOT / path).read_text())
            self.assertGreaterEqual(len(found), least, path)
            for command in found:
                with self.subTest(f"{path}: {command}"):
                    done = asked(command, folder)
                    self.assertEqual(done.returncode, 0, done.stderr.decode())
        self.assertNotEqual(asked("aether-audit shift --too green", folder).returncode, 0)
        self.assertNotEqual(asked("aether-audit shift --to red", folder).returncode, 0)

    def test_the_runner_holds_every_command_to_its_status(self):
        for text, good in (
            ("true\nfalse # exit 1", True),
            ("false", False),
            ("true # exit 1", False),
            ("A=1\n[ $A = 1 ] && \\\n  true", True),
            ("cat <<'EOF' | grep -q two\none\ntwo\nEOF", True),
            ("cat <<'EOF' | grep -q three\none\ntwo\nEOF", False),
            ("exit 0", False),
            ("# only a remark\n\n(exit 4) # exit 4", True),
        ):
            with self.subTest(text):
                folder = stage.empty(f"runner-{next(stage.copies())}")
                if good:
                    shell.play(text, folder)
                else:
                    with self.assertRaises(AssertionError):
                        shell.play(text, folder)

    def test_blocks_are_found_and_others_are_not(self):
        text = "```sh\na\n```\n```json\nb\n```\n```\nc\n```\n````bash\nd\n```\ne\n````\n"
        self.assertEqual(shell.blocks(text), [(2, "a"), (11, "d\n```\ne")])
