#!/usr/bin/env python3
"""Holds two verifiers against each other over crafted logs: compare.py AETHER_AUDIT. Exit 0 when both say what they must, else 1."""
import base64
import json
import os
import subprocess
import sys
import tempfile

import beside
from timestamps import verify
from verify import refs, sha256
from writer import Log, first_roster, keyid, raw, roster_hash, roster_key, text64

LEAD, COMMS, QA, ROOT, CI = ("alice", "lead-deployer"), ("bob", "comms-lead"), ("carol", "qa-engineer"), ("alice.root", "root"), ("ci", "recorder")
CASES = []


def case(name, exit_status):
    def register(make):
        CASES.append((name, exit_status, make))
        return make
    return register


def simple(name, exit_status, *steps, roster=None, **opened):
    """A log with one open deployment, and then each step."""
    def make():
        log = Log(roster and roster())
        log.opened(**opened)
        for step in steps:
            step(log)
        return log
    CASES.append((name, exit_status, make))


def does(kind, body, *signers, deployment="d1", **other):
    return lambda log: log.add(kind, body(log) if callable(body) else body, list(signers), deployment, **other)


def note(signer=COMMS, **other):
    return does("note-added", lambda log: {"text": log.ref("a note")}, signer, **other)


def signs(item, *signers):
    return does("item-signed", lambda log: {"checklist": log.checklist, "item": item, "outcome": "done"}, *signers)


def decides(decision, **other):
    return does("decision-made", lambda log: {"decision": decision, "reason": log.ref("why")}, LEAD, **other)


def closes(entries, outcome="no-go"):
    return does("deployment-closed", {"entries": entries, "outcome": outcome}, LEAD)


def erases(signers, remove=True, deployment="d1"):
    def step(log):
        commit = next(commit for commit, opening in log.openings.items() if opening.endswith(b"a note"))
        log.add("opening-erased", {"commit": commit, "reason": log.ref("why")}, signers, deployment)
        if remove:
            del log.openings[commit]
    return step


def erases_first(log):
    text = log.ref("a note")
    log.add("opening-erased", {"commit": text["commit"], "reason": log.ref("why")}, [("alice", "custodian")], "d1")
    del log.openings[text["commit"]]
    log.add("note-added", {"text": text}, [COMMS], "d1")


def refers_again(log):
    """To what is gone, and was known before."""
    commit, = {commit for line in log.lines for commit in refs(json.loads(base64.b64decode(json.loads(line)["envelope"]["payload"])))} - log.openings.keys()
    log.add("note-added", {"text": {"commit": commit, "mediaType": "text/plain"}}, [COMMS], "d1")


def reports(covered, leaf=None):
    def step(log):
        seq = covered(log)
        digest = leaf or (sha256(b"\0" + log.lines[seq]) if seq < len(log.lines) else "0" * 64)
        log.add("report-issued", {"covers": {"leaf": digest, "seq": seq}, "files": []}, [COMMS], "d1")
    return step


def takes(person, role, signer):
    return does("roles-assigned", {"person": person, "role": role}, signer)


def withdraws(item, seq, *signers):
    """The sign-off in that entry."""
    return does("item-withdrawn", lambda log: {"item": item, "reason": log.ref("why"), "statement": f"{seq:032x}"}, *signers)


def threshold(role):
    roster = first_roster()
    roster["roles"][role] = {"threshold": 2}
    return roster


def two_leads():
    roster = first_roster()
    roster["people"][0]["roles"].append("qa-engineer")
    roster["people"][1]["roles"].append("lead-deployer")
    roster["people"][2]["roles"].append("comms-lead")
    return roster


def changes(change, *signers):
    def step(log):
        after = log.next_roster(change)
        log.add("roster-changed", {"roster": after}, list(signers), after=after, roster=roster_hash(log.roster))
    return step


def replace(name, key):
    def change(roster):
        for person in roster["people"]:
            person["keys"] = [old if old["public"] != roster_key(name, "", "role")["public"] else key for old in person["keys"]]
            person["keys"] = [kept for kept in person["keys"] if kept]
    return change


