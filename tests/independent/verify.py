"""A second verifier of aether-audit exports, from docs/FORMAT.md alone: encodings, signatures, chain, tree, leaves.txt,
rosters, keys, who may, openings, checkpoints, cosignatures, how deployments open and close. LEFT TO THE PROGRAM:
members of bodies that no rule here reads (section 9); gates, overrides, outcome, readings (11); what a report covers;
groups and quorum of a witness policy; a key neither small nor of prime order, a log key that is no point; one entry
alone; signed reports; notices."""
import argparse, base64, datetime, functools, json, pathlib, re, sys
import notes, timestamps
from notes import B64, BASE64, CONTROL, HASH, NAME, checkpoint, key, sha256, signed, vkey, witnesses
# Members are `name=type`, optional where the name ends with `?`; `...` is for others, left to the program. A type is
# a pattern, range, shape, array `[type]`, object by token `{type}`, or the texts allowed. A kind has its class and who
# may: roles, or `-` for any; `+` where the role must be assigned, `*` where a machine may, `!` after the closing too.
SHAPES = """entry deploymentSeq?=u64 envelope=envelope prev=hash recorded=time seq=u64; seen leaf=hash seq=u64;
envelope payload=base64 payloadType=application/vnd.in-toto+json signatures=[signature]; signature keyid=hash sig=sig;
statement _type=https://in-toto.io/Statement/v1 predicate=predicate predicateType=type subject=[subject]; predicate
body=any deployment?=token id=id log=origin roster=hash seen?=seen signers=[signer] time=time; signer key=hash
role=token; subject digest=digest name=label; digest gitCommit?=git sha256?=hash; ref commit=hash mediaType=media;
roster log=origin logKeys=[plain] people=[person] previous?=hash roles={threshold} rootThreshold=u32 separate=[[token]]
version=u64 witnessPolicy?=text; person id=token keys=[key] kind=person|machine roles=[token]; key madeBy?=token
proof=sig public=public use=root|role; threshold threshold=u32; assignment person=token role=token; checklist
items=[item] text=ref ...; mention commit=hash mediaType=text; item by?=token id=token roles?=[token] ...; policy
machineRollback?=true ...; check id=token query?=hash unit?=plain watch?=true ..."""
KINDS = """ledger-opened G root names?={ref} rehearsal?=true roster=roster; key-rotated G root new=key old=hash
person=token; roster-changed G root names?={ref} reason?=ref roster=roster; key-revoked G root compromisedFromSeq?=u64
key=hash person=token reason=ref; deployment-opened D lead-deployer assignments=[assignment] checks?=[check]
checklist=checklist policy=policy rehearsal?=true ...; roles-assigned D lead-deployer person=token role=token ...;
decision-made D lead-deployer+ ...; checklist-amended D lead-deployer+ checklist=checklist ...; deployment-closed D
lead-deployer+ entries=u64 ...; item-signed F -+ checklist=hash item=token ...; item-withdrawn F -! item=token
statement=id ...; message-sent A comms-lead,lead-deployer,recorder* ...; traffic-shifted F -* act=token
percent?=percent to=token ...; evidence-collected A -* ...; metric-read A -* query?=query unit?=plain ...;
snapshot-taken,stage-reached,standby-changed,rollback-step F -* ...; note-added,review-recorded,report-issued A -*!
...; rollback-triggered,rollback-started,rollback-finished F - ...; opening-erased A custodian! commit=hash ..."""
TOKEN = "[a-z0-9][a-z0-9.-]{0,63}"
PATTERNS = {
    "hash": "[0-9a-f]{64}", "git": "[0-9a-f]{40}", "id": "[0-9a-f]{32}", "token": TOKEN, "plain": f"[^{CONTROL}]*",
    "label": f"[^{CONTROL}]+", "origin": f"(?!.*://){NAME}", "media": "[a-z0-9.+/;= -]{1,100}", "base64": BASE64,
    "sig": B64 + "{85}[AQgw]==", "text": "(?s:.*)", "time": r"(?a:\d{4}(-\d\d){2}T\d\d(:\d\d){2}\.\d{3}Z)",
    "type": f"https://project-aether.io/audit/{TOKEN}/v1", "query": f"[^{CONTROL}]*",
    "public": "MCowBQYDK2VwAyEA" + HASH}
