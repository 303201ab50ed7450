"""What `init --github` writes, by the linters of others: actionlint, and zizmor, which looks for what an attacker would use."""

import re
import subprocess
import sys
import pathlib
import unittest

import stage

TOOLS = pathlib.Path(sys.executable).parent
WORKFLOW = ".github/workflows/deploy-to-prod.yml"
ACTION = ".github/actions/aether-audit/action.yml"


def lint(folder):
    """The exit status and words of both linters."""
    said = []
    for command in (["actionlint", "-no-color", WORKFLOW], ["zizmor", "--offline", "--no-progress", "--color", "never", ".github"]):
        done = subprocess.run(
            [TOOLS / command[0], *command[1:]], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=stage.SECONDS, check=False,
        )
        said.append((done.returncode, (done.stdout + done.stderr).decode(errors="replace")))
    return said


class Workflows(unittest.TestCase):
    def project(self, name):
        folder = stage.empty(name)
        subprocess.run(["git", "init", "--quiet", folder], check=True, timeout=stage.SECONDS)
        variables = {**stage.environment(), "AETHER_AUDIT_PASSPHRASE": stage.PASSPHRASE, "AETHER_AUDIT_KEYS": str(folder / "private")}
        subprocess.run(
            ["aether-audit", "init", "--origin", "example.com/audit/prod", "--as", "alice", "--github"],
            cwd=folder, env=variables, check=True, capture_output=True, timeout=stage.SECONDS,
        )
        return folder

    def test_both_linters_find_nothing(self):
        for status, words in lint(self.project("workflow")):
            self.assertEqual(status, 0, words)

    def test_the_linters_would_find_something(self):
        folder = self.project("workflow-spoilt")
        path = folder / WORKFLOW
        text = path.read_text()
        for right, wrong, which in (
            ("needs: gate", "needs: gates", 0),
            ("08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0", "v5", 1),
            ("on:\n  workflow_dispatch:", "on:\n  pull_request_target:\n  workflow_dispatch:", 1),
            ('"$COMMIT" != "$GITHUB_SHA"', '"${{ inputs.commit }}" != "$GITHUB_SHA"', 1),
        ):
            with self.subTest(wrong):
                self.assertIn(right, text)
                path.write_text(text.replace(right, wrong, 1))
                self.assertNotEqual(lint(folder)[which][0], 0)

    def test_what_is_suppressed_has_its_reason_and_every_action_its_digest(self):
        folder = self.project("workflow-read")
        for name in (WORKFLOW, ACTION):
            for line in (folder / name).read_text().splitlines():
                if "zizmor: ignore" in line:
                    self.assertRegex(line, r"zizmor: ignore\[[a-z-]+\] \w+ \w+ \w+")
                used = re.match(r"\s*- uses: (\S+)", line)
                if used and not used[1].startswith("./"):
                    self.assertRegex(line, r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
