#!/usr/bin/env python3
"""Holds two verifiers against each other over damaged exports: mutate.py AETHER_AUDIT [--cases N] [--seed S]. Exit 0 or 1.

The damage is done by chance, by somebody with a text editor, and by somebody who holds every key: they sign what they changed,
chain it again, make the roster's hash anew and a checkpoint over it, so that only the rules are left to find it.
"""
import argparse
import base64
import collections
import copy
import functools
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import beside
import compare
import timestamps
import verify
from writer import ORIGIN, Log, digest, key, keyid, note_id, note_text, raw, text64

HERE = pathlib.Path(__file__).resolve().parent
EXAMPLE = HERE.parents[1] / "records/example"
SIGNERS = {keyid(name): name for name in (
    "alice", "alice.root", "bob", "bob.root", "bob2", "carol", "ci", "mallory")}
# The findings of rules that verify.py says in its head it leaves to the program.
LEFT = {"gate-go", "gate-sign", "gate-all-clear", "gate-close", "outcome", "override",
        "reading-check", "reading-source", "reading-verdict", "reading-query"}


def story(log):
    """A deployment with most kinds of entries, a rotated key, a revoked one, and another deployment beside it."""
    log.opened(checklist={
        "items": [{"id": "a", "phase": "p", "roles": ["lead-deployer"]}, {"id": "b", "phase": "p", "roles": ["qa-engineer"]}],
        "phases": [{"from": "T-2h", "id": "p", "to": "T-0"}], "text": log.ref("- [ ] a\n")})
    for step in (
        compare.signs("a", compare.LEAD), compare.note(),
        compare.erases([("alice", "custodian")]),
        compare.rotates("bob", "bob", "bob2", compare.COMMS, ("bob2", "comms-lead")),
        compare.signs("b", compare.QA),
        compare.does("message-sent", lambda log: {**compare.MESSAGE, "text": log.ref("soon")}, ("bob2", "comms-lead")),
        lambda log: log.opened(deployment="d2"),
        compare.does("rollback-triggered", {"trigger": "manual"}, compare.QA),
        compare.does("traffic-shifted", {"act": "observed", "percent": 0, "service": "app", "to": "green"}, compare.CI),
        lambda log: log.add("item-withdrawn", {"item": "a", "reason": log.ref("no"), "statement": f"{2:032x}"}, [compare.LEAD], "d1"),
        compare.takes("bob", "comms-lead", compare.LEAD),
        compare.revokes("bob", "bob", compare.ROOT, compromisedFromSeq=9),
        compare.decides("no-go"), compare.closes(12),
        compare.does("review-recorded", lambda log: {"text": log.ref("well")}, compare.CI),
        compare.changes(compare.second_root, compare.ROOT),
    ):
        step(log)


def cosignature(name, text):
    vkey = b"\4" + raw(name)
    number = digest(f"{name}.example\n".encode(), vkey)[:4]
    signature = key(name).sign(b"cosignature/v1\ntime 1780000000\n" + text.encode())
    return f"\u2014 {name}.example {text64(number + (1780000000).to_bytes(8, 'big') + signature)}\n"


def checkpoint(leaves):
    text = note_text(leaves)
    own = f"\u2014 {ORIGIN} {text64(note_id() + key('log').sign(text.encode()))}\n"
    return f"{text}\n{own}{cosignature('w1', text)}".encode()


class Export:
    """An export in memory: files by name, and what the caller brings."""

    def __init__(self, files, handed, anchor, roots=None):
        self.files, self.handed, self.anchor, self.roots = dict(files), handed, anchor, roots

    def lines(self):
        return self.files["entries.jsonl"].split(b"\n")[:-1]

    def put(self, lines):
        self.files["entries.jsonl"] = b"".join(line + b"\n" for line in lines)

    def write(self, folder):
        """Makes the folder hold this export; what stands there already is not written again."""
        there = WRITTEN.setdefault(folder, {})
        wanted = {f"export/{name}": data for name, data in self.files.items()} | {"checkpoint": self.anchor}
        wanted |= {} if self.roots is None else {"roots.pem": self.roots}
        for name in there.keys() - wanted.keys():
            (folder / name).unlink()
        for name, data in wanted.items():
            if there.get(name) != data:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(data)
        WRITTEN[folder] = wanted