RANGES, LONGEST = dict(u32=range(2**32), u64=range(2**53), percent=range(101)), dict(label=256, query=4096, origin=255)
b64, moment = base64.b64decode, lambda time: datetime.datetime.fromisoformat(time[:-1])
keyid = lambda k: sha256(b64(k["public"]))
def table(rows, columns):
    rows = [row.split() for row in rows.split(";")]
    return {name: (*r[1:columns], [m.split("=", 1) for m in r[columns:]]) for r in rows for name in r[0].split(",")}
SHAPES, KINDS = table(SHAPES, 1), table(KINDS, 3)
def fits(value, word):
    if word in ("any", "true"): return word == "any" or value is True
    if word[0] == "[": return type(value) is list and all(fits(v, word[1:-1]) for v in value)
    if "{" in word: return type(value) is dict and all(fits(n, "token") and fits(value[n], word[1:-1]) for n in value)
    if word in RANGES: return type(value) is int and value in RANGES[word]
    if word in SHAPES: return shaped(value, SHAPES[word][0])
    if word not in PATTERNS: return isinstance(value, str) and value in word.split("|")
    return (isinstance(value, str) and re.fullmatch(PATTERNS[word], value) is not None
            and len(value.encode()) <= LONGEST.get(word, 2**20) and (word != "time" or moment(value) is not None))
def shaped(value, members):
    names = {m[0].rstrip("?"): (m[-1], m[0][-1] == "?") for m in members if m[0] != "..."}
    return (isinstance(value, dict) and (len(names) < len(members) or value.keys() <= names.keys())
            and all(fits(value[n], word) if n in value else optional for n, (word, optional) in names.items()))
# Sections 1 and 5: one encoding, hashes, the tree
def ordered(value, depth=0):
    if depth > 64 or value is None or isinstance(value, float) or type(value) is int and abs(value) >= 2**53:
        raise ValueError("null, a number that is not allowed, or too deep")
    if isinstance(value, list): return [ordered(v, depth + 1) for v in value]
    names = sorted(value, key=lambda name: name.encode("utf-16-be")) if isinstance(value, dict) else ()
    return {name: ordered(value[name], depth + 1) for name in names} if isinstance(value, dict) else value
jcs = lambda value: json.dumps(ordered(value), ensure_ascii=False, separators=(",", ":")).encode()
def decode(data, shape):
    value = json.loads(data.decode())
    if jcs(value) != data or not fits(value, shape): raise ValueError(f"not RFC 8785, or no {shape}")
    return value
def root(leaves):
    if len(leaves) < 2: return leaves[0] if leaves else sha256(b"")
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return notes.node(root(leaves[:k]), root(leaves[k:]))
# Section 8: rosters
def sound(roster):  # its keys, keyid -> (32 bytes, use, person); an error when it is not sound
    log, roles, people, keys = roster["log"], {*roster["roles"]}, roster["people"], {}
    notes, held = [vkey(v, 1) for v in roster["logKeys"]], [(k, p) for p in people for k in p["keys"]]
    for k, p in held:
        keys[keyid(k)] = key(b64(k["public"])[12:]), k["use"], p
        proof = f"aether-audit key proof v1\n{log}\n{p['id']}\n{k['use']}\n".encode()
        if not signed(b64(k["public"])[12:], b64(k["proof"]), proof): raise ValueError("a proof")
    holders = {p["id"] for k, p in held if k["use"] == "root"}
    once = {raw for raw, _, _ in keys.values()} | {raw for _, raw in notes}
    if len(once) < len(held) + len(notes) or len({p["id"] for p in people}) < len(people) or "root" in roles \
            or any(name != log for (name, _), _ in notes) or not 1 <= roster["rootThreshold"] <= len(holders) \
            or not all(r["threshold"] for r in roster["roles"].values()) \
            or not all(len({*pair}) == len(pair) == 2 and {*pair} <= roles for pair in roster["separate"]) \
            or not all({*p["roles"]} <= roles & {"recorder"} and p["id"] not in holders if p["kind"] == "machine"
                       else {*p["roles"]} <= roles - {"recorder"} for p in people): raise ValueError("a rule")
    witnesses(roster.get("witnessPolicy", ""))
    return keys