def rotates(person, old, new, *signers, use="role"):
    def step(log):
        key = roster_key(new, person, use)
        body = {"new": key, "old": keyid(old), "person": person}
        log.add("key-rotated", body, list(signers), after=log.next_roster(replace(old, key)), roster=roster_hash(log.roster))
    return step


def revokes(person, name, *signers, **since):
    def step(log):
        body = {"key": keyid(name), "person": person, "reason": log.ref("why"), **since}
        log.add("key-revoked", body, list(signers), after=log.next_roster(replace(name, None)), roster=roster_hash(log.roster))
    return step


def two_keys():
    roster = first_roster()
    roster["people"][1]["keys"].append(roster_key("bob.too", "bob", "role"))
    return roster


def second_root(roster):
    roster["people"][1]["keys"].append(roster_key("bob.root", "bob", "root"))


def two_roots(roster):
    second_root(roster)
    roster["rootThreshold"] = 2


POLICY = {"coverage": "95", "standbyMinutes": 60, "verificationMinutes": 60}
CHECK = {"id": "cpu", "source": "http"}
MESSAGE = {"channel": "#c", "delivery": "sent"}

simple("all is well", 0, signs("a", LEAD), signs("b", QA), note())
simple("another role's item", 1, signs("b", LEAD))
simple("no such item", 1, signs("c", LEAD))
simple("a machine signs an item", 1, signs("a", CI))
simple("opened by who is no lead", 1, who="bob")
simple("a role that the roster does not give", 1, assignments=[{"person": "alice", "role": "comms-lead"}])
simple("a role twice", 1, assignments=[{"person": "alice", "role": "lead-deployer"}] * 2)
simple("a member that says false", 1, rehearsal=False)
simple("a policy that says false", 1, policy={**POLICY, "machineRollback": False})
simple("a check that says false", 1, checks=[{**CHECK, "watch": False}])
simple("a check whose id is no token", 1, checks=[{**CHECK, "id": "C P U"}])
simple("a check twice", 1, checks=[CHECK, CHECK])
simple("no source in the subject", 1, subject=[{"digest": {"sha256": "0" * 64}, "name": "image"}])
simple("a note without deployment", 1, note(deployment=None))
simple("a deployment that was never opened", 1, note(deployment="d2"))
simple("a root key signs a note", 1, note(ROOT))
simple("a role that the signer does not have", 1, note(("bob", "qa-engineer")))
simple("an unknown key", 1, note(("mallory", "comms-lead")))
simple("another log's statement", 1, note(log="example.com/other"))
def witnessed(text):
    """A first roster with that witness policy."""
    return {**first_roster(), "witnessPolicy": text}


def witness(name):
    """The vkey of a witness."""
    name, key = f"{name}.example", bytes([4]) + raw(name)
    return f"{name}+{sha256(name.encode() + bytes([10]) + key)[:8]}+{text64(key)}"


W1, W2 = f"witness w1 {witness('w1')} https://w1.example\n", f"witness w2 {witness('w2')}\n"
for name, exit_status, text in (
    ("nobody", 0, "quorum none\n"), ("one", 0, W1 + "quorum w1\n"), ("words and remarks", 0, f"# a remark\n\t{W1} \n{W2}group g any w1 w2\nquorum g"),
    ("a group of groups", 0, W1 + W2 + "group a all w1\ngroup b 2 a w2\nquorum b\n"), ("no quorum", 1, W1), ("nothing", 1, ""),
    ("two quorums", 1, "quorum none\nquorum none\n"), ("an unknown name", 1, W1 + "quorum w2\n"), ("a name too early", 1, "quorum w1\n" + W1),
    ("a name twice", 1, W1 + W2.replace("w2 ", "w1 ", 1) + "quorum w1\n"), ("a key twice", 1, W1 + W1.replace("w1 ", "w3 ", 1) + "quorum w1\n"),
    ("a member twice", 1, W1 + W2 + "group a all w1\ngroup b all w1 w2\nquorum b\n"), ("too many", 1, W1 + "group g 2 w1\nquorum g\n"),
    ("none of them", 1, W1 + "group g 0 w1\nquorum g\n"), ("an empty group", 1, W1 + "group g any\nquorum w1\n"), ("called none", 1, W1.replace("w1 ", "none ", 1) + "quorum none\n"),
    ("a log's key as a witness", 1, f"witness w {first_roster()['logKeys'][0]}\nquorum w\n"), ("a control character", 1, "quorum none\r\n"), ("another word", 1, "quorums none\nquorum none\n"),
):
    simple(f"a witness policy: {name}", exit_status, note(), roster=lambda text=text: witnessed(text))