WRITTEN = {}


def crafted(part):
    log = Log(compare.witnessed(compare.W1 + "quorum w1\n"))
    story(log)
    leaves = [verify.sha256(b"\0" + line) for line in log.lines]
    left_out = {seq for seq, line in enumerate(log.lines) if part and predicate(line).get("deployment") == "d2"}
    kept = [line for seq, line in enumerate(log.lines) if seq not in left_out]
    commits = {commit for line in kept for commit in verify.refs(predicate(line)["body"])}
    files = {f"openings/{commit}": opening for commit, opening in log.openings.items() if commit in commits}
    export = Export({**files, "checkpoint": checkpoint(leaves), "roster.json": verify.jcs(log.roster) + b"\n"}, log.first, checkpoint(leaves))
    if part:
        export.files["leaves.txt"] = "".join(f"{leaf}\n" for leaf in leaves).encode()
    for public in (key["public"] for person in log.roster["people"] for key in person["keys"]):
        export.files[f"keys/{verify.sha256(base64.b64decode(public))}.pub.pem"] = (
            f"-----BEGIN PUBLIC KEY-----\n{public}\n-----END PUBLIC KEY-----\n".encode())
    export.put(kept)
    beside.put(export, leaves)
    return export


def predicate(line):
    return json.loads(base64.b64decode(json.loads(line)["envelope"]["payload"]))["predicate"]


def example(path):
    files = {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file() and file.suffix != ".md"}
    return Export(files, (EXAMPLE / "roster.sha256").read_text().strip(), (EXAMPLE / "checkpoint").read_bytes())


# Chance and text editors


def flips(rng, export):
    name = rng.choice([*export.files, "entries.jsonl"])
    data = bytearray(export.files[name])
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    export.files[name] = bytes(data)


def flips_anchor(rng, export):
    data = bytearray(export.anchor)
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    export.anchor = bytes(data)


def moves_lines(rng, export):
    name = rng.choice(["entries.jsonl", "entries.jsonl", "entries.jsonl", "checkpoint", *({"leaves.txt"} & export.files.keys())])
    lines = export.files[name].split(b"\n")[:-1]
    here, there = rng.randrange(len(lines)), rng.randrange(len(lines))
    what = rng.randrange(6)
    if what == 0:
        del lines[here]
    elif what == 1:
        lines.insert(there, lines[here])
    elif what == 2:
        lines[here], lines[there] = lines[there], lines[here]
    elif what == 3:
        del lines[here:]
    elif what == 4:
        lines.insert(here, b"")
    else:
        lines[here:] = lines[here:][::-1]
    export.files[name] = b"".join(line + b"\n" for line in lines)


def cuts(rng, export):
    name = rng.choice([*export.files, "entries.jsonl", "checkpoint"])
    data = export.files[name]
    export.files[name] = data[:rng.randrange(len(data))] if rng.randrange(2) else data + bytes([rng.choice(b"\n x{\0\xff")])


def edits_openings(rng, export):
    names = [name for name in export.files if name.startswith("openings/")]
    name, what = rng.choice(names), rng.randrange(4)
    if what == 0:
        del export.files[name]
    elif what == 1:
        export.files[name] = bytes(15)
    elif what == 2:
        stray = rng.randbytes(20)
        export.files[f"openings/{verify.sha256(stray)}"] = stray
    else:
        export.files[name] = export.files[rng.choice(names)]


