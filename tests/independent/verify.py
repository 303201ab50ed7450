"""A second verifier of aether-audit exports, written from docs/FORMAT.md alone: encodings, signatures, chain, tree, leaves.txt,
rosters, keys, who may, openings, checkpoints, cosignatures, and how deployments open and close.

LEFT TO THE PROGRAM, and no part of this verdict: members of bodies that no rule here reads (section 9); of section 11 the gates,
overrides, outcome and readings; groups and quorum of a witness policy; keys of a point with a small-order part; one entry by
itself; signed reports; notices.
"""
import argparse, base64, collections, datetime, hashlib, json, pathlib, re, sys
from types import SimpleNamespace
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

# Members are `name=type`, optional where the name ends with `?`; `...` stands for others, left to the program. A type is a
# pattern, an integer's range, a shape, an array `[type]`, an object by token `{type}`, or the texts allowed. A kind has its
# class and who may: roles, or `-` for any; `+` where the role must be assigned, `*` where a machine may as well.
SHAPES = """entry deploymentSeq?=u64 envelope=envelope prev=hash recorded=time seq=u64; seen leaf=hash seq=u64; body ...;
envelope payload=base64 payloadType=application/vnd.in-toto+json signatures=[signature]; signature keyid=hash sig=sig;
statement _type=https://in-toto.io/Statement/v1 predicate=predicate predicateType=type subject=[subject];
predicate body=body deployment?=token id=id log=origin roster=hash seen?=seen signers=[signer] time=time;
signer key=hash role=token; subject digest=digest name=label; digest gitCommit?=git sha256?=hash; threshold threshold=u32;
roster log=origin logKeys=[plain] people=[person] previous?=hash roles={threshold} rootThreshold=u32 separate=[[token]]
version=u64 witnessPolicy?=text; person id=token keys=[key] kind=person|machine roles=[token]; ref commit=hash mediaType=media;
key madeBy?=token proof=sig public=public use=root|role; assignment person=token role=token; policy machineRollback?=true ...;
checklist items=[item] text=ref ...; item by?=token id=token roles?=[token] ..."""
KINDS = """ledger-opened G root names?={ref} rehearsal?=true roster=roster; key-rotated G root new=key old=hash person=token;
roster-changed G root names?={ref} reason?=ref roster=roster; roles-assigned D lead-deployer person=token reason?=ref role=token;
key-revoked G root compromisedFromSeq?=u64 key=hash person=token reason=ref; decision-made D lead-deployer+ ...;
deployment-opened D lead-deployer assignments=[assignment] checklist=checklist policy=policy ...; item-signed F -+
checklist=hash item=token ...; checklist-amended D lead-deployer+ checklist=checklist reason=ref; deployment-closed D
lead-deployer+ entries=u64 outcome=token; item-withdrawn F - item=token reason=ref statement=id; evidence-collected,metric-read
A -* ...; message-sent A comms-lead,lead-deployer,recorder* ...; traffic-shifted F -* act=token to=token ...; snapshot-taken,stage-reached,standby-changed,rollback-step F -* ...; rollback-triggered,rollback-started,rollback-finished F - ...;
note-added A -* about?=id text=ref; review-recorded A -* text=ref; report-issued A -* covers=seen ...;
opening-erased A custodian commit=hash reason=ref"""
AFTER_CLOSING = ("note-added", "review-recorded", "report-issued", "opening-erased", "item-withdrawn")
TOKEN, NAME, B64 = "[a-z0-9][a-z0-9.-]{0,63}", r"[^\s+\x00-\x1f\x7f-\x9f]+", "[A-Za-z0-9+/]"
PATTERNS = {
    "hash": "[0-9a-f]{64}", "git": "[0-9a-f]{40}", "id": "[0-9a-f]{32}", "token": TOKEN, "plain": r"[^\x00-\x1f\x7f-\x9f]*",
    "label": r"[^\x00-\x1f\x7f-\x9f]{1,256}", "origin": f"(?!.*://){NAME}", "media": "[a-z0-9.+/;= -]{1,100}", "text": "(?s:.*)",
    "base64": f"(?:{B64}{{4}})*(?:{B64}[AQgw]==|{B64}{{2}}[AEIMQUYcgkosw048]=)?", "sig": B64 + "{85}[AQgw]==",
    "public": f"MCowBQYDK2VwAyEA{B64}{{42}}[AEIMQUYcgkosw048]=", "type": f"https://project-aether.io/audit/{TOKEN}/v1",
    "time": "[0-9]{4}(-[0-9]{2}){2}T([0-9]{2}:){2}[0-9]{2}[.][0-9]{3}Z"}
