"""numpy comes to the same figures from the bare events as `retro` does."""

import datetime
import json
import unittest

import numpy

import pages
import stage


def seconds(text):
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.timezone.utc).timestamp()


def moments(events):
    """When each thing happened in one deployment, from its events alone."""
    at = {"opened": seconds(events[0]["recorded"])}
    share = dict.fromkeys(events[0]["body"]["services"], 0)
    for event in events:
        kind, body, time = event["kind"], event["body"], seconds(event["recorded"])
        if kind == "decision-made" and body["decision"] in ("go", "all-clear"):
            at[body["decision"]] = time
        if kind == "traffic-shifted" and body["act"] in ("done", "observed"):
            share[body["service"]] = body["percent"] if body["to"] == "green" else 100 - body["percent"]
            if body["to"] == "green" and body["percent"] > 0:
                at.setdefault("cutover", time)
            if all(part == 100 for part in share.values()):
                at.setdefault("green", time)
        if kind == "rollback-triggered":
            at.setdefault("trigger", time)
        if kind == "rollback-finished" and body["outcome"] == "complete":
            at.setdefault("restored", time)
        if kind == "deployment-closed":
            at["closed"] = time
    return at


PHASES = [
    ("opened → go", "opened", "go"), ("go → cutover", "go", "cutover"), ("cutover → 100 % Green", "cutover", "green"),
    ("100 % Green → all-clear", "green", "all-clear"), ("all-clear → closed", "all-clear", "closed"),
    ("opened → closed", "opened", "closed"),
]


class Retro(unittest.TestCase):
    def setUp(self):
        self.home = stage.rehearsal()
        self.said = json.loads(stage.run(["aether-audit", "retro", "-o", "json"], self.home))
        log = json.loads(stage.run(["aether-audit", "log", "--all", "-o", "json"], self.home))
        self.events = {}
        for entry in log:
            if entry.get("deployment"):
                self.events.setdefault(entry["deployment"], []).append(entry)
        self.all = [moments(events) for events in self.events.values()]

    def test_the_population_is_every_deployment_of_the_log(self):
        self.assertEqual([one["id"] for one in self.said["deployments"]], list(self.events))
        self.assertEqual([one["entries"] for one in self.said["deployments"]], [len(each) for each in self.events.values()])
        self.assertEqual(self.said["population"]["gaps"], [])

    def test_durations_as_numpy_has_them(self):
        for (name, begin, end), phase in zip(PHASES, self.said["figures"]["phases"], strict=True):
            long = [at[end] - at[begin] for at in self.all if begin in at and end in at]
            self.assertEqual((phase["phase"], phase["without"]), (name, len(self.all) - len(long)))
            self.assertEqual(phase["seconds"]["count"], len(long))
            self.assertAlmostEqual(phase["seconds"]["median"], float(numpy.median(long)))
            self.assertAlmostEqual(phase["seconds"]["p90"], float(numpy.quantile(long, 0.9)))

    def test_the_figures_of_dora(self):
        dora, period = self.said["figures"]["dora"], self.said["period"]
        live = [at for at in self.all if "cutover" in at]
        days = (seconds(period["until"]) - seconds(period["since"])) / 86400
        self.assertAlmostEqual(dora["perDay"], len(live) / days)
        restored = [at["restored"] - at["trigger"] for at in live if "restored" in at]
        self.assertEqual(dora["changeFailure"], {"count": len(restored), "of": len(live), "share": len(restored) / len(live)})
        self.assertAlmostEqual(dora["restore"]["median"], float(numpy.median(restored)))

    def test_the_page_is_accessible_and_asks_for_nothing(self):
        out = stage.folder() / "retro"
        stage.run(["aether-audit", "retro", "--to", out], self.home)
        for scheme in ("light", "dark"):
            for width in (1280, 390):
                saw = pages.look("static.mjs", out / "retro.html", scheme, width)
                self.assertEqual(pages.grave(saw["faults"]), [], f"{scheme} {width}")
                self.assertEqual((saw["seen"]["errors"], saw["seen"]["requests"]), ([], [f"file://{out}/retro.html"]))
                self.assertLessEqual(saw["wide"], width)
