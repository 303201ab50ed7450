"""A second verifier of aether-audit exports, from docs/FORMAT.md alone (it reads section 18): encodings, bodies, keys,
signatures, chain, tree, leaves.txt, rosters, who may, openings, checkpoints, cosignatures, proofs, how deployments
open and close. LEFT TO THE PROGRAM: gates, overrides, outcome, readings (11); groups and quorum of a witness policy;
keys that are no point of prime order; one entry alone; signed reports; notices. TO timestamps.py: RFC 3161 tokens."""
import argparse, base64, datetime, functools, hashlib, json, pathlib, re, sys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/FORMAT.md"
WORDS, SHAPES, KINDS = [
    {name: row[1:] for row in map(str.split, block.replace("\n ", " ").splitlines()) for name in row[0].split(",")}
    for block in re.findall("(?s)```text\n(.*?)```", PAGE.read_text("utf-8").split("\n## 18. ")[1])]
NAME, B64, BASE64 = r"[^\s+\x00-\x1f\x7f-\x9f]+", "[A-Za-z0-9+/]", WORDS["base64"][1]
HASH, NUMBER = B64 + "{42}[AEIMQUYcgkosw048]=", "(0|[1-9][0-9]{0,15})"
PROOF = rf"c2sp\.org/tlog-proof@v1\n(?:extra {BASE64}\n)?index {NUMBER}\n((?:{HASH}\n){{0,64}})\n((?s:.+))"
b64, moment = base64.b64decode, lambda time: datetime.datetime.fromisoformat(time[:-1])
sha256, keyid = lambda data: hashlib.sha256(data).hexdigest(), lambda k: sha256(b64(k["public"]))
# Sections 1, 5 and 18: members, one encoding, the tree
def fits(value, word):
    if many := re.fullmatch(r"([\[{])(.+)[\]}](\+|\d*)(:\w*)?", word):
        mark, inner, most, by = many.groups()
        if type(value) is not {"[": list, "{": dict}[mark]: return False
        each = value if mark == "[" else [*value.values()]
        return all(fits(v, inner) for v in each) and (mark == "[" or all(fits(name, "token") for name in value)) \
            and (not most or 1 <= len(each) <= int(most.replace("+", "65535"))) \
            and (not by or len({v[by[1:]] if by[1:] else v for v in each}) == len(each))
    if word in SHAPES: return shaped(value, SHAPES[word])
    if "|" in word: return any(fits(value, one) for one in word.split("|"))
    if word not in WORDS: return word == "any" or (value is True if word == "true" else value == word)
    most, *pattern = WORDS[word]
    if not pattern: return type(value) is int and int(most.split("..")[0]) <= value <= int(most.split("..")[1])
    try: return re.fullmatch(*pattern, value) and len(value.encode()) <= int(most) and (word != "time" or moment(value))
    except (TypeError, ValueError): return False
def shaped(value, members):
    names = {m[0].rstrip("?"): m for m in (member.split("=", 1) for member in members)}
    return isinstance(value, dict) and value.keys() <= names.keys() \
        and all(fits(value[n], word) if n in value else at[-1] == "?" for n, (at, word) in names.items())
def ordered(value, depth=0):
    if depth > 64 or type(value) in (float, type(None)) or type(value) is int and abs(value) >= 2**53: raise ValueError
    if isinstance(value, list): return [ordered(v, depth + 1) for v in value]
    names = sorted(value, key=lambda name: name.encode("utf-16-be")) if isinstance(value, dict) else ()
    return {name: ordered(value[name], depth + 1) for name in names} if isinstance(value, dict) else value
jcs = lambda value: json.dumps(ordered(value), ensure_ascii=False, separators=(",", ":")).encode()
def decode(data, shape):
    value = json.loads(data.decode())
    if jcs(value) != data or not fits(value, shape): raise ValueError(f"not RFC 8785, or no {shape}")
    return value
def node(left, right): return sha256(b"\1" + bytes.fromhex(left + right))
def root(leaves):
    if len(leaves) < 2: return leaves[0] if leaves else sha256(b"")
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return node(root(leaves[:k]), root(leaves[k:]))
# Section 7: Ed25519, and of what `cryptography` does not refuse: small order, and y that is not canonical
P, D = 2**255 - 19, -121665 * pow(121666, -1, 2**255 - 19) % (2**255 - 19)
def key(raw):  # the 32 bytes, when they may be a key
    y = int.from_bytes(raw, "little") % 2**255
    if y >= P or y in (0, 1, P - 1) or (D * y**4 + 2 * y * y - 1) % P == 0: raise ValueError("small, or not canonical")
    return raw