RANGES, LONGEST = {"u32": range(2**32), "u64": range(2**53)}, {"label": 256, "origin": 255}  # integers; bytes of texts

def table(rows, columns):
    rows = [row.split() for row in rows.split(";")]
    return {name: (*r[1:columns], [m.split("=", 1) for m in r[columns:]]) for r in rows for name in r[0].split(",")}
SHAPES, KINDS = table(SHAPES, 1), table(KINDS, 3)
def fits(value, word):
    if word == "true": return value is True
    if word[0] == "[": return isinstance(value, list) and all(fits(v, word[1:-1]) for v in value)
    if word[0] == "{":
        return isinstance(value, dict) and all(fits(k, "token") and fits(v, word[1:-1]) for k, v in value.items())
    if word in RANGES: return type(value) is int and value in RANGES[word]
    if word in SHAPES: return shaped(value, SHAPES[word][0])
    if word not in PATTERNS: return isinstance(value, str) and value in word.split("|")
    return (isinstance(value, str) and re.fullmatch(PATTERNS[word], value) is not None
            and len(value.encode()) <= LONGEST.get(word, 2**20) and (word != "time" or moment(value) is not None))
def shaped(value, members):
    names = {m[0].rstrip("?"): (m[-1], m[0][-1] == "?") for m in members if m[0] != "..."}
    return (isinstance(value, dict) and (len(names) < len(members) or value.keys() <= names.keys())
            and all(fits(value[n], word) if n in value else optional for n, (word, optional) in names.items()))
def moment(time):
    try: return datetime.datetime.fromisoformat(time[:-1])
    except ValueError: return None

# Sections 1 and 5: one encoding, hashes, the tree
def ordered(value, depth=0):
    if depth > 64 or value is None or isinstance(value, float) or type(value) is int and abs(value) >= 2**53:
        raise ValueError("null, a number that is not allowed, or too deep")
    if isinstance(value, list): return [ordered(v, depth + 1) for v in value]
    if not isinstance(value, dict): return value
    return {k: ordered(value[k], depth + 1) for k in sorted(value, key=lambda k: k.encode("utf-16-be"))}
def jcs(value):
    return json.dumps(ordered(value), ensure_ascii=False, separators=(",", ":")).encode()
def decode(data, shape):
    try: value = json.loads(data.decode())
    except RecursionError: raise ValueError("too deep") from None
    if jcs(value) != data or not fits(value, shape): raise ValueError(f"other bytes than RFC 8785 writes, or no {shape}")
    return value
def b64(text):
    return base64.b64decode(text)
def sha256(data):
    return hashlib.sha256(data).hexdigest()
def root(leaves):
    if len(leaves) < 2: return leaves[0] if leaves else sha256(b"")
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1" + bytes.fromhex(root(leaves[:k]) + root(leaves[k:])))

# Section 7: Ed25519, and of what `cryptography` does not refuse: small order, and y that is not canonical
P, D = 2**255 - 19, -121665 * pow(121666, -1, 2**255 - 19) % (2**255 - 19)
def small(raw):
    y = int.from_bytes(raw, "little") % 2**255
    return y >= P or y in (0, 1, P - 1) or (D * y**4 + 2 * y * y - 1) % P == 0
def key(raw):  # the 32 bytes, when they are a key
    if small(raw): raise ValueError("no key: a point of small order, or no canonical one")
    Ed25519PublicKey.from_public_bytes(raw)
    return raw
def signed(raw, signature, message):
    try: Ed25519PublicKey.from_public_bytes(raw).verify(signature, message)
    except (InvalidSignature, ValueError): return False
    return not small(signature[:32])

# Section 12: keys of notes, and notes
def vkey(text, type):  # (name, key id), the 32 bytes
    match = re.fullmatch(rf"({NAME})\+([0-9a-f]{{8}})\+({B64}{{44}})", text)
    raw = b64(match[3]) if match else b"none"
    if raw[0] != type or match[2] != sha256(match[1].encode() + b"\n" + raw)[:8]: raise ValueError("no vkey")
    return (match[1], match[2]), key(raw[1:])