simple("a roster that never was", 1, note(roster="ab" * 32))
simple("another subject", 1, note(subject=[{"digest": {"gitCommit": "1" * 40}, "name": "source"}]))
simple("an id twice", 1, note(id=f"{1:032x}"))
simple("signed after it was recorded", 1, note(time="2026-07-03T02:10:00.000Z"))
simple("recorded before the entry before", 1, note(recorded="2026-07-03T01:00:00.000Z", time="2026-07-03T01:00:00.000Z"))
simple("an unsupported kind", 4, does("new-kind", {}, COMMS))
simple("an unsupported kind without deployment", 4, does("new-kind", {}, COMMS, deployment=None))
simple("an unsupported kind of another log", 1, does("new-kind", {}, COMMS, log="example.com/other"))
simple("an unsupported kind with another roster", 1, does("new-kind", {}, COMMS, roster="ab" * 32))
simple("an unsupported kind by an unknown key", 1, does("new-kind", {}, ("mallory", "comms-lead")))
simple("an unsupported kind whose body is no object", 4, does("new-kind", [], COMMS))
simple("an unsupported kind by a root key", 4, does("new-kind", {}, ROOT))
simple("an unsupported kind in a role that the signer does not have", 4, does("new-kind", {}, ("bob", "qa-engineer")))
simple("an unsupported kind after the closing", 4, decides("no-go"), closes(3), does("new-kind", {}, COMMS))
simple("an unsupported kind that nobody saw", 4, does("new-kind", {}, COMMS), decides("no-go", seen=1))
simple("an unsupported kind with a ref that leads nowhere", 1, does("new-kind", {"a": {"commit": "ab" * 32, "mediaType": "!"}}, COMMS))
simple("an hour 24", 1, note(time="2026-07-02T24:00:00.000Z"))
simple("erased", 0, note(), erases([("alice", "custodian")]))
simple("erased without naming the deployment", 0, note(), erases([("alice", "custodian")], deployment=None))
simple("erased and there", 1, note(), erases([("alice", "custodian")], remove=False))
simple("erased by its author alone", 1, note(), erases([("bob", "custodian")]))
simple("erased by its author with two keys", 1, note(), erases([("bob", "custodian"), ("bob.too", "custodian")]), roster=two_keys)
simple("erased before it was referred to", 1, erases_first)
simple("erased, and referred to again", 0, note(), erases([("alice", "custodian")]), refers_again)
simple("a report covers the entry before it", 0, reports(lambda log: len(log.lines) - 1))
simple("a report covers its own entry", 1, reports(lambda log: len(log.lines)))
simple("a report covers another entry", 1, reports(lambda log: len(log.lines) - 1, leaf="ab" * 32))
simple("a role passed on", 0, takes("bob", "lead-deployer", LEAD), roster=two_leads)
simple("a role after one that must be separate", 1, takes("bob", "lead-deployer", LEAD), takes("carol", "comms-lead", LEAD), takes("alice", "qa-engineer", ("bob", "lead-deployer")), roster=two_leads)
simple("gone without an event", 1, note(), lambda log: log.openings.popitem())
simple("an opening that nothing refers to", 1, lambda log: log.ref("stray"))
simple("the roster changes", 0, changes(lambda roster: roster.update(separate=[]), ROOT))
simple("a role key changes the roster", 1, changes(lambda roster: roster.update(separate=[]), ("alice", "root")))
simple("somebody without a root key signs too", 1, changes(lambda roster: roster.update(separate=[]), ROOT, ("bob", "root")))
simple("a version left out", 1, changes(lambda roster: roster.update(version=3), ROOT))
simple("a new root key", 0, changes(second_root, ROOT))
simple("a higher threshold by one", 1, changes(two_roots, ROOT))
simple("a higher threshold by both", 0, changes(two_roots, ROOT, ("bob.root", "root")))
simple("a proof of another key", 1, changes(lambda roster: roster["people"][1]["keys"][0].update(proof=roster_key("carol", "carol", "role")["proof"]), ROOT))
simple("rotated", 0, rotates("bob", "bob", "bob2", COMMS, ("bob2", "comms-lead")), note(("bob2", "comms-lead")))
simple("the old key after a rotation", 1, rotates("bob", "bob", "bob2", COMMS, ("bob2", "comms-lead")), note())
simple("rotated by the new key first", 1, rotates("bob", "bob", "bob2", ("bob2", "comms-lead"), COMMS))
simple("rotated by the root quorum", 0, rotates("bob", "bob", "bob2", ROOT))
simple("rotated by the quorum and a stranger to it", 1, rotates("bob", "bob", "bob2", ROOT, COMMS))
simple("a root key rotated by its holder alone", 1, changes(two_roots, ROOT, ("bob.root", "root")), rotates("bob", "bob.root", "bob.root2", ("bob.root", "root"), ("bob.root2", "root"), use="root"))
simple("a role that the key is not for, on governance", 1, rotates("bob", "bob", "bob2", ("bob", "qa-engineer"), ("bob2", "comms-lead")))
simple("revoked after it was rotated", 0, rotates("bob", "bob", "bob2", COMMS, ("bob2", "comms-lead")), revokes("bob", "bob", ROOT))
simple("suspect through a rotation", 1, rotates("bob", "bob", "bob2", COMMS, ("bob2", "comms-lead")), note(("bob2", "comms-lead")), revokes("bob", "bob", ROOT, compromisedFromSeq=2))
simple("rotated on after it was suspect", 1, rotates("bob", "bob", "bob2", COMMS, ("bob2", "comms-lead")), revokes("bob", "bob", ROOT, compromisedFromSeq=9), rotates("bob", "bob2", "bob3", ("bob2", "comms-lead"), ("bob3", "comms-lead")), *[note(("bob3", "comms-lead"))] * 6)
simple("revoked by its holder", 0, revokes("bob", "bob", COMMS))
simple("revoked, once it was rotated, by the key that it was rotated into", 0, rotates("bob", "bob", "bob2", COMMS, ("bob2", "comms-lead")), revokes("bob", "bob", ("bob2", "comms-lead"), compromisedFromSeq=3))
simple("revoked again by a key that is suspect since the first time", 1, rotates("bob", "bob", "bob2", COMMS, ("bob2", "comms-lead")), revokes("bob", "bob", ROOT, compromisedFromSeq=3), revokes("bob", "bob", ("bob2", "comms-lead"), compromisedFromSeq=4))
simple("revoked by somebody else", 1, revokes("bob", "bob", QA))
simple("the last root key revoked", 1, revokes("alice", "alice.root", LEAD))
simple("signed by a key that is suspect", 1, note(), revokes("bob", "bob", ROOT, compromisedFromSeq=2))
simple("a key that is suspect later", 0, note(), revokes("bob", "bob", COMMS, compromisedFromSeq=3))
simple("decided unseen", 1, signs("a", LEAD), signs("b", QA), decides("no-go", seen=2))
simple("decided before a note was seen", 0, note(), decides("no-go", seen=1))
simple("closed", 0, decides("no-go"), closes(3))
simple("closed with another count", 1, decides("no-go"), closes(4))
simple("decided after the closing", 1, decides("no-go"), closes(3), decides("no-go"))
simple("a note after the closing", 0, decides("no-go"), closes(3), note())
simple("opened again", 1, decides("no-go"), closes(3), lambda log: log.opened())
simple("nothing to withdraw", 1, does("item-withdrawn", lambda log: {"item": "a", "reason": log.ref("why"), "statement": "0" * 32}, LEAD))
simple("withdrawn by its author and the lead", 0, signs("b", QA), withdraws("b", 2, QA, LEAD))
simple("withdrawn by its author and a stranger to it", 1, signs("a", LEAD), withdraws("a", 2, LEAD, QA))
simple("withdrawn by somebody else", 1, signs("a", LEAD), withdraws("a", 2, QA))
simple("withdrawn twice", 0, signs("a", LEAD), withdraws("a", 2, LEAD), withdraws("a", 2, LEAD))
simple("another item withdrawn", 1, signs("a", LEAD), withdraws("b", 2, LEAD))
simple("an item's role with a threshold of two", 0, signs("b", QA), roster=lambda: threshold("qa-engineer"))
simple("a lead's threshold of two", 1, signs("a", LEAD), roster=lambda: threshold("lead-deployer"))
simple("101 percent", 1, does("traffic-shifted", {"act": "observed", "percent": 101, "service": "app", "to": "green"}, CI))
simple("a machine triggers a rollback", 1, does("rollback-triggered", {"trigger": "manual"}, CI))
simple("a machine that may", 0, does("rollback-triggered", {"trigger": "manual"}, CI), policy={**POLICY, "machineRollback": True})
simple("QA sends a message", 1, does("message-sent", lambda log: {**MESSAGE, "text": log.ref("hello")}, QA))
simple("a query that steers the terminal", 1, does("metric-read", {"query": "\x1b[2J", "source": "file"}, CI))
simple("a unit that steers the terminal", 1, checks=[{**CHECK, "unit": "\x1b[2J"}])
simple("an empty list of points", 1, does("metric-read", {"points": [], "source": "file"}, CI))


