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


def judged(envelopes, **data):
    engine = Interpreter()
    engine.add_module("policy", POLICY)
    engine.add_data_json(json.dumps(data))
    engine.set_input_term(json.dumps(envelopes))
    bound = json.loads(str(engine.query("policy := data.aether_audit.promotion")))["bindings"]["policy"]
    return bound["allow"], set(bound["deny"])


class Policy(unittest.TestCase):
    def test_what_went_well_is_promoted_and_what_was_rolled_back_is_not(self):
        good, back = (bundle(stage.rehearsal() / "exports" / name, name) for name in NAMES)
        self.assertEqual(judged(good, rehearsal_counts=True), (True, set()))
        self.assertEqual(judged(good), (False, {"a rehearsal"}))
        allowed, why = judged(back, rehearsal_counts=True)
        self.assertFalse(allowed)
        self.assertLessEqual({"ended rolled-back", "no all-clear"}, why)
        waived = bundle(stage.EXAMPLE / "export", "v2.14.0")
        expected = {"item/critical-paths was waived", "critical-paths is not signed"}
        self.assertEqual(judged(waived, rehearsal_counts=True), (False, expected))

    def test_each_rule_refuses(self):
        good = bundle(stage.rehearsal() / "exports" / NAMES[0], NAMES[0])
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
            "env-audit is not signed": [changed(e, failed) if of("item-signed", e) else e for e in good],
            "fewer than two people signed": [e for e in good if not of("item-signed", e)],
            "http-5xx was never measured": [e for e in good if not of("metric-read", e)],
        }
        for reason, envelopes in cases.items():
            with self.subTest(reason):
                allowed, why = judged(envelopes, rehearsal_counts=True)
                self.assertFalse(allowed)
                self.assertIn(reason, why)