def note(data):  # the text that is signed, and ((name, key id), the rest) of each line
    head, end, tail = data.decode().rpartition("\n\n")
    lines = [re.fullmatch(f"— ({NAME}) ({PATTERNS['base64']})", line) for line in tail.split("\n")[:-1]]
    if len(data) > 262_144 or not end or tail[-1:] != "\n" or not 1 <= len(lines) <= 100 or not all(lines) \
            or re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", data.decode()): raise ValueError("no signed note")
    return head + "\n", [((m[1], b64(m[2])[:4].hex()), b64(m[2])[4:]) for m in lines]
def witnesses(policy):
    lines = [re.findall("[^ \t]+", line) for line in policy.split("\n")]
    return dict(vkey(words[2], 4) for words in lines if len(words) > 2 and words[0] == "witness")

# Section 8: rosters
def sound(roster):  # its keys, keyid -> (32 bytes, use, person); an error when it is not sound
    log, roles, people, keys = roster["log"], {*roster["roles"]}, roster["people"], {}
    notes, held = [vkey(v, 1) for v in roster["logKeys"]], [(k, p) for p in people for k in p["keys"]]
    for k, p in held:
        keys[sha256(b64(k["public"]))] = key(b64(k["public"])[12:]), k["use"], p
        proof = f"aether-audit key proof v1\n{log}\n{p['id']}\n{k['use']}\n".encode()
        if not signed(b64(k["public"])[12:], b64(k["proof"]), proof): raise ValueError("the proof of a key does not verify")
    holders = {p["id"] for k, p in held if k["use"] == "root"}
    once = {raw for raw, _, _ in keys.values()} | {raw for _, raw in notes}
    if len(once) < len(held) + len(notes) or len({p["id"] for p in people}) < len(people) or "root" in roles \
            or any(name != log for (name, _), _ in notes) or not 1 <= roster["rootThreshold"] <= len(holders) \
            or not all(r["threshold"] for r in roster["roles"].values()) \
            or not all(len({*pair}) == len(pair) == 2 and {*pair} <= roles for pair in roster["separate"]) \
            or not all({*p["roles"]} <= roles & {"recorder"} and p["id"] not in holders if p["kind"] == "machine"
                       else {*p["roles"]} <= roles - {"recorder"} for p in people): raise ValueError("a rule for rosters")
    witnesses(roster.get("witnessPolicy", ""))
    return keys
def brought(x, before, earlier):  # the roster after a governance entry
    if "roster" in x.body: return x.body["roster"]
    after, old, person = json.loads(jcs(before)), x.body.get("old", x.body.get("key")), x.body["person"]
    after |= {"version": before["version"] + 1, "previous": sha256(jcs(before))}
    mine = next((p["keys"] for p in after["people"] if p["id"] == person), [])
    at = next((i for i, k in enumerate(mine) if sha256(b64(k["public"])) == old), None)
    if at is None and x.kind == "key-revoked" and person in (r[old][2]["id"] for r in earlier if old in r): return after
    if at is None or x.kind == "key-rotated" and mine[at]["use"] != x.body["new"]["use"]: raise ValueError("no such key")
    mine[at:at + 1] = [x.body["new"]] if x.kind == "key-rotated" else []
    return after
def governs(x, before, after, old, new):  # whether its signers may; by the rosters before and after, and their keys
    held = [old.get(k, new.get(k)) for k in x.keys]
    if not all(s["role"] in (["root"] if h[1] == "root" else h[2]["roles"]) for s, h in zip(x.signers, held)): return False
    roots, newer = ({k: p["id"] for k, (_, use, p) in keys.items() if use == "root"} for keys in (old, new))
    if x.kind == "key-rotated" and x.body["old"] not in roots:
        if x.keys == [x.body["old"], sha256(b64(x.body["new"]["public"]))]: return True
    if x.kind == "key-revoked" and x.body["key"] not in roots and len(x.keys) == 1 and x.keys[0] in old:
        if held[0][2]["id"] == x.body["person"]: return True
    quorum, quorum_after = (len({r[k] for k in x.keys if k in r}) >= roster["rootThreshold"]
                            for r, roster in ((roots, before), (newer, after)))
    same = roots == newer and before["rootThreshold"] == after["rootThreshold"]
    return {*x.keys} <= {*roots, *newer} and quorum and (same or quorum_after)