def brought(x, before, earlier):  # the roster after a governance entry
    if not x.fits or before is None and x.kind != "ledger-opened": raise ValueError("no roster before it")
    if "roster" in x.body: return x.body["roster"]
    after, old, person = json.loads(jcs(before)), x.body.get("old", x.body.get("key")), x.body["person"]
    after |= {"version": before["version"] + 1, "previous": sha256(jcs(before))}
    mine = next((p["keys"] for p in after["people"] if p["id"] == person), [])
    at = next((i for i, k in enumerate(mine) if keyid(k) == old), None)
    if at is None and x.kind == "key-revoked" and person in (r[old][2]["id"] for r in earlier if old in r): return after
    new = [x.body["new"]] if x.kind == "key-rotated" else []
    if at is None or new and mine[at]["use"] != new[0]["use"]: raise ValueError("no such key")
    mine[at:at + 1] = new
    return after
def governs(x, before, after, old, new):  # whether its signers may; by the rosters before and after, and their keys
    held, gone = [old.get(k, new.get(k)) for k in x.keys], x.body.get("old", x.body.get("key"))
    named = all(h and s["role"] in (["root"] if h[1] == "root" else h[2]["roles"]) for s, h in zip(x.signers, held))
    alone = [gone, keyid(x.body["new"])] if x.kind == "key-rotated" else \
        [k for k in old if old[k][2]["id"] == x.body["person"] and k in x.keys[:1]] if x.kind == "key-revoked" else None
    roots, newer = ({k: p["id"] for k, (_, use, p) in keys.items() if use == "root"} for keys in (old, new))
    quorum, quorum_after = (len({r[k] for k in x.keys if k in r}) >= roster["rootThreshold"]
                            for r, roster in ((roots, before), (newer, after)))
    same = roots == newer and before["rootThreshold"] == after["rootThreshold"]
    by_roots = {*x.keys} <= {*roots, *newer} and quorum and (same or quorum_after)
    return named and (by_roots or gone not in roots and x.keys == alone)
def parse(line):  # sections 2 to 4
    e = decode(line, "entry")
    s = decode(b64(e["envelope"]["payload"]), "statement")
    x = argparse.Namespace(**(dict.fromkeys(("deployment", "deploymentSeq", "seen")) | s | s["predicate"] | e))
    x.keys, x.kind = [k["key"] for k in x.signers], x.predicateType.split("/")[-2]
    x.cls, x.who, x.members = KINDS.get(x.kind, ("A", "-*!", None))
    x.fits = x.members is not None and shaped(x.body, x.members)
    names, digests = {k["name"] for k in x.subject}, [len(k["digest"]) for k in x.subject]
    if len(line) > 65_535 or not 1 <= len({*x.keys}) == len(x.keys) <= 16 or digests != [1] * (len(names) or 2) \
            or x.keys != [s["keyid"] for s in x.envelope["signatures"]] or bool(x.deployment) != ("deploymentSeq" in e):
        raise ValueError("a rule of sections 2 to 4")
    return x
def refs(value):
    if fits(value, "mention"): yield value["commit"]
    for v in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []: yield from refs(v)
class Deployment:
    count, need, opened, closed, machines, text = 0, -1, False, False, False, {"items": [], "text": {"commit": None}}
    def __init__(self, subject): self.subject, self.signed, self.holds, self.held = subject, {}, {}, set()