def leaves_out(*places):
    """A deployment's export, without these entries and what only they refer to."""
    def step(log):
        log.left_out = places
    return step


def only_governance():
    log = Log()
    log.left_out = ()
    return log


CASES.append(("leaves.txt and no deployment", 4, only_governance))
simple("leaves.txt and a closed deployment", 0, decides("no-go"), closes(3), leaves_out())
simple("leaves.txt and an open deployment", 4, decides("no-go"), leaves_out())
simple("leaves.txt and an open deployment, its end left out", 4, lambda log: log.add("deployment-closed", {"entries": 2, "outcome": "no-go"}, [LEAD], "d1"), leaves_out(2))
simple("leaves.txt and two deployments", 4, decides("no-go"), closes(3), lambda log: log.opened(deployment="d2"), leaves_out())
simple("leaves.txt and an entry within left out", 1, signs("a", LEAD), decides("no-go"), closes(4), leaves_out(2))


for what, exit_status, steps in beside.CASES:
    simple(what, exit_status, note(), note(), *steps)


@case("entry 0 of another log", 1)
def _():
    log = Log(log="example.com/other")
    log.opened()
    return log


@case("an item twice", 1)
def _():
    log = Log()
    log.opened(checklist={"items": [{"id": "a"}, {"id": "a"}], "phases": [], "text": log.ref("- [ ] a\n- [ ] b\n")})
    return log


