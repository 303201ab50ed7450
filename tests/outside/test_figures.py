"""report.json says what the entries say: its figures by a second reading of the same entries."""

import base64
import copy
import hashlib
import json
import unittest
from collections import Counter

import rfc8785

import attest
import stage

READINGS = ("metric-read", "evidence-collected")


class Reading:
    """A deployment as of one entry, folded again from the statements alone."""

    def __init__(self, entries, deployment, to):
        self.all = [e for e in entries if e.seq <= to]
        self.own = [e for e in self.all if e.deployment == deployment]
        self.opened = self.own[0]
        assert self.opened.kind == "deployment-opened"
        self.closed = next((e for e in self.own if e.kind == "deployment-closed"), None)
        self.people = {}
        for entry in self.all:
            roster = entry.body.get("roster") if entry.kind in ("ledger-opened", "roster-changed") else None
            for person in roster["people"] if roster else ():
                for key in person["keys"]:
                    self.people[self.keyid(key["public"])] = person["id"]
            if entry.kind == "key-rotated":
                self.people[self.keyid(entry.body["new"]["public"])] = entry.body["person"]

    @staticmethod
    def keyid(public):
        """keyid of a public key as the roster writes it: base64 or PEM of its SPKI, or the 32 bytes."""
        text = "".join(line for line in public.splitlines() if not line.startswith("-----"))
        try:
            raw = bytes.fromhex(text)
        except ValueError:
            raw = base64.b64decode(text)
        spki = raw if len(raw) == 44 else bytes.fromhex("302a300506032b6570032100") + raw
        return hashlib.sha256(spki).hexdigest()

    def of(self, *kinds):
        return [entry for entry in self.own if entry.kind in kinds]

    def checklist(self):
        """The checklist in force."""
        frozen = self.opened.body["checklist"]
        for entry in self.of("checklist-amended"):
            frozen = entry.body["checklist"]
        return frozen

    def counted(self):
        """The sign-offs of each item that count: the newest of each person, not withdrawn, on this checklist."""
        gone = {entry.body["statement"] for entry in self.of("item-withdrawn")}
        force, newest = self.checklist()["text"]["commit"], {}
        for entry in self.of("item-signed"):
            if entry.predicate["id"] in gone or entry.body["checklist"] != force:
                continue
            who = tuple(self.people[signer["key"]] for signer in entry.predicate["signers"])
            newest[entry.body["item"], who] = entry
        found = {}
        for (item, _), entry in newest.items():
            found.setdefault(item, []).append(entry)
        return found

    def status(self, item, signed):
        """How far an item without an event of its own is."""
        outcomes = {entry.body["outcome"] for entry in signed}
        if "failed" in outcomes:
            return "failed"
        if not signed:
            return "open"
        roles = {signer["role"] for entry in signed for signer in entry.predicate["signers"]}
        people = {self.people[signer["key"]] for entry in signed for signer in entry.predicate["signers"]}
        if item.get("allRoles") and not set(item["roles"]) <= roles or len(people) < item.get("signers", 1):
            return "partly"
        return "na" if outcomes == {"na"} else "done"

    def cutover(self):
        """When traffic first moved to Green."""
        moved = [
            e for e in self.of("traffic-shifted")
            if e.body["to"] == "green" and e.body["act"] in ("done", "observed") and e.body["percent"] > 0
        ]
        return moved[0].json["recorded"] if moved else None