# Sections 2 to 4: entries
def parse(line):
    e = decode(line, "entry")
    s = decode(b64(e["envelope"]["payload"]), "statement")
    x = SimpleNamespace(**(dict.fromkeys(("deployment", "deploymentSeq", "seen")) | s["predicate"] | e), subject=s["subject"])
    x.keys, x.kind = [k["key"] for k in x.signers], s["predicateType"].split("/")[-2]
    x.cls, x.who, x.members = KINDS.get(x.kind, ("F", "-*", None))
    x.fits = x.members is not None and shaped(x.body, x.members)
    if len(line) > 65_535 or not 1 <= len({*x.keys}) == len(x.keys) <= 16 or (x.deployment is None) != (x.deploymentSeq is None) \
            or x.keys != [k["keyid"] for k in e["envelope"]["signatures"]] or any(len(k["digest"]) != 1 for k in x.subject) \
            or not 1 <= len({k["name"] for k in x.subject}) == len(x.subject): raise ValueError("a rule of sections 2 to 4")
    return x
def refs(value):
    if isinstance(value, dict) and value.keys() == {"commit", "mediaType"}: yield value["commit"]
    for v in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []: yield from refs(v)

class Deployment:
    count, need, opened, closed, machines, text = 0, -1, False, False, False, {"items": [], "text": {"commit": ""}}
    def __init__(self, subject): self.subject, self.signed, self.holds, self.held = subject, {}, {}, set()

