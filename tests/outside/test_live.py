"""The live page in Chromium, held against a ledger to which a thousand entries are appended, by a writer by other hands."""

import base64
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
import unittest

import pages
import stage

sys.path.append(str(stage.ROOT / "tests/independent"))
import writer  # noqa: E402

EVENTS = 1000
CHECK = {"id": "http-5xx", "objective": {"op": "<", "value": "0.1"}, "rollback": {"op": ">", "value": "1"}, "source": "file", "unit": "percent",
         "watch": True}


def crafted(events, kind):
    """A log with a deployment and so many readings or notes."""
    log = writer.Log()
    log.opened(checks=[CHECK])
    for number in range(events):
        if kind == "notes" or number % 5 == 4:
            log.add("note-added", {"text": log.ref(f"{kind} {number}")}, [("bob", "comms-lead")], "d1")
        else:
            value = f"0.0{number % 9 + 1}"
            reading = {"check": "http-5xx", "phase": "pass", "points": [{"at": log.clock(), "value": value}], "source": "file", "unit": "percent",
                       "value": value}
            log.add("metric-read", reading, [("ci", "recorder")], "d1")
    return log


def empty_ledger(path):
    """A ledger without entries: the tables of one that the program made."""
    made = sqlite3.connect(stage.quickstart() / "records/ledger.db")
    tables = [row[0] for row in made.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")]
    marks = [(name, made.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("application_id", "user_version")]
    made.close()
    ledger = sqlite3.connect(path, isolation_level=None)
    for line in ["PRAGMA journal_mode = WAL", *tables, *(f"PRAGMA {name} = {value}" for name, value in marks)]:
        ledger.execute(line)
    return ledger


def append(ledger, log, places):
    """Appends entries of a crafted log, each by itself."""
    for place in places:
        line = log.lines[place]
        entry = json.loads(line)
        statement = json.loads(base64.b64decode(entry["envelope"]["payload"]))
        kind = statement["predicateType"].split("/")[-2]
        predicate = statement["predicate"]
        leaf = bytes.fromhex(writer.sha256(b"\0" + line))
        row = (place, leaf, predicate["id"], kind, predicate.get("deployment"), entry.get("deploymentSeq"), line)
        ledger.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)", row)


class Serving:
    """`serve`, ended by its id when it goes."""

    def __init__(self, ledger, *options):
        environment = stage.environment()
        self.process = subprocess.Popen(
            ["aether-audit", "--ledger", str(ledger), "serve", *options], cwd=stage.folder(), env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        self.url = self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.stdout.close()
        assert self.process.wait(60) == 0, self.process.returncode


class Live(unittest.TestCase):
    def test_it_misses_nothing_over_lost_connections_and_says_when_history_changes(self):
        folder = stage.empty("live")
        path, log = folder / "ledger.db", crafted(EVENTS, "readings")
        last = len(log.lines) - 1
        ledger = empty_ledger(path)
        append(ledger, log, range(2))
        serving = Serving(path)
        address = re.fullmatch(r"http://(127\.0\.0\.1:\d+)/", serving.url)[1]
        node = subprocess.Popen(
            ["node", str(pages.SCRIPTS / "live.mjs"), "follow", serving.url, str(last)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )
        self.assertEqual(node.stdout.readline(), "looking\n")
        for begin in range(2, last + 1, 250):
            append(ledger, log, range(begin, min(begin + 250, last + 1)))
            if begin in (252, 502):
                serving.__exit__()
                time.sleep(0.3)
                serving = Serving(path, "--bind", address)
        said = node.stdout.readline()
        self.assertEqual(said, "changed?\n", said or node.stderr.read())
        ledger.close()
        other, changed = crafted(20, "notes"), folder / "other.db"
        forged = empty_ledger(changed)
        append(forged, other, range(len(other.lines)))
        forged.close()
        for suffix in ("-wal", "-shm"):
            if os.path.exists(f"{path}{suffix}"):
                os.remove(f"{path}{suffix}")
        os.replace(changed, path)
        out, err = node.communicate(timeout=stage.SECONDS)
        self.assertEqual(node.returncode, 0, err)
        serving.__exit__()
        saw = json.loads(out)

        self.assertEqual(saw["drawn"], list(range(last + 1)))
        for width in ("wall", "phone"):
            with self.subTest(width):
                look = saw[width]
                self.assertEqual(pages.grave(look["faults"]), [])
                self.assertEqual(look["wider"], 0)
                self.assertEqual(look["alarm"], "")
                self.assertEqual(look["stage"], "preparing")
                self.assertIn("nothing wrong", look["chain"])
                self.assertEqual(look["sparks"], 1)
                self.assertIn("alice", look["turn"])
                self.assertEqual([r for r in look["requests"] if not r.startswith(f"http://{address}/")], [])
        # What the browser says of a server that is away for a moment is no fault of the page.
        self.assertEqual([e for e in saw["wall"]["errors"] if "net::ERR_" not in e], [])
        self.assertEqual(saw["phone"]["errors"], [])
        self.assertIn("THE HISTORY WAS CHANGED", saw["after"]["alarm"])
        self.assertIn("look at it", saw["after"]["chain"])
        self.assertEqual(saw["after"]["list"], list(range(len(other.lines) - 1, -1, -1)))
        self.assertEqual(pages.grave(saw["after"]["faults"]), [])

    def test_a_token_gets_in_and_stands_nowhere(self):
        folder = stage.empty("live-token")
        ledger = folder / "ledger.db"
        shutil.copyfile(stage.quickstart() / "records/ledger.db", ledger)
        with Serving(ledger, "--bind", "0.0.0.0:0", "--new-token") as serving:
            link = serving.url.replace("0.0.0.0", "127.0.0.1")
            token = link.split("#token=")[1]
            saw = pages.look("live.mjs", "enter", link)
        linked, typed = saw["linked"], saw["typed"]
        self.assertEqual(linked["address"], link.split("#")[0])
        self.assertTrue(linked["cookie"]["httpOnly"])
        self.assertEqual((linked["cookie"]["sameSite"], linked["reads"]), ("Strict", ""))
        self.assertNotIn(token, linked["cookie"]["value"])
        self.assertEqual([r for r in linked["requests"] if token in r], [])
        self.assertNotIn("v2.14.0", typed["before"]["text"])
        self.assertEqual(pages.grave(typed["before"]["faults"]), [])
        self.assertIn("not the token", typed["wrong"])