def wrong(report, reading):
    """Every figure of a report that is not what the entries say."""
    found = []

    def hold(what, said, counted):
        if said != counted:
            found.append(f"{what}: the report says {said}, the entries {counted}")

    summary, integrity, last = report["summary"], report["integrity"], reading.all[-1]
    closed = reading.closed
    hold("schema", report["schema"], "https://project-aether.io/audit/report/v1")
    hold("outcome", summary.get("outcome"), closed and closed.body["outcome"])
    hold("interim", report["interim"], closed is None)
    hold("opened", summary["opened"], reading.opened.json["recorded"])
    hold("closed", summary.get("closed"), closed and closed.json["recorded"])
    hold("cutover", summary.get("cutover"), reading.cutover())
    hold("release", report["identity"]["release"], reading.opened.body["release"])
    hold("log", report["identity"]["log"], reading.opened.predicate["log"])
    hold("deployment", report["identity"]["deployment"], reading.opened.deployment)
    hold("checklist", report["identity"]["checklist"]["commit"], reading.checklist()["text"]["commit"])
    hold("entries", integrity["deploymentEntries"], len(reading.own))
    if closed:
        hold("entries at the closing", closed.body["entries"], reading.own.index(closed) + 1)
    hold("first leaf", integrity["firstLeaf"], reading.all[0].leaf)
    hold("last entry", (integrity["lastSeq"], integrity["lastLeaf"]), (last.seq, last.leaf))
    first = rfc8785.dumps(reading.all[0].body["roster"])
    hold("first roster", integrity["firstRoster"], hashlib.sha256(first).hexdigest())
    hold("findings", integrity["findings"], [])

    approvals = reading.of("item-signed", "decision-made")
    hold("approvals", [a["entry"]["seq"] for a in report["approvals"]], [e.seq for e in approvals])
    for said, entry in zip(report["approvals"], approvals):
        what = said["what"].get("item") or said["what"].get("decision")
        hold(f"approval {entry.seq}", what, entry.body.get("item") or entry.body.get("decision"))
        people = [reading.people[signer["key"]] for signer in entry.predicate["signers"]]
        hold(f"signers of {entry.seq}", [by["person"] for by in said["entry"]["by"]], people)
        hold(f"time of {entry.seq}", said["entry"]["recorded"], entry.json["recorded"])
    withdrawn = [a["withdrawn"]["entry"]["seq"] for a in report["approvals"] if "withdrawn" in a]
    hold("withdrawn", sorted(withdrawn), [e.seq for e in reading.of("item-withdrawn")])
    overrides = [e for e in approvals if e.body.get("decision") == "override"]
    hold("overrides", summary["overrides"], len(overrides))

    frozen, counted = reading.checklist()["items"], reading.counted()
    hold("items", [item["id"] for item in report["items"]], [item["id"] for item in frozen])
    hold("number of items", summary["items"], len(frozen))
    for item, said in zip(frozen, report["items"]):
        signed = counted.get(item["id"], [])
        hold(f"sign-offs of {item['id']}", sorted(said["signed"]), sorted(entry.seq for entry in signed))
        if "by" not in item:
            hold(f"status of {item['id']}", said["status"], reading.status(item, signed))
    complete = sum(item["status"] in ("done", "na") for item in report["items"])
    hold("complete items", summary["itemsComplete"], complete)

    readings = [e for e in reading.of(*READINGS) if "check" in e.body]
    phases = Counter((e.body["check"], e.body["phase"]) for e in readings)
    for check in report["checks"]:
        said = {name.replace("noData", "no-data"): count for name, count in check["counts"].items()}
        hold(f"readings of {check['id']}", said, {phase: phases[check["id"], phase] for phase in said})
        own = [e for e in readings if e.body["check"] == check["id"]]
        hold(f"entries of {check['id']}", [r["entry"]["seq"] for r in check["readings"]], [e.seq for e in own])
        hold(f"values of {check['id']}", [r.get("value") for r in check["readings"]], [e.body.get("value") for e in own])
    hold("readings", sum(len(check["readings"]) for check in report["checks"]), len(readings))
    brought = [e.seq for e in reading.of(*READINGS) if "check" not in e.body]
    hold("attachments", [a["entry"]["seq"] for a in report["attachments"]], brought)

    for name, kinds in (
        ("shifts", ["traffic-shifted"]),
        ("communications", ["message-sent"]),
        ("notes", ["note-added", "review-recorded"]),
        ("acts", ["snapshot-taken", "stage-reached", "standby-changed"]),
    ):
        hold(name, [line["entry"]["seq"] for line in report[name]], [e.seq for e in reading.of(*kinds)])
    own = {entry.seq for entry in reading.own}
    timeline = [moment["seq"] for moment in report["timeline"]]
    hold("the timeline's own entries", [seq for seq in timeline if seq in own], sorted(own))
    kinds = {entry.seq: entry.kind for entry in reading.all}
    hold("the timeline's kinds", [m["kind"] for m in report["timeline"]], [kinds[seq] for seq in timeline])
    return found


def numbers(value, path=()):
    """The place of every number in the figures that are judged."""
    if isinstance(value, bool):
        return
    if isinstance(value, int):
        yield path
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from numbers(inner, (*path, name))


def load(record, export):
    report = json.loads((record / "report.json").read_text())
    signed = json.loads((record / "report.dsse.json").read_text())
    covers = json.loads(base64.b64decode(signed["payload"]))["predicate"]["covers"]
    return report, Reading(attest.entries(export), report["identity"]["deployment"], covers["seq"])


class Figures(unittest.TestCase):
    def test_every_figure_is_what_the_entries_say(self):
        for name, (record, export) in stage.records().items():
            with self.subTest(name):
                self.assertEqual(wrong(*load(record, export)), [])

    def test_root_and_size_are_those_of_the_leaves(self):
        for name, (record, export) in stage.records().items():
            with self.subTest(name):
                integrity = load(record, export)[0]["integrity"]
                hashes = [bytes.fromhex(leaf) for leaf in attest.leaves(export)][: integrity["logEntries"]]
                self.assertEqual(integrity["lastSeq"] + 1, len(hashes))
                self.assertEqual(integrity["root"], attest.root(hashes).hex())

    def test_the_endings_are_told(self):
        found = [load(*pair)[0]["summary"].get("outcome") for pair in stage.records().values()]
        self.assertEqual(sorted(found, key=str), [None, "completed", "completed", "rolled-back", "rolled-back"])

    def test_a_figure_that_is_off_by_one_shows(self):
        for name, pair in stage.records().items():
            report, reading = load(*pair)
            for part in ("summary",):
                for path in numbers(report[part]):
                    if path == ("outOfProcess",):
                        continue
                    spoilt = copy.deepcopy(report)
                    spoilt[part][path[0]] += 1
                    with self.subTest(f"{name}, {part} {path}"):
                        self.assertTrue(wrong(spoilt, reading))
            spoilt = copy.deepcopy(report)
            spoilt["approvals"].pop()
            self.assertTrue(wrong(spoilt, reading))
            spoilt = copy.deepcopy(report)
            done = next(item for item in spoilt["items"] if item["status"] == "done" and item["signed"])
            done["status"], done["signed"] = "open", []
            self.assertEqual(len(wrong(spoilt, reading)), 2 + 1)

    def test_an_entry_that_is_left_out_shows(self):
        record, export = stage.records()["quickstart"]
        report, reading = load(record, export)
        reading.own = [entry for entry in reading.own if entry.kind != "item-signed"]
        self.assertTrue(wrong(report, reading))