class Log:
    def __init__(self, lines, part):
        self.findings, self.unproven, self.entries, self.rosters, self.known, self.ids = [], [], [], [], {}, set()
        self.leaves, self.part, self.leaf, self.next, self.recorded = [], part, dict(enumerate(part or [])), 0, ""
        self.deployments = {}
        for line in lines: self.entry(line)
        self.suspects()
    def check(self, seq, **rules):  # a finding for each rule that does not hold, by its code
        self.findings += [(seq, code.replace("_", "-")) for code, holds in rules.items() if not holds]
        return all(rules.values())
    def entry(self, line):
        at, leaf = self.next, sha256(b"\0" + line)
        self.leaves.append(leaf)
        try: x = parse(line)
        except ValueError:
            self.next += self.leaf.setdefault(at, leaf) is not None
            return self.check(at, malformed=False)
        seen, before = x.seen or {"seq": -1, "leaf": None}, self.leaf.get(x.seq - 1, x.prev) if x.seq else "0" * 64
        if self.part is None: self.check(at, missing=x.seq <= at)
        self.check(
            x.seq, out_of_order=x.seq >= at, leaf=self.leaf.setdefault(x.seq, leaf) == leaf, chain=before == x.prev,
            recorded=x.recorded >= self.recorded, time=moment(x.time) - moment(x.recorded) <= datetime.timedelta(minutes=2),
            seen=(x.seen is None) == (x.seq == 0) and seen["seq"] < x.seq, id_repeated=x.id not in self.ids,
            seen_leaf=seen["seq"] >= x.seq or self.leaf.get(seen["seq"], seen["leaf"]) == seen["leaf"],
            order=(x.kind == "ledger-opened") == (x.seq == 0), body=x.fits or x.members is None,
            deployment=not x.members or x.kind == "opening-erased" or (x.cls == "G") == (x.deployment is None))
        self.next, self.recorded = max(at, x.seq + 1), max(x.recorded, self.recorded)
        self.ids.add(x.id)
        self.entries.append(x)
        self.unproven += [f"entry {x.seq}: the kind {x.kind} is not supported"] * (x.members is None)
        (self.governance if x.cls == "G" else self.act)(x)
        self.check(x.seq, no_roster=self.rosters, log=not self.rosters or x.log == self.rosters[0][1]["log"])
    def signatures(self, x, known):
        payload, sigs = b64(x.envelope["payload"]), [(s["keyid"], b64(s["sig"])) for s in x.envelope["signatures"]]
        message = b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(payload), payload)
        x.people = {known[k][2]["id"] for k in x.keys if k in known}
        return self.check(x.seq, key_unknown=known.keys() >= {*x.keys},
                          signature=all(signed(known[k][0], sig, message) for k, sig in sigs if k in known))
    def governance(self, x):
        (last, held), after, keys = self.rosters[-1][1:] if self.rosters else (None, {}), None, {}
        try:
            if x.fits and (last or x.kind == "ledger-opened"): after = brought(x, last, [keys for _, _, keys in self.rosters])
            keys = sound(after) if after else {}
        except ValueError: after = None
        if not self.signatures(x, self.known | keys) or not self.check(x.seq, roster=after): return
        follows = (last["version"] + 1, sha256(jcs(last)), last["log"]) if last else (1, None, after["log"])
        if self.check(x.seq, not_authorised=governs(x, last or after, after, held or keys, keys),
                      roster=(after["version"], after.get("previous"), after["log"]) == follows
                      and x.roster == sha256(jcs(last or after)),
                      subject=x.subject == [{"digest": {"sha256": sha256(jcs(after))}, "name": after["log"]}]):
            self.rosters, self.known = self.rosters + [(x, after, keys)], self.known | keys
    def act(self, x):
        d, opens = self.deployments.setdefault(x.deployment, Deployment(x.subject)), x.kind == "deployment-opened"
        _, roster, keys = self.rosters[-1] if self.rosters else (0, {"people": [], "roles": {}, "separate": []}, {})
        self.signatures(x, self.known)
        self.check(x.seq, roster=x.roster in [sha256(jcs(r)) for _, r, _ in self.rosters])
        body, who = x.body if x.fits else {}, x.who
        if x.deployment:
            must = x.cls == "D" or (x.kind, body.get("act"), body.get("to")) == ("traffic-shifted", "intended", "green")
            self.check(x.seq, deployment_seq=x.deploymentSeq == d.count, not_opened=d.opened or opens,
                       opened_twice=not (d.opened and opens), after_close=not d.closed or x.kind in AFTER_CLOSING,
                       subject=x.subject == d.subject, unseen=not must or x.seen is None or d.need <= x.seen["seq"],
                       count=body.get("entries", d.count + 1) == d.count + 1)
            d.count, d.need, d.opened = d.count + 1, d.need if x.cls == "A" else x.seq, d.opened or opens
            d.closed = d.closed or x.kind == "deployment-closed"
        if body and opens: d.text, d.machines = body["checklist"], "machineRollback" in body["policy"]
        if body and x.kind == "checklist-amended": d.text = body["checklist"]
        gives = body.get("assignments", [body] if x.kind == "roles-assigned" else [])
        for a in gives:
            taken = {(a["person"], role) for pair in roster["separate"] if a["role"] in pair for role in pair if role != a["role"]}
            self.check(x.seq, separation=not taken & d.held)
            d.holds[a["role"]] = a["person"]
            d.held.add((a["person"], a["role"]))
        may = {(p["id"], role) for p in roster["people"] for role in p["roles"] if p["kind"] == "person"}
        self.check(x.seq, separation=not gives or len(d.holds) >= len(gives) and may >= {(p, r) for r, p in d.holds.items()})
        if body and x.kind == "item-signed":
            item = next((i for i in d.text["items"] if i["id"] == body["item"]), {"by": "none"})
            self.check(x.seq, item="by" not in item, checklist=body["checklist"] == d.text["text"]["commit"])
            who, d.signed[x.id] = ",".join(item.get("roles", "-")) + "+", (body["item"], x.people)
        if body and x.kind == "item-withdrawn":
            item, authors = d.signed.pop(body["statement"], (None, set()))
            self.check(x.seq, withdrawal=item == body["item"])
            who = "-" if x.people <= authors else "lead-deployer+"
        if body and x.kind == "opening-erased" and len(x.people) == 1:
            self.check(x.seq, not_authorised=not any(x.people & y.people for y in self.entries if body["commit"] in refs(y.body)))
        if body and x.kind == "report-issued":
            seq, leaf = body["covers"]["seq"], body["covers"]["leaf"]
            self.check(x.seq, covers=seq < x.seq and self.leaf.get(seq, leaf) == leaf)
        if x.kind[:9] == "rollback-" and d.machines: who = "-*"
        roles, by = who.rstrip("+*"), collections.defaultdict(set)
        for s in x.signers:
            _, use, p = keys.get(s["key"], (b"", "", {"id": "", "kind": "", "roles": []}))
            by[s["role"]].add(p["id"])
            self.check(x.seq, not_authorised=use == "role" and s["role"] in p["roles"]
                       and (p["kind"] == "person" or "*" in who) and (roles == "-" or s["role"] in roles.split(","))
                       and ("+" not in who or d.holds.get(s["role"]) == p["id"]))
        self.check(x.seq, not_authorised=len(by[roles]) >= roster["roles"].get(roles, {"threshold": 0})["threshold"])
    def suspects(self):
        rotated = [(x.body["old"], sha256(b64(x.body["new"]["public"]))) for x, _, _ in self.rosters if x.kind == "key-rotated"]
        for revoking in (x for x, _, _ in self.rosters if "compromisedFromSeq" in x.body):
            keys, first = {revoking.body["key"]}, revoking.body["compromisedFromSeq"]
            for old, new in rotated * len(rotated): keys |= {new} if old in keys else set()
            for x in self.entries: self.check(x.seq, key_suspect=x is revoking or x.seq < first or not keys & {*x.keys})
    def openings(self, files):
        erased = {x.body["commit"]: x.seq for x in self.entries if x.kind == "opening-erased" and x.fits}
        first = {commit: x.seq for x in reversed(self.entries) for commit in refs(x.body)}
        for commit, seq in first.items():
            gone, data = erased.get(commit, -1) >= seq, files.get(commit)
            self.check(seq, opening_missing=gone or data is not None, opening_not_erased=not gone or data is None,
                       opening_altered=data is None or sha256(data) == commit and len(data) >= 16)
        self.check(None, opening_stray=files.keys() <= first.keys())
    def checkpoint(self, data):  # how many entries it covers; 0 when it does not hold
        try:
            text, lines = note(data)
            origin, size, tree = re.fullmatch(rf"({NAME})\n(0|[1-9][0-9]*)\n({B64}{{43}}=)\n", text).groups()
        except (ValueError, AttributeError): return self.check(None, checkpoint=False)
        size, leaves = int(size), self.part or self.leaves
        trusted = dict(vkey(v, 1) for _, r, _ in self.rosters for v in r["logKeys"])
        watching = witnesses(["", *(r.get("witnessPolicy", "") for x, r, _ in self.rosters if x.seq < size)][-1])
        good = [signed(trusted[name], sig, text.encode()) for name, sig in lines if name in trusted]
        cosigned = [signed(watching[name], sig[8:], b"cosignature/v1\ntime %d\n%s" % (int.from_bytes(sig[:8]), text.encode()))
                    and len(sig) == 72 and sig[0] < 128 for name, sig in lines if name in watching]
        return self.check(None, checkpoint=good and all(good), cosignature=all(cosigned), truncated=size <= len(leaves),
                          checkpoint_origin=self.rosters and origin == self.rosters[0][1]["log"],
                          checkpoint_root=size > len(leaves) or root(leaves[:size]) == b64(tree).hex()) and size

