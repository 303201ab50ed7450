"""A policy engine (rego-cpp) takes a bundle and judges it by docs/policy.rego."""

import base64
import json
import unittest

import stage
from regopy import Interpreter

POLICY = (stage.ROOT / "docs/policy.rego").read_text()
NAMES = "v2.14.0-rehearsal", "v2.15.0-rehearsal"
PREFIX, SUFFIX = "https://project-aether.io/audit/", "/v1"


def bundle(export, deployment):
    """The envelopes of one deployment of an export, as `--format bundle` gives them."""
    lines = (export / "entries.jsonl").read_text().splitlines()
    envelopes = [json.loads(line)["envelope"] for line in lines]
    return [one for one in envelopes if statement(one)["predicate"].get("deployment") == deployment]


def statement(envelope):
    return json.loads(base64.b64decode(envelope["payload"]))


def of(kind, envelope):
    return statement(envelope)["predicateType"] == PREFIX + kind + SUFFIX


def changed(envelope, change):
    """The envelope with a body changed; its signature is no longer good, which is not the policy's to say."""
    made = statement(envelope)
    change(made["predicate"]["body"])
    return dict(envelope, payload=base64.b64encode(json.dumps(made).encode()).decode())


def short(envelopes):
    """The same with the newest reading of each check alone, so that each case is judged quickly."""
    read = [one for one in envelopes if of("metric-read", one)]
    newest = {statement(one)["predicate"]["body"]["check"]: one for one in read}
    kept = [one for one in envelopes if one not in read or one in newest.values()]
    count = lambda body: body.update(entries=body["entries"] - len(envelopes) + len(kept))
    return [changed(one, count) if of("deployment-closed", one) else one for one in kept]


def judged(envelopes, **data):
    engine = Interpreter()
    engine.add_module("policy", POLICY)
    engine.add_data_json(json.dumps(data))
    engine.set_input_term(json.dumps(envelopes))
    asked = "verdict := [data.aether_audit.promotion.allow, data.aether_audit.promotion.deny]"
    allowed, why = json.loads(str(engine.query(asked)))["bindings"]["verdict"]
    return allowed, set(why)


class Policy(unittest.TestCase):
    def test_what_went_well_is_promoted_and_what_was_rolled_back_is_not(self):
        good, back = (bundle(stage.rehearsal() / "exports" / name, name) for name in NAMES)
        self.assertEqual(judged(good, rehearsal_counts=True), (True, set()))
        self.assertEqual(judged(good), (False, {"a rehearsal"}))
        allowed, why = judged(back, rehearsal_counts=True)
        self.assertFalse(allowed)
        self.assertLessEqual({"ended rolled-back", "no all-clear"}, why)
        waived = bundle(stage.EXAMPLE / "export", "v2.14.0")
        expected = {"item/critical-paths was waived", "critical-paths is not signed by all who must"}
        self.assertEqual(judged(waived, rehearsal_counts=True), (False, expected))

    def test_each_rule_refuses(self):
        good = short(bundle(stage.rehearsal() / "exports" / NAMES[0], NAMES[0]))
        self.assertEqual(judged(good, rehearsal_counts=True), (True, set()))
        outcome = lambda body: body.update(outcome="aborted")
        failed = lambda body: body.update(outcome="failed")
        waived = lambda body: body.update(decision="override", gate="go", waives="item/env-audit")
        cases = {
            "no deployment was opened, or more than one": [e for e in good if not of("deployment-opened", e)],
            "not closed": [e for e in good if not of("deployment-closed", e)],
            "ended aborted": [changed(e, outcome) if of("deployment-closed", e) else e for e in good],
            "the closing counts other entries": good[:3] + good[4:],
            "no go": [e for e in good if not of("decision-made", e)],
            "no all-clear": [e for e in good if not of("decision-made", e)],
            "item/env-audit was waived": [changed(e, waived) if of("decision-made", e) else e for e in good],
            "env-audit is not signed by all who must": [changed(e, failed) if of("item-signed", e) else e for e in good],
            "fewer than two keys signed": [e for e in good if not of("item-signed", e)],
            "http-5xx was never measured": [e for e in good if not of("metric-read", e)],
        }
        back = lambda body: body.update(to="blue")
        read = lambda body: body.update(phase="trigger")
        text = lambda body: body["checklist"].update(items=[*body["checklist"]["items"], {"id": "review"}])
        both = lambda body: [item.update(signers=2) for item in body["checklist"]["items"] if item["id"] == "env-audit"]
        shifted = [e for e in good if of("traffic-shifted", e)]
        go = [e for e in good if of("decision-made", e) and statement(e)["predicate"]["body"]["decision"] == "go"]
        triggered = dict(statement(shifted[0]), predicateType=PREFIX + "rollback-triggered" + SUFFIX)
        triggered = dict(shifted[0], payload=base64.b64encode(json.dumps(triggered).encode()).decode())
        cases |= {
            "the traffic of app is not all on Green": [changed(e, back) if e == shifted[-1] else e for e in good],
            "the traffic of app is not all on Green ": [e for e in good if e not in shifted],
            "http-5xx was last read as trigger": [changed(e, read) if of("metric-read", e) else e for e in good],
            "review is not signed by all who must": [changed(e, text) if of("deployment-opened", e) else e for e in good],
            "traffic moved before the go": [e for e in good if e not in go],
            "deploy-workflow never happened": [e for e in good if not of("stage-reached", e)],
            "a rollback, or a reason for one": [*good, triggered],
        }
        cases["env-audit is not signed by all who must "] = [
            changed(e, both) if of("deployment-opened", e) else e for e in good]
        for reason, envelopes in cases.items():
            reason = reason.strip()
            with self.subTest(reason):
                allowed, why = judged(envelopes, rehearsal_counts=True)
                self.assertFalse(allowed)
                self.assertIn(reason, why)
