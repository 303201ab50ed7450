#!/usr/bin/env python3
"""Checks an export, written from docs/FORMAT.md alone (Python 3 and `cryptography`).

verify.py EXPORT [--roster-sha256 SHA] [--checkpoint FILE]...     exit 0 verified, 1 findings, 2 could not run, 4 not proven
It checks all of FORMAT.md but the gates and the outcome of section 11.
"""
import argparse
import os
import re
import sys

from authority import may
from encoding import Bad, b64, key_of, millis, need, read, sha, signed
from roster import next_roster, roster_hash, vkey
from shapes import ASIDES, DECISIONS, GOVERNANCE, KINDS, fits, hex64, matches, token

TYPE, PREFIX = "application/vnd.in-toto+json", "https://project-aether.io/audit/"
AFTER_CLOSING = {"note-added", "review-recorded", "report-issued", "opening-erased", "item-withdrawn"}


# Sections 2 to 4: statement, envelope, entry.
def parse(line):
    need(len(line) <= 65535, "too long")
    e = read(line)
    need(fits("entry", e), "shape of the entry")
    need(e["envelope"]["payloadType"] == TYPE, "payloadType")
    payload = b64(e["envelope"]["payload"])
    s = read(payload)
    need(fits("statement", s) and s["_type"] == "https://in-toto.io/Statement/v1", "shape of the statement")
    p, kind = s["predicate"], re.fullmatch(re.escape(PREFIX) + "([^/]*)/v1", s["predicateType"])
    need(kind and token(kind[1]), "predicateType")
    keys, names = [x["key"] for x in p["signers"]], [x["name"] for x in s["subject"]]
    need(1 <= len(keys) <= 16 and len(set(keys)) == len(keys) and names and len(set(names)) == len(names), "signers or subject")
    for x in s["subject"]:
        need(isinstance(x["digest"], dict) and len(x["digest"]) == 1, "digest")
        (name, value), = x["digest"].items()
        need(name == "sha256" and hex64(value) or name == "gitCommit" and matches("[0-9a-f]{40}")(value), "digest")
    need([x["keyid"] for x in e["envelope"]["signatures"]] == keys, "the signatures are not the signers")
    need(("deploymentSeq" in e) == ("deployment" in p) and e.get("deploymentSeq", 0) <= e["seq"], "deploymentSeq")
    pae = f"DSSEv1 {len(TYPE)} {TYPE} {len(payload)} ".encode() + payload
    return e, s, kind[1], pae, [b64(x["sig"], 64) for x in e["envelope"]["signatures"]]


def refs(v):
    """Every opening that a body refers to."""
    if isinstance(v, dict) and v.keys() == {"commit", "mediaType"} and fits("ref", v):
        yield v["commit"]
    for inner in v.values() if isinstance(v, dict) else v if isinstance(v, list) else ():
        yield from refs(inner)


# Section 5: leaf and tree.
def root(leaves):
    if len(leaves) < 2:
        return leaves[0] if leaves else sha(b"").digest()
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return sha(b"\1", root(leaves[:k]), root(leaves[k:])).digest()


# Section 12: checkpoint.
def checkpoint(note, trusted, log):
    text, _, tail = note.rpartition("\n\n")
    text += "\n"
    need(len(note.encode()) <= 262144 and text != "\n" and note.endswith("\n"), "not a signed note")
    need(not any(c < " " and c != "\n" for c in note), "a control character")
    good, lines = 0, tail[:-1].split("\n")
    need(len(lines) <= 100, "too many signatures")
    for line in lines:
        dash, name, sig = line.split(" ") if line.count(" ") == 2 else ("", "", "")
        need(dash == "\u2014" and name and "+" not in name, "a signature line")
        blob = b64(sig)
        for keyid, raw in trusted if name == log else ():
            if blob[:4] == keyid:
                need(len(blob) == 68 and signed(raw, text.encode(), blob[4:]), "its signature is not valid")
                good += 1
    need(good, "no log key of this log signed it")
    lines = text.split("\n")
    need(len(lines) == 4 and lines[0] == log and re.fullmatch("0|[1-9][0-9]*", lines[1]), "not a checkpoint of this log")
    return int(lines[1]), b64(lines[2], 32)