def signed(raw, signature, message):
    try: return not Ed25519PublicKey.from_public_bytes(raw).verify(signature, message) and key(signature[:32]) != b""
    except (InvalidSignature, ValueError): return False
def named(name, data):  # whether a file of a public key is the one of its name
    text = data[27:87].decode("ascii", "replace")
    return data == b"-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n" % data[27:87] \
        and fits(text, "public") and name == sha256(b64(text)) + ".pub.pem"
# Sections 12 and 13: notes and proofs
def vkey(text, type):  # (name, key id), the 32 bytes
    match = re.fullmatch(rf"({NAME})\+([0-9a-f]{{8}})\+({B64}{{44}})", text)
    raw = b64(match[3]) if match else b"none"
    if raw[0] != type or match[2] != sha256(match[1].encode() + b"\n" + raw)[:8]: raise ValueError("no vkey")
    return (match[1], match[2]), key(raw[1:])
def checkpoint(note):  # origin, size, root, the text that is signed, and ((name, key id), the rest) of each line
    head, _, tail = note.rpartition("\n\n")
    if not re.fullmatch(rf"(?:— {NAME} (?=[^=\n]{{7}}){BASE64}\n){{1,100}}", tail) or len(note.encode()) > 262_144 \
            or re.search("[\\x00-\\x09\\x0b-\\x1f]", note): raise ValueError("no signed note")
    text = re.fullmatch(rf"({NAME})\n{NUMBER}\n({HASH})", head) or ["", "", 0, ""]
    sigs = [((name, b64(sig)[:4].hex()), b64(sig)[4:]) for name, sig in re.findall(f"— ({NAME}) (.*)\n", tail)]
    return text[1], int(text[2]), b64(text[3]).hex(), (head + "\n").encode(), sigs
def witnesses(policy):
    return dict(vkey(text, 4) for text in re.findall("(?m)^[ \t]*witness[ \t]+[^ \t\n]+[ \t]+([^ \t\n]+)", policy))
def climb(leaf, at, size, path):  # the root that an audit path leads to; "" where it is too short or too long
    if size < 2 or not path: return leaf if size == 1 and not path else ""
    k = 1 << (size - 1).bit_length() - 1
    below = climb(leaf, at % k, k if at < k else size - k, path[:-1])
    return below and (node(below, path[-1]) if at < k else node(path[-1], below))
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
    if len(once) < len(held) + len(notes) or "root" in roles or roster["rootThreshold"] > len(holders) \
            or any(name != log for (name, _), _ in notes) \
            or not all(len(pair) == 2 and {*pair} <= roles for pair in roster["separate"]) \
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
    x.known, (x.cls, x.who, *members) = x.kind in KINDS, KINDS.get(x.kind, ("A", "-*!"))
    x.fits = x.known and shaped(x.body, members)
    if len(line) > 65_535 or x.keys != [s["keyid"] for s in x.envelope["signatures"]] \
            or bool(x.deployment) != ("deploymentSeq" in e): raise ValueError("a rule of sections 2 to 4")
    return x