def verify(folder, handed=None, anchor=None):
    """The exit status, the findings as (entry or None, code), and why it is not proven."""
    *lines, rest = (folder / "entries.jsonl").read_bytes().split(b"\n")
    part = (folder / "leaves.txt").read_text().split("\n")[:-1] if (folder / "leaves.txt").exists() else None
    log = Log(lines + [rest] * bool(rest), part)
    log.openings({f.name: f.read_bytes() for f in folder.glob("openings/*")})
    log.check(None, malformed=not rest, first_roster=not handed or [sha256(jcs(r)) for _, r, _ in log.rosters[:1]] == [handed])
    if (folder / "checkpoint").exists(): log.checkpoint((folder / "checkpoint").read_bytes())
    covers = log.checkpoint(anchor) if anchor is not None else 0
    closed = part is None or [d.closed for name, d in log.deployments.items() if name] == [True]
    why = log.unproven + [reason for reason, bad in (
        ("no entry at all", not lines), ("no hash of the first roster", not handed), ("not one closed deployment", not closed),
        (f"anchored up to {covers} entries, not {log.next}", covers < log.next)) if bad]
    return 1 if log.findings else 4 if why else 0, log.findings, why

if __name__ == "__main__":
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("folder", type=pathlib.Path)
    args.add_argument("--roster-sha256")
    args.add_argument("--checkpoint", type=pathlib.Path)
    args = args.parse_args()
    try: status, findings, why = verify(args.folder, args.roster_sha256, args.checkpoint and args.checkpoint.read_bytes())
    except (OSError, UnicodeError) as error: sys.exit(print(f"could not run: {error}") or 2)
    print(*(f"entry {seq}: {code}" for seq, code in findings), *why, "VERIFIED" * (status == 0), sep="\n")
    sys.exit(status)