def edits_checkpoint(rng, export):
    """Of the export, or the caller's."""
    data = (export.files["checkpoint"] if rng.randrange(2) else export.anchor).decode()
    lines = data.split("\n")
    what, at = rng.randrange(7), rng.randrange(len(lines))
    if what == 0:
        lines[1] = str(int(lines[1]) + rng.choice([-2, -1, 1, 2, 10**18]))
    elif what == 1:
        lines[1] = rng.choice(["0", "00", "-1", "+5", "", "1e3", "9" * 30])
    elif what == 2:
        lines.insert(at, lines[at])
    elif what == 3:
        lines[at] = lines[at].swapcase()
    elif what == 4:
        lines.insert(-1, lines[-2].replace(" ", " x", 1) if " " in lines[-2] else "x")
    elif what == 5:
        lines[0] += rng.choice(["x", " ", "/"])
    else:
        lines[-2] = lines[-2][:-4] + rng.choice(["AAAA", "AA==", "", "===="])
    export.files["checkpoint"] = "\n".join(lines).encode()
    if rng.randrange(2):
        export.anchor = export.files["checkpoint"]


def signs_other_checkpoint(rng, export):
    """A log key that signs for fewer entries, for other ones, or without the witness; a witness that signs something else."""
    leaves = [verify.sha256(b"\0" + line) for line in export.lines()]
    leaves = export.files["leaves.txt"].decode().split() if "leaves.txt" in export.files else leaves
    what, made = rng.randrange(4), checkpoint(leaves)
    if what == 0:
        made = checkpoint(leaves[:rng.randrange(len(leaves) + 1)])
    elif what == 1:
        made = checkpoint([*leaves, *rng.sample(leaves, 3)])
    elif what == 2:
        made = b"\n".join(made.split(b"\n")[:-2]) + b"\n"
    else:
        lines = made.decode().split("\n")
        lines[-2] = cosignature("w1", "another text\n")[:-1]
        made = "\n".join(lines).encode()
    if rng.randrange(2):
        export.anchor = made
    else:
        export.files["checkpoint"] = made


# Somebody who holds every key


def places(value, path=()):
    """The path of every value inside."""
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, name)
        yield from places(inner, (*path, name))


def other(rng, value, pool):
    """Something else in the place of a value: what stands elsewhere, its neighbour, or another type."""
    choice = rng.randrange(8)
    if isinstance(value, bool) or choice == 0:
        return rng.choice([True, False, 0, 1, "", [], {}, "x", 2**53 - 1, 1.5, None])
    if isinstance(value, int):
        return value + rng.choice([-1, 1, 2, -value, 2**53])
    if isinstance(value, str):
        same = [text for text in pool if len(text) == len(value) and text != value]
        return rng.choice(same) if same and choice < 5 else rng.choice(pool) if choice < 7 else value[:-1]
    if isinstance(value, list):
        changed = list(value)
        if not changed or choice < 3:
            changed += changed[:1] or ["x"]
        elif choice < 6:
            del changed[rng.randrange(len(changed))]
        else:
            changed.reverse()
        return changed
    if isinstance(value, dict) and choice < 4:
        return {**value, rng.choice(["extra", "deployment", "seen", "reason"]): rng.choice(["x", 1, {}])}
    return {name: inner for name, inner in value.items() if name != rng.choice([*value, ""])} if isinstance(value, dict) else value


def texts(value):
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from texts(inner)