class Walk:
    """The log so far."""

    def __init__(self, leaves):
        self.findings, self.unsupported, self.given = [], [], leaves
        self.leaves, self.last, self.ids, self.rosters, self.keys = [], None, set(), [], {}
        self.trusted, self.deployments, self.refs, self.erased, self.suspect, self.used = [], {}, {}, {}, {}, []

    def find(self, seq, text):
        self.findings.append((seq, text))

    def hold(self, seq, good, text):
        if not good:
            self.find(seq, text)

    def take(self, line):
        leaf, place = sha(b"\0", line).hexdigest(), self.last["seq"] + 1 if self.last else 0
        self.leaves.append(leaf)
        try:
            entry, s, kind, pae, sigs = parse(line)
        except Bad as error:
            self.find(place, f"no entry: {error}")
            self.last = {"seq": place, "recorded": self.last["recorded"] if self.last else ""}
            return
        seq, p = entry["seq"], s["predicate"]
        self.place(seq, place, leaf, entry, p, kind)
        good = self.signatures(seq, kind, p, pae, sigs)
        for commit in refs(p["body"]):
            people = {self.keys[x["key"]][1] for x in p["signers"] if x["key"] in self.keys}
            self.refs.setdefault(commit, (seq, set()))[1].update(people)
        if kind == "report-issued" and fits(kind, p["body"]):
            covers, before = p["body"]["covers"], self.given if self.given is not None else self.leaves
            known = covers["seq"] < seq and covers["seq"] < len(before) and before[covers["seq"]] == covers["leaf"]
            self.hold(seq, known, "it covers no entry before it")
        if kind not in KINDS:
            self.unsupported.append(seq)
        elif not fits(kind, p["body"]):
            return self.find(seq, f"the body of {kind}")
        self.hold(seq, kind not in KINDS or kind == "opening-erased" or ("deployment" in p) == (kind not in GOVERNANCE), "names a deployment, or none")
        try:
            if kind in GOVERNANCE:
                need(good, "badly signed: its roster takes no force")
                self.govern(seq, kind, s)
            else:
                self.happen(seq, kind, s, entry)
        except Bad as error:
            self.find(seq, f"{kind}: {error}")

    def place(self, seq, place, leaf, entry, p, kind):
        before = self.given if self.given is not None else self.leaves
        self.hold(seq, seq == place if self.given is None else not self.last or seq >= place, f"stands in the place of entry {place}")
        if self.given is not None:
            self.hold(seq, seq < len(before) and before[seq] == leaf, "its leaf is not the one in leaves.txt")
            self.hold(seq, seq == 0 or seq <= len(before) and entry["prev"] == before[seq - 1], "prev")
        elif len(self.leaves) > 1:
            self.hold(seq, entry["prev"] == self.leaves[-2], "prev is not the leaf of the entry before")
        self.hold(seq, seq > 0 or entry["prev"] == "0" * 64, "prev of entry 0")
        self.hold(seq, not self.last or entry["recorded"] >= self.last["recorded"], "recorded before the entry before")
        self.hold(seq, millis(p["time"]) <= millis(entry["recorded"]) + 120000, "signed after it was recorded")
        seen = p.get("seen")
        self.hold(seq, (seen is None) == (seq == 0), "seen is absent in entry 0 and nowhere else")
        known = seen and seen["seq"] < seq and seen["seq"] < len(before) and before[seen["seq"]] == seen["leaf"]
        self.hold(seq, seen is None or known, "seen is no entry before it")
        self.hold(seq, p["id"] not in self.ids, "its id stands twice")
        self.hold(seq, (seq == 0) == (kind == "ledger-opened") or kind not in KINDS, "ledger-opened is entry 0 and no other")
        self.hold(seq, seq == 0 or not self.rosters or p["log"] == self.rosters[0][0]["log"], "made for another log")
        self.ids.add(p["id"])
        self.last = entry

    def signatures(self, seq, kind, p, pae, sigs):
        brought, good = {}, True
        if kind in GOVERNANCE and fits(kind, p["body"]):
            body = p["body"]
            objects = [key for person in body.get("roster", {}).get("people", []) for key in person["keys"]] + [body.get("new")]
            try:
                brought = dict(key_of(key["public"]) for key in objects if key)
            except Bad as error:
                self.find(seq, f"a key that it brings: {error}")
        for signer, sig in zip(p["signers"], sigs):
            key = signer["key"]
            raw = self.keys[key][0] if key in self.keys else brought.get(key)
            if raw is None or not signed(raw, pae, sig):
                good = self.find(seq, f"the signature of {key[:12]} is {'by an unknown key' if raw is None else 'not valid'}")
            self.used.append((key, seq, kind == "key-revoked" and key == p["body"].get("key")))
        return good

    def govern(self, seq, kind, s):
        p = s["predicate"]
        before = self.rosters[-1] if self.rosters else None
        roster, keys = next_roster(kind, p["body"], before, [x["key"] for x in p["signers"]], {key: held[1] for key, held in self.keys.items()})
        for signer in p["signers"]:
            held = (before[1] if before else {}).get(signer["key"]) or keys.get(signer["key"])
            fits = held and (signer["role"] == "root" if held[2] == "root" else signer["role"] in held[1]["roles"])
            self.hold(seq, fits, "a signer names a role that the key is not for")
        self.hold(seq, p["roster"] == roster_hash(before[0] if before else roster), "another roster was in force")
        subject = [{"digest": {"sha256": roster_hash(roster)}, "name": roster["log"]}]
        self.hold(seq, s["subject"] == subject and p["log"] == roster["log"], "its subject or log")
        self.rosters.append((roster, keys))
        self.keys.update({key: (raw, person["id"]) for key, (raw, person, _) in keys.items()})
        self.trusted += [vkey(text, roster["log"]) for text in roster["logKeys"]]
        if kind == "key-rotated":
            new, since = key_of(p["body"]["new"]["public"])[0], self.suspect.get(p["body"]["old"], (0, None))[1]
            self.suspect[p["body"]["old"]] = (new, since)
            self.suspect[new] = (None, since)
        if kind == "key-revoked" and "compromisedFromSeq" in p["body"]:
            key, since = p["body"]["key"], p["body"]["compromisedFromSeq"]
            while key:
                following = self.suspect.get(key, (None, None))[0]
                self.suspect[key], key = (following, since), following

    def happen(self, seq, kind, s, entry):
        need(self.rosters, "there is no roster to judge it by")
        p = s["predicate"]
        name, body = p.get("deployment"), p["body"]
        roster, keys = self.rosters[-1]
        self.hold(seq, p["roster"] in map(roster_hash, (r for r, _ in self.rosters)), "a roster that this log never had")
        d, denied, people = self.deployments.get(name), None, []
        frozen = body.get("checklist") if kind in ("deployment-opened", "checklist-amended") else {}
        lists = [[x["id"] for x in frozen.get(part, [])] for part in ("items", "phases")]
        if kind == "deployment-opened":
            lists += [[x["id"] for x in body["checks"]], [x["role"] for x in body["assignments"]]]
        self.hold(seq, all(len(set(x)) == len(x) for x in lists), "an id or a role stands twice in it")
        if kind == "deployment-opened" and not d:
            d = self.deployments[name] = {"opened": body, "count": 0, "weighty": seq, "subject": s["subject"], "closed": False,
                                          "held": {a["role"]: a["person"] for a in body["assignments"]}, "signed": {},
                                          "checklist": body["checklist"],
                                          "past": {(a["role"], a["person"]) for a in body["assignments"]}}
            self.hold(seq, sum("gitCommit" in x["digest"] for x in s["subject"]) == 1, "not one source in its subject")
        elif kind == "deployment-opened":
            self.find(seq, "opened twice")
        try:
            authors = self.refs.get(body["commit"], (0, set()))[1] if kind == "opening-erased" else ()
            people = may(kind, s, body, keys, roster, d, authors) if kind in KINDS else []
        except Bad as error:
            denied = error
        if kind == "opening-erased":
            self.erased.setdefault(body["commit"], seq)
        if name is not None:
            if not d and kind not in KINDS:
                return
            need(d, f"{name} was never opened")
            self.hold(seq, entry["deploymentSeq"] == d["count"], f"deploymentSeq is not {d['count']}")
            self.hold(seq, s["subject"] == d["subject"], "not the subject that the deployment was opened with")
            self.hold(seq, not d["closed"] or kind in AFTER_CLOSING or kind not in KINDS, f"{kind} after the closing")
            act = kind == "traffic-shifted" and (body["act"], body["to"]) == ("intended", "green")
            self.hold(seq, not (kind in DECISIONS or act) or d["count"] == 0 or d["weighty"] <= p.get("seen", {"seq": -1})["seq"],
                      "signed without having seen what stood before")
            d["count"] += 1
            d["weighty"] = seq if kind not in ASIDES else d["weighty"]
            if kind == "roles-assigned":
                d["held"][body["role"]] = body["person"]
                d["past"].add((body["role"], body["person"]))
            elif kind == "checklist-amended":
                d["checklist"] = body["checklist"]
            elif kind == "item-signed":
                d["signed"][p["id"], body["item"]] = people
            elif kind == "deployment-closed":
                self.hold(seq, body["entries"] == d["count"], f"the closing counts {body['entries']} entries, there are {d['count']}")
                d["closed"] = True
        if denied:
            raise denied

    def finish(self, folder):
        for key, seq, own in self.used:
            since = self.suspect.get(key, (None, None))[1]
            self.hold(seq, since is None or seq < since or own, f"the key {key[:12]} is suspect")
        path = os.path.join(folder, "openings")
        there = set(os.listdir(path)) if os.path.isdir(path) else set()
        for commit, (seq, _) in self.refs.items():
            self.hold(seq, (commit in there) != (commit in self.erased), f"opening {commit} is missing, or was erased and is there")
            self.hold(seq, self.erased.get(commit, seq) >= seq, f"opening {commit} was erased before it was referred to")
        for name in there:
            with open(os.path.join(path, name), "rb") as file:
                data = file.read()
            self.hold(self.refs.get(name, (None,))[0], len(data) >= 16 and sha(data).hexdigest() == name, f"opening {name} was altered")
            self.hold(None, name in self.refs or name in self.erased, f"no entry refers to opening {name}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("export")
    parser.add_argument("--roster-sha256")
    parser.add_argument("--checkpoint", action="append", default=[])
    args = parser.parse_args()

    def load(name):
        with open(name, "rb") as file:
            return file.read()

    try:
        lines = load(os.path.join(args.export, "entries.jsonl")).split(b"\n")
        notes = [(name, load(name), True) for name in args.checkpoint]
        own, leaves = (os.path.join(args.export, name) for name in ("checkpoint", "leaves.txt"))
        notes += [(own, load(own), False)] if os.path.exists(own) else []
        given = load(leaves).decode().split("\n")[:-1] if os.path.exists(leaves) else None
    except (OSError, ValueError) as error:
        print(f"could not run: {error}", file=sys.stderr)
        return 2
    walk = Walk(given)
    walk.hold(None, lines.pop() == b"", "entries.jsonl does not end with a newline")
    for line in lines:
        walk.take(line)
    walk.finish(args.export)
    every, anchored = [bytes.fromhex(x) for x in given or walk.leaves if hex64(x)], 0
    first = roster_hash(walk.rosters[0][0]) if walk.rosters else None
    walk.hold(0, not lines or first, "there is no first roster")
    walk.hold(0, not (args.roster_sha256 and first) or args.roster_sha256 == first, f"the first roster is {first}")
    for name, note, outside in notes if walk.rosters else ():
        try:
            size, stated = checkpoint(note.decode(), walk.trusted, walk.rosters[0][0]["log"])
            need(size <= len(every), f"it covers {size} entries, there are {len(every)}")
            need(root(every[:size]) == stated, f"the first {size} entries have another root")
            anchored = max(anchored, size if outside else 0)
        except (Bad, ValueError) as error:
            walk.find(None, f"checkpoint {name}: {error}")
    for seq, text in sorted(walk.findings, key=lambda found: (found[0] is None, found[0] or 0)):
        print(f"{'log' if seq is None else f'entry {seq}'}: {text}")
    reasons = [f"entry {seq} is of an unsupported kind" for seq in walk.unsupported]
    reasons += ["no --roster-sha256 was given"] if not args.roster_sha256 else []
    reasons += ["there is nothing to check"] if not lines else []
    whole = given is None or [d["closed"] for d in walk.deployments.values()] == [True]
    reasons += [] if whole else ["not exactly one deployment, which is closed, stands beside leaves.txt"]
    end = walk.last["seq"] + 1 if walk.last else 0
    reasons += [f"anchored only through {anchored} of {end} entries"] if anchored < end else []
    if walk.findings:
        return 1
    print("\n".join(f"not proven: {reason}" for reason in reasons) or f"verified: {len(lines)} entries (gates and outcome not checked here)")
    return 4 if reasons else 0


if __name__ == "__main__":
    sys.exit(main())