# What verify.py says in its head that it does not check; every other case must be judged rightly by both.
LEFT_TO_THE_PROGRAM = {
    f"a witness policy: {what}" for what in (
        "no quorum", "nothing", "two quorums", "an unknown name", "a name too early", "a name twice", "a key twice", "a member twice", "too many",
        "none of them", "an empty group", "called none", "a control character", "another word")}


def main():
    wrong, left = [], []
    with tempfile.TemporaryDirectory() as temporary:
        for number, (name, expected, make) in enumerate(CASES):
            log, place = make(), os.path.join(temporary, str(number))
            log.write(place, log.left_out)
            anchors = ["--roster-sha256", log.first, "--checkpoint", place + ".checkpoint"]
            roots = [] if log.tsa_roots is None else [place + ".roots"]
            asked = [word for file in roots for word in ("--tsa-roots", file)]
            done = subprocess.run([sys.argv[1], "-q", "verify", place, *anchors, *asked], capture_output=True, check=False)
            own, findings, why = verify(place, log.first, place + ".checkpoint", roots or None)
            if name in LEFT_TO_THE_PROGRAM and (done.returncode, own) == (expected, 0):
                left.append(name)
            elif name in LEFT_TO_THE_PROGRAM or (done.returncode, own) != (expected, expected):
                wrong.append(f"{name}: {expected} is right, aether-audit says {done.returncode}, verify.py {own} {findings} {why}")
    wrong += [f"no such case: {name}" for name in LEFT_TO_THE_PROGRAM - {name for name, _, _ in CASES}]
    print("\n".join([f"left to the program: {name}" for name in left] + wrong))
    print(f"{len(CASES) - len(wrong) - len(left)} of {len(CASES)} crafted logs are judged rightly by both, {len(left)} are left to the program")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