def plain(value):
    """JCS where the names of members are ASCII; a fraction or a null as JSON writes it."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def signed_again(export, edit, rng):
    """Every statement read, edited, signed and chained again, with a checkpoint over the result."""
    entries = [json.loads(line) for line in export.lines()]
    statements = [json.loads(base64.b64decode(entry["envelope"]["payload"])) for entry in entries]
    edit(entries, statements)
    anew = dict(enumerate(export.files["leaves.txt"].decode().split())) if "leaves.txt" in export.files else {}
    rosters, lines, places_of = {}, [], {}
    for place, (entry, statement) in enumerate(zip(entries, statements)):
        held = statement.get("predicate") if isinstance(statement.get("predicate"), dict) else {}
        if isinstance(held.get("roster"), str):
            held["roster"] = rosters.get(held["roster"], held["roster"])
        seen, seq = held.get("seen"), entry.get("seq")
        if isinstance(seen, dict) and seen.get("seq") in places_of and seen.get("leaf") == places_of[seen["seq"]][0]:
            seen["leaf"] = places_of[seen["seq"]][1]
        payload = plain(statement)
        pae = b"DSSEv1 28 application/vnd.in-toto+json %d " % len(payload) + payload
        signers = held.get("signers")
        named = [SIGNERS[k["key"]] for k in signers if k["key"] in SIGNERS]
        entry["envelope"] |= {"payload": text64(payload), "signatures": [
            {"keyid": keyid(name), "sig": text64(key(name).sign(pae))} for name in named]}
        if place and entry.get("prev") == places_of.get(entries[place - 1].get("seq"), ("",))[0]:
            entry["prev"] = places_of[entries[place - 1]["seq"]][1]
        line = plain(entry)
        old = verify.sha256(b"\0" + export.lines()[place]) if place < len(export.lines()) else ""
        places_of[seq] = old, verify.sha256(b"\0" + line)
        if isinstance(seq, int):
            anew[seq] = places_of[seq][1]
        lines.append(line)
    export.put(lines)
    leaves = [anew[seq] for seq in sorted(anew)]
    if "leaves.txt" in export.files:
        export.files["leaves.txt"] = "".join(f"{leaf}\n" for leaf in leaves).encode()
    else:
        leaves = [verify.sha256(b"\0" + line) for line in lines]
    export.anchor = export.files["checkpoint"] = checkpoint(leaves)
    beside.put(export, leaves)


def resigns(rng, export):
    def edit(entries, statements):
        at = rng.randrange(len(entries))
        pool = sorted({text for statement in statements for text in texts(statement) if len(text) < 200})
        what = rng.randrange(8)
        if what == 0:
            root, paths = entries[at], [("seq",), ("recorded",), ("deploymentSeq",), ("prev",)]
        elif what == 1:
            root, paths = statements[at], [path for path in places(statements[at]) if path[:2] != ("predicate", "body")]
        elif what == 2:
            root = statements[at]["predicate"]
            root["signers"] = copy.deepcopy(rng.choice(statements)["predicate"]["signers"])
            return
        elif what == 3:
            root = statements[at]["predicate"]
            root["seen"] = copy.deepcopy(rng.choice(statements[:at + 1])["predicate"].get("seen", root.get("seen", {})))
            return
        elif what == 4:
            root, paths = statements[at]["predicate"], [("signers", 0, "role"), ("signers", 0, "key"), ("time",), ("id",), ("roster",), ("deployment",)]
        else:
            root, paths = statements[at]["predicate"], list(places(statements[at]["predicate"]["body"], ("body",)))
        if not paths:
            return
        path = rng.choice(paths)
        for name in path[:-1]:
            root = root[name]
        if rng.randrange(6) == 0 and isinstance(root, dict):
            root.pop(path[-1], None)
        else:
            root[path[-1]] = other(rng, root[path[-1]] if not isinstance(root, dict) or path[-1] in root else "x", pool)
    signed_again(export, edit, rng)


def reorders_signed(rng, export):
    """Entries left out, doubled or exchanged, and all numbers made right again."""
    def edit(entries, statements):
        here, there = rng.randrange(1, len(entries)), rng.randrange(1, len(entries))
        if rng.randrange(2):
            del statements[here], entries[here]
        else:
            statements[here], statements[there] = statements[there], statements[here]
        counts = collections.Counter()
        for seq, (entry, statement) in enumerate(zip(entries, statements)):
            entry["seq"], deployment = seq, statement["predicate"].get("deployment")
            entry.pop("deploymentSeq", None)
            if deployment:
                entry["deploymentSeq"] = counts[deployment]
                counts[deployment] += 1
    if "leaves.txt" in export.files:
        return resigns(rng, export)
    return signed_again(export, edit, rng)


DAMAGE = {flips: 3, flips_anchor: 1, moves_lines: 3, cuts: 1, edits_openings: 1, edits_checkpoint: 2, signs_other_checkpoint: 2,
          resigns: 12, reorders_signed: 2, **beside.DAMAGE}


def damaged(case_seed, bases):
    """What was done to which export by a seed, and the result. What JSON cannot say is drawn again."""
    rng = random.Random(case_seed)
    while True:
        damage = rng.choices([*DAMAGE], [*DAMAGE.values()])[0]
        name = rng.choice([*bases]) if damage in (flips, flips_anchor, moves_lines, edits_openings) else rng.choice(["whole", "part"])
        export = copy.copy(bases[name])
        export.files = dict(export.files)
        try:
            damage(rng, export)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            continue
        return damage.__name__, name, export


def judged(program, folder, export):
    """Exit status and findings of the program, and of verify.py."""
    export.write(folder)
    anchors = ["--roster-sha256", export.handed, "--checkpoint", str(folder / "checkpoint")]
    roots = [str(folder / "roots.pem")] if export.roots is not None else None
    anchors += ["--tsa-roots", *roots] if roots else []
    done = subprocess.run([program, "-q", "-o", "json", "verify", str(folder / "export"), *anchors], capture_output=True, check=False, cwd=folder)
    found = json.loads(done.stdout)["findings"] if done.stdout else []
    try:
        status, own, _ = timestamps.verify(folder / "export", export.handed, folder / "checkpoint", roots)
    except (OSError, ValueError):
        status, own = 2, []
    return (done.returncode, {(f.get("seq"), f["code"]) for f in found}), (status, set(own))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument("--only", type=int, help="run this one case of the seed and show everything")
    args = parser.parse_args()
    for name in ("parse", "decode", "signed"):  # the same bytes come again and again
        setattr(verify, name, functools.lru_cache(50_000)(getattr(verify, name)))
    bases = {"whole": crafted(False), "part": crafted(True), "example": example(EXAMPLE / "v2.14.0/export")}
    wrong, left, tally = [], collections.Counter(), collections.Counter()
    with tempfile.TemporaryDirectory() as temporary:
        for number in [args.only] if args.only is not None else range(-len(bases), args.cases):
            name = [*bases][number] if number < 0 else ""
            what, name, export = ("nothing", name, bases[name]) if number < 0 else damaged(f"{args.seed}/{number}", bases)
            (status, found), (own_status, own) = judged(args.program.resolve(), pathlib.Path(temporary, name), export)
            if args.only is not None:
                print(what, status, sorted(found, key=str), own_status, sorted(own, key=str), sep="\n")
            tally[what, status] += 1
            codes = {code for _, code in found}
            if number < 0 and (status, own_status) != (0, 0):
                wrong.append(f"an honest export: aether-audit {status} {found}, verify.py {own_status} {own}")
            elif status == 1 and own_status != 1 and codes and codes <= LEFT:
                left.update(codes)
            elif status != own_status:
                wrong.append(f"case {number}, {what} of {name}: aether-audit {status} {sorted(found, key=str)}, verify.py {own_status} {sorted(own, key=str)}")
    print(f"seed {args.seed}")
    for (what, status), count in sorted(tally.items()):
        print(f"  {what}: {count} end with {status}")
    for code, count in sorted(left.items()):
        print(f"  left to the program: {code}, {count}")
    print("\n".join(wrong[:20]))
    print(f"{args.cases - len(wrong)} of {args.cases} damaged exports are judged alike")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