class Log:
    def __init__(self, lines, part):
        self.findings, self.unproven, self.entries, self.rosters, self.ids, self.known = [], [], [], [], set(), {}
        self.deployments, self.next, self.recorded, self.part, self.leaf = {}, 0, "", part, dict(enumerate(part or []))
        self.leaves, self.hashes = part or [sha256(b"\0" + line) for line in lines], []
        self.root = functools.cache(lambda size: root(self.leaves[:size]))
        for line in lines: self.entry(line)
        self.suspects()
    def check(self, seq, **rules):  # a finding for each rule that does not hold, by its code
        self.findings += [(seq, code.replace("_", "-")) for code, holds in rules.items() if not holds]
        return all(rules.values())
    def entry(self, line):
        at, leaf = self.next, sha256(b"\0" + line)
        try: x = parse(line)
        except (ValueError, RecursionError):
            self.next, _ = at + 1, self.leaf.setdefault(at, leaf)
            return self.check(at, malformed=False)
        if self.part is None: self.leaf.setdefault(x.seq, leaf)
        seen, before = x.seen or {"seq": -1, "leaf": None}, self.leaf.get(x.seq - 1, x.prev) if x.seq else "0" * 64
        if self.part is None: self.check(at, missing=x.seq <= at)
        self.check(
            x.seq, out_of_order=x.seq >= at, leaf=self.leaf.get(x.seq) == leaf, chain=before == x.prev,
            time=moment(x.time) - moment(x.recorded) <= datetime.timedelta(0, 120), id_repeated=x.id not in self.ids,
            seen=(x.seen is None) == (x.seq == 0) and seen["seq"] < x.seq, recorded=x.recorded >= self.recorded,
            seen_leaf=seen["seq"] >= x.seq or self.leaf.get(seen["seq"], seen["leaf"]) == seen["leaf"],
            order=(x.kind == "ledger-opened") == (x.seq == 0), body=x.fits or x.members is None,
            deployment=not x.members or x.kind == "opening-erased" or (x.cls == "G") == (x.deployment is None))
        self.next, self.recorded = max(at, x.seq + 1), max(x.recorded, self.recorded)
        self.entries.append(self.ids.add(x.id) or x)
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
        _, last, held = self.rosters[-1] if self.rosters else (None, None, {})
        try: keys = sound(after := brought(x, last, [keys for _, _, keys in self.rosters]))
        except ValueError: after, keys = None, {}
        if not self.signatures(x, self.known | keys) or not self.check(x.seq, roster=after): return
        name, before = sha256(jcs(after)), self.hashes[-1] if last else None
        follows = (last["version"] + 1, before, last["log"]) if last else (1, None, after["log"])
        if self.check(x.seq, not_authorised=governs(x, last or after, after, held or keys, keys), roster=x.roster ==
                      (before or name) and (after["version"], after.get("previous"), after["log"]) == follows,
                      subject=x.subject == [{"digest": {"sha256": name}, "name": after["log"]}]):
            *ids, now = [{p["id"] for p in r["people"]} for r in [*(r for _, r, _ in self.rosters), after]]
            back = {k for k in {*keys} & {*self.known} if k not in held or self.known[k][2]["id"] != keys[k][2]["id"]}
            self.check(x.seq, reused=not back and not now & set().union(*ids) - (ids or [now])[-1])
            self.rosters, self.known = self.rosters + [(x, after, keys)], keys | self.known
            self.hashes.append(name)
    def act(self, x):
        d, opens = self.deployments.setdefault(x.deployment, Deployment(x.subject)), x.kind == "deployment-opened"
        _, roster, keys = self.rosters[-1] if self.rosters else (0, {"people": [], "roles": {}, "separate": []}, {})
        self.signatures(x, self.known)
        body, who, authors = x.body if x.fits else {}, x.who, set()
        if x.deployment:
            must = x.cls == "D" or (x.kind, body.get("act"), body.get("to")) == ("traffic-shifted", "intended", "green")
            self.check(x.seq, deployment_seq=x.deploymentSeq == d.count, not_opened=d.opened or opens,
                       opened_twice=not (d.opened and opens), after_close=not d.closed or "!" in who,
                       subject=x.subject == d.subject, unseen=not must or x.seen is None or d.need <= x.seen["seq"],
                       count=x.kind != "deployment-closed" or body.get("entries") == d.count + 1)
            d.count, d.opened, d.closed = d.count + 1, d.opened or opens, d.closed or x.kind == "deployment-closed"
            if x.cls != "A": d.need = x.seq
        if body and opens: d.text, d.machines = body["checklist"], "machineRollback" in body["policy"]
        if body and x.kind == "checklist-amended": d.text = body["checklist"]
        gives = body["assignments"] if body and opens else [body] if body and x.kind == "roles-assigned" else []
        may = {(role, p["id"]) for p in roster["people"] for role in p["roles"] if p["kind"] == "person"}
        for a in gives:
            d.holds[a["role"]] = a["person"]
            d.held.add((a["role"], a["person"]))
            pairs = [{(role, a["person"]) for role in pair} for pair in roster["separate"] if a["role"] in pair]
            self.check(x.seq, separation=not any(pair <= d.held for pair in pairs))
        self.check(x.seq, separation=not gives or len(d.holds) >= len(gives) and may >= {*d.holds.items()})
        if body and x.kind == "item-signed":
            item = next((i for i in d.text["items"] if i["id"] == body["item"]), {"by": "none"})
            self.check(x.seq, item="by" not in item, checklist=body["checklist"] == d.text["text"]["commit"])
            who, d.signed[x.id] = ",".join(item.get("roles", "-")) + "+", (body["item"], x.people)
        if body and x.kind == "item-withdrawn":
            item, authors = d.signed.get(body["statement"], (None, set()))
            who, _ = "lead-deployer+", self.check(x.seq, withdrawal=item == body["item"])
        if body and x.kind == "opening-erased" and len(x.people) == 1:
            wrote = {person for y in self.entries if body["commit"] in refs(y.body) for person in y.people}
            self.check(x.seq, not_authorised=not x.people & wrote)
        if x.kind[:9] == "rollback-" and d.machines: who = "-*"
        roles, one, people = who.rstrip("+*!"), x.who.rstrip("+*!"), set()
        for s in x.signers if x.members else []:
            _, use, p = keys.get(s["key"], (b"", "", {"id": "", "kind": "", "roles": []}))
            people |= {p["id"]} if s["role"] == one else set()
            given = "+" not in who or d.holds.get(s["role"]) == p["id"]
            self.check(x.seq, not_authorised=use == "role" and s["role"] in p["roles"]
                       and (p["kind"] == "person" or "*" in who)
                       and (p["id"] in authors or given and (roles == "-" or s["role"] in roles.split(","))))
        self.check(x.seq, not_authorised=len(people) >= roster["roles"].get(one, {"threshold": 0})["threshold"],
                   roster=x.roster in self.hashes)
    def suspects(self):
        rotations = [x.body for x, _, _ in self.rosters if x.kind == "key-rotated"]
        for revoking in (x for x, _, _ in self.rosters if "compromisedFromSeq" in x.body):
            keys, first = {revoking.body["key"]}, revoking.body["compromisedFromSeq"]
            for each in rotations * len(rotations): keys |= {keyid(each["new"])} if each["old"] in keys else set()
            for x in self.entries: self.check(x.seq, key_suspect=x is revoking or x.seq < first or not keys & {*x.keys})
    def openings(self, files):
        erased = {x.body["commit"]: x.seq for x in self.entries if x.kind == "opening-erased" and x.fits}
        first = {commit: x.seq for x in reversed(self.entries) for commit in refs(x.body)}
        for commit, seq in first.items():
            gone, data = erased.get(commit, -1) >= seq, files.get(commit)
            self.check(seq, opening_missing=gone or data is not None, opening_not_erased=not gone or data is None,
                       opening_altered=data is None or sha256(data) == commit and len(data) >= 16)
        self.check(None, opening_stray=files.keys() <= first.keys())
    def text(self, size):  # of the checkpoint of that many entries, when there are as many
        origin, tree = self.rosters and self.rosters[0][1]["log"], base64.b64encode(bytes.fromhex(self.root(size)))
        return f"{origin}\n{size}\n{tree.decode()}\n".encode() if size <= len(self.leaves) else None
    def proven(self, file):  # whether a proof leads from its entry to a good checkpoint of this log
        try:
            at, path, note = notes.proof(file.name, file.read_bytes().decode())
            size, rules = self.holds(note)
        except (OSError, ValueError): return False
        return all({**rules, "cosignature": True}.values()) and at < size \
            and notes.climb(self.leaves[at], at, size, path) == self.root(size)
    def anchored(self, note):  # how many entries a checkpoint covers; 0 when it does not hold
        size, rules = self.holds(note)
        return self.check(None, **rules) and size
    def holds(self, note):  # the size that a checkpoint states, and what must hold of it
        (origin, size, tree, text, sigs), leaves = checkpoint(note), self.leaves
        trusted = dict(vkey(v, 1) for _, r, _ in self.rosters for v in r["logKeys"])
        watching = witnesses(["", *(r.get("witnessPolicy", "") for x, r, _ in self.rosters if x.seq < size)][-1])
        good = [signed(trusted[name], sig, text) for name, sig in sigs if name in trusted]
        message = [b"cosignature/v1\ntime %d\n%s" % (int.from_bytes(sig[:8], "big"), text) for _, sig in sigs]
        cosigned = [len(sig) == 72 and sig[0] < 128 and signed(watching[name], sig[8:], m)
                    for (name, sig), m in zip(sigs, message) if name in watching]
        return size, {"checkpoint": good and all(good), "cosignature": all(cosigned), "truncated": size <= len(leaves),
                      "checkpoint_origin": origin in [r["log"] for _, r, _ in self.rosters],
                      "checkpoint_root": size > len(leaves) or self.root(size) == tree}