def refs(value):
    if shaped(value, ["commit=hash", "mediaType=text"]): yield value["commit"]
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
        if self.part is None: self.leaf.setdefault(x.seq, leaf), self.check(at, missing=x.seq <= at)
        seen, before = x.seen or {"seq": -1, "leaf": None}, self.leaf.get(x.seq - 1, x.prev) if x.seq else "0" * 64
        self.check(
            x.seq, out_of_order=x.seq >= at, leaf=self.leaf.get(x.seq) == leaf, chain=before == x.prev,
            time=moment(x.time) - moment(x.recorded) <= datetime.timedelta(0, 120), id_repeated=x.id not in self.ids,
            seen=(x.seen is None) == (x.seq == 0) and seen["seq"] < x.seq, recorded=x.recorded >= self.recorded,
            seen_leaf=seen["seq"] >= x.seq or self.leaf.get(seen["seq"], seen["leaf"]) == seen["leaf"],
            order=(x.kind == "ledger-opened") == (x.seq == 0), body=x.fits or not x.known,
            deployment=not x.known or x.kind == "opening-erased" or (x.cls == "G") == (x.deployment is None))
        self.next, self.recorded = max(at, x.seq + 1), max(x.recorded, self.recorded)
        self.entries.append(self.ids.add(x.id) or x)
        self.unproven += [f"entry {x.seq}: the kind {x.kind} is not supported"] * (not x.known)
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
        self.check(x.seq, separation=not gives or may >= {*d.holds.items()},
                   opened=not opens or sum("gitCommit" in s["digest"] for s in x.subject) == 1)
        if body and x.kind == "item-signed":
            item = next((i for i in d.text["items"] if i["id"] == body["item"]), {"by": "none"})
            self.check(x.seq, item="by" not in item, checklist=body["checklist"] == d.text["text"]["commit"])
            who, d.signed[x.id] = ",".join(item.get("roles", "-")) + "+", (body["item"], x.people)
        if body and x.kind == "item-withdrawn":
            item, authors = d.signed.get(body["statement"], (None, set()))
            who, _ = "lead-deployer+", self.check(x.seq, withdrawal=item == body["item"])
        if c := body.get("covers"): self.check(x.seq, covers=c["seq"] < x.seq and self.leaf.get(c["seq"]) == c["leaf"])
        if body and x.kind == "opening-erased" and len(x.people) == 1:
            wrote = {person for y in self.entries if body["commit"] in refs(y.body) for person in y.people}
            self.check(x.seq, not_authorised=not x.people & wrote)
        if x.kind[:9] == "rollback-" and d.machines: who = "-*"
        roles, one, people = who.rstrip("+*!"), x.who.rstrip("+*!"), set()
        for s in x.signers if x.known else []:
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
    def proven(self, file):  # whether a proof leads from its entry to a good checkpoint of this log
        try: size, rules = self.holds((match := re.fullmatch(PROOF, file.read_bytes().decode()))[3])
        except (OSError, TypeError, ValueError): return False
        at, path = int(match[1]), [b64(line).hex() for line in match[2].split()]
        return all({**rules, "cosignature": True}.values()) and at < size and file.name == match[1] + ".tlog-proof" \
            and climb(self.leaves[at], at, size, path) == self.root(size)
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
def read(folder):
    *lines, rest = (folder / "entries.jsonl").read_bytes().split(b"\n")
    leaves = folder / "leaves.txt"
    part = re.findall("(.+)(?:\n|$)|\n", leaves.read_bytes().decode()) if leaves.exists() else None
    if not fits(part or [], "[hash]"): raise ValueError("leaves.txt: a line is no leaf")
    return Log(lines + [rest + b" "] * bool(rest), part)  # a line that does not end is malformed
def verify(folder, roster_sha256=None, checkpoint=None):  # status; findings, as (entry or None, code); why not proven
    folder = pathlib.Path(folder)
    log, own, covers = read(folder), folder / "checkpoint", 0
    log.openings({f.name: f.read_bytes() for f in folder.glob("openings/*")})
    log.check(None, first_roster=roster_sha256 in [None, *log.hashes[:1]])
    try: own.exists() and log.anchored(own.read_bytes().decode())
    except ValueError: log.check(None, checkpoint=False)
    log.check(None, proof=all([log.proven(file) for file in folder.glob("proofs/*")]))
    log.check(None, export_key=all(named(file.name, file.read_bytes()) for file in folder.glob("keys/*")))
    copies = [file.read_bytes() for file in folder.glob("roster.json")]
    log.check(None, export_roster=copies in ([], [jcs(r) + b"\n" for _, r, _ in log.rosters[-1:]]))
    if checkpoint is not None: covers = log.anchored(pathlib.Path(checkpoint).read_bytes().decode())
    unclosed = log.part is not None and [d.closed for name, d in log.deployments.items() if name] != [True]
    why = log.unproven + ["no entry at all"] * (not log.next) + ["no first roster to hold"] * (roster_sha256 is None) \
        + [f"anchored up to {covers} entries"] * (covers < log.next) + ["not one closed deployment"] * unclosed
    return 1 if log.findings else 4 if why else 0, log.findings, why
def main(parser, judge):
    for name in ("folder", "--roster-sha256", "--checkpoint"): parser.add_argument(name)
    try: status, findings, why = judge(**vars(parser.parse_args()))
    except (OSError, ValueError) as error: parser.error(str(error))  # ends with 2
    sys.exit(print(*(f"entry {n}: {c}" for n, c in findings), *why, "VERIFIED"[8 * status:], sep="\n") or status)
if __name__ == "__main__": main(argparse.ArgumentParser(description=__doc__), verify)
