"""Time stamps: `openssl ts` is the authority, and the judge of what an export says of it."""

import functools
import http.server
import shutil
import threading
import unittest

import shell
import stage

CONFIG = """
[tsa]
default_policy = 1.2.3.4.1
digests = sha256
signer_digest = sha256
serial = ./serial
[stamping]
basicConstraints = critical, CA:false
extendedKeyUsage = critical, timeStamping
"""


class Authority(http.server.BaseHTTPRequestHandler):
    """Answers every query by `openssl ts -reply` in the server's folder."""

    def do_POST(self):
        home = self.server.home
        (home / "query").write_bytes(self.rfile.read(int(self.headers["content-length"])))
        words = "ts -reply -config cnf -section tsa -queryfile query -signer tsa.pem -inkey tsa.key -out reply"
        stage.run(["openssl", *words.split()], home)
        reply = (home / "reply").read_bytes()
        self.send_response(200)
        self.send_header("content-type", "application/timestamp-reply")
        self.send_header("content-length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_):
        pass


def root(home, name):
    """A root certificate made on the fly."""
    words = f"req -x509 -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.pem -days 30 -subj /CN={name}"
    stage.run(["openssl", *words.split()], home)
    return home / f"{name}.pem"


@functools.cache
def stamped():
    """A project whose checkpoint was stamped twice, with exports `stamped` and `stamped-v2.14.0`; the root, and a stranger's."""
    project = stage.empty("timestamps")
    shutil.copytree(stage.quickstart(), project, dirs_exist_ok=True)
    home = project / "authority"
    home.mkdir()
    (home / "cnf").write_text(CONFIG)
    trusted, stranger = root(home, "root"), root(home, "stranger")
    for words in (
        "req -new -newkey rsa:2048 -nodes -keyout tsa.key -out tsa.csr -subj /CN=tsa",
        "x509 -req -in tsa.csr -CA root.pem -CAkey root.key -CAcreateserial -days 30 -extfile cnf -extensions stamping -out tsa.pem",
    ):
        stage.run(["openssl", *words.split()], home)
    server = http.server.HTTPServer(("127.0.0.1", 0), Authority)
    server.home = home
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        shell.play(
            f"""
export AETHER_AUDIT_PASSPHRASE={stage.PASSPHRASE} AETHER_AUDIT_KEYS=$PWD/private
aether-audit note "what the first stamp covers" --as bob
aether-audit checkpoint --timestamp http://127.0.0.1:{server.server_port}/ > first
aether-audit note "and what it does not" --as bob
aether-audit checkpoint --timestamp http://127.0.0.1:{server.server_port}/ > kept
aether-audit export stamped
aether-audit export stamped-v2.14.0 --only-deployment
""",
            project,
        )
    finally:
        server.shutdown()
        server.server_close()
    return project, trusted, stranger


def readme(export, roots):
    """Runs what the export's README says about time, in a copy; gives what openssl said."""
    folder = stage.copy(export)
    found = [block for block in shell.blocks((folder / "README.md").read_text()) if "openssl ts" in block[1]]
    assert len(found) == 1, found
    steps = shell.play_blocks(found, folder, "README.md of an export", {"TSA_ROOTS": str(roots)})
    return steps[-1][1]


def verify(export, roots, status=0):
    project, _, _ = stamped()
    roster = (project / "keys/roster.sha256").read_text().strip()
    words = ["verify", export, "--roster-sha256", roster, "--checkpoint", "kept", "--tsa-roots", roots]
    return stage.run(["aether-audit", *words], project, status=status)


class Timestamps(unittest.TestCase):
    def test_openssl_takes_what_verify_takes(self):
        project, trusted, _ = stamped()
        for name in ("stamped", "stamped-v2.14.0"):
            self.assertEqual(len(list((project / name / "timestamps").iterdir())), 2)
            self.assertIn("Verification: OK", readme(project / name, trusted))
            self.assertIn("| `timestamps/` |", (project / name / "README.md").read_text())
        said = verify("stamped", trusted)
        self.assertNotIn("export-readme", said)
        self.assertEqual(said.count("timestamp    holds"), 2, said)

    def test_a_token_is_over_the_first_lines_of_the_checkpoint_kept_then(self):
        project, trusted, _ = stamped()
        first = (project / "first").read_text().split("\n")
        (project / "text").write_text("\n".join(first[:3]) + "\n")
        words = f"ts -verify -data text -in stamped/timestamps/{first[1]}.tsr -CAfile {trusted}"
        stage.run(["openssl", *words.split()], project)

    def test_neither_takes_it_by_a_strangers_root(self):
        project, _, stranger = stamped()
        self.assertIn("timestamp    untrusted", verify("stamped", stranger, status=4))
        with self.assertRaises(AssertionError):
            readme(project / "stamped", stranger)

    def test_neither_takes_an_altered_log(self):
        project, trusted, _ = stamped()
        spoilt = stage.copy(project / "stamped")
        entries = spoilt / "entries.jsonl"
        stage.flip(entries, entries.read_bytes().index(b'"recorded":"') + 30)
        with self.assertRaises(AssertionError):
            readme(spoilt, trusted)
        self.assertIn("[timestamp-imprint]", verify(spoilt, trusted, status=1))