def verify(folder, roster_sha256=None, checkpoint=None, tsa_roots=None):
    """The exit status; the findings, as (entry or None, code); why it is not proven."""
    folder, part, covers = pathlib.Path(folder), None, 0
    *lines, rest = (folder / "entries.jsonl").read_bytes().split(b"\n")
    leaves, own = folder / "leaves.txt", folder / "checkpoint"
    if leaves.exists(): part = re.findall("(.+)(?:\n|$)|\n", leaves.read_bytes().decode())
    if not fits(part or [], "[hash]"): raise ValueError("leaves.txt: a line is no leaf")
    log = Log(lines + [rest + b" "] * bool(rest), part)  # a line that does not end is malformed
    log.openings({f.name: f.read_bytes() for f in folder.glob("openings/*")})
    log.check(None, first_roster=roster_sha256 in [None, *log.hashes[:1]])
    try: own.exists() and log.anchored(own.read_bytes().decode())
    except ValueError: log.check(None, checkpoint=False)
    log.check(None, proof=all([log.proven(file) for file in folder.glob("proofs/*")]))
    log.check(None, export_key=all(notes.named(file.name, file.read_bytes()) for file in folder.glob("keys/*")))
    copies = [file.read_bytes() for file in folder.glob("roster.json")]
    log.check(None, export_roster=copies in ([], [jcs(r) + b"\n" for _, r, _ in log.rosters[-1:]]))
    trust = timestamps.roots(tsa_roots or [])
    times = [timestamps.judge(file.name, file.read_bytes(), trust, log.text) for file in folder.glob("timestamps/*")]
    log.check(None, **dict.fromkeys({*times} - {"holds", "untrusted"}, False))
    if checkpoint is not None: covers = log.anchored(pathlib.Path(checkpoint).read_bytes().decode())
    unclosed = part is not None and [d.closed for name, d in log.deployments.items() if name] != [True]
    why = log.unproven + ["no entry at all"] * (not lines) + ["no hash of the first roster"] * (roster_sha256 is None) \
        + [f"anchored up to {covers} entries"] * (covers < log.next) + ["not one closed deployment"] * unclosed \
        + ["the time"] * (tsa_roots is not None and {*times} != {"holds"})
    return 1 if log.findings else 4 if why else 0, log.findings, why
if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("folder", "--roster-sha256", "--checkpoint"): parser.add_argument(name)
    parser.add_argument("--tsa-roots", action="append")
    try: status, findings, why = verify(**vars(parser.parse_args()))
    except (OSError, ValueError) as error: parser.error(str(error))  # ends with 2
    sys.exit(print(*(f"entry {n}: {c}" for n, c in findings), *why, "VERIFIED"[8 * status:], sep="\n") or status)
