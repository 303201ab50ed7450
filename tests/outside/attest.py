"""Reads an export with nothing but the standard library: entries, statements, what was signed, the tree."""

import base64
import hashlib
import json


def pae(kind, payload):
    """What a DSSE signature is over."""
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)


class Entry:
    """One line of entries.jsonl."""

    def __init__(self, line):
        self.bytes = line
        self.leaf = hashlib.sha256(b"\0" + line).hexdigest()
        self.json = json.loads(line)
        self.seq = self.json["seq"]
        envelope = self.json["envelope"]
        self.payload = base64.b64decode(envelope["payload"], validate=True)
        self.signed = pae(envelope["payloadType"], self.payload)
        self.signatures = [(s["keyid"], base64.b64decode(s["sig"], validate=True)) for s in envelope["signatures"]]
        self.statement = json.loads(self.payload)
        self.predicate = self.statement["predicate"]
        self.body = self.predicate["body"]
        self.deployment = self.predicate.get("deployment")
        self.kind = self.statement["predicateType"].split("/")[-2]


def spoil(line):
    """The entry or envelope with one digit of its statement's time changed, so that all else still reads."""
    payload = json.loads(line).get("envelope", json.loads(line))["payload"].encode()
    changed = bytearray(base64.b64decode(payload))
    at = changed.index(b'"time":"2') + 30
    changed[at] = ord("0") + (changed[at] - ord("0") + 1) % 10
    return line.replace(payload, base64.b64encode(changed))


def entries(export):
    """Every entry of an export, in its order."""
    raw = (export / "entries.jsonl").read_bytes()
    assert raw.endswith(b"\n"), "entries.jsonl does not end with a newline"
    return [Entry(line) for line in raw[:-1].split(b"\n")]


def leaves(export):
    """The leaf of every entry of the log."""
    listed = export / "leaves.txt"
    if listed.exists():
        return listed.read_text().split()
    return [entry.leaf for entry in entries(export)]


def root(hashes):
    """The root of RFC 6962 over leaf hashes."""
    if len(hashes) == 1:
        return hashes[0]
    half = 1
    while half * 2 < len(hashes):
        half *= 2
    return hashlib.sha256(b"\1" + root(hashes[:half]) + root(hashes[half:])).digest()


class Checkpoint:
    """A signed note: origin, size, root, and its one signature."""

    def __init__(self, note):
        self.text, signature = note.split("\n\n")
        self.text += "\n"
        self.origin, size, hash64 = self.text.splitlines()
        self.size, self.root = int(size), base64.b64decode(hash64, validate=True)
        dash, self.name, blob = signature.rstrip("\n").split(" ")
        assert dash == "\N{EM DASH}", "not a signature line"
        blob = base64.b64decode(blob, validate=True)
        self.key_id, self.signature = blob[:4], blob[4:]


def log_keys(export):
    """The log keys of the newest roster in the entries: name, key id, 32 bytes."""
    rosters = [e.body["roster"] for e in entries(export) if e.kind in ("ledger-opened", "roster-changed")]
    found = []
    for text in rosters[-1]["logKeys"]:
        name, key_id, key = text.split("+", 2)
        raw = base64.b64decode(key, validate=True)
        assert raw[0] == 1, "not Ed25519"
        stated = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
        assert stated.hex() == key_id, "the key id is not of this name and key"
        found.append((name, stated, raw[1:]))
    return found
