"""A second writer, made from docs/FORMAT.md: it makes logs that are rightly signed and may be wrong in any other way."""
import base64
import copy
import os

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from verify import jcs, root, sha256

SPKI, TYPE = bytes.fromhex("302a300506032b6570032100"), "application/vnd.in-toto+json"
ORIGIN = "example.com/audit/crafted"
SOURCE = [{"digest": {"gitCommit": "0" * 40}, "name": "source"}]


def digest(*parts):
    return bytes.fromhex(sha256(b"".join(parts)))


def roster_hash(roster):
    return sha256(jcs(roster))


def key(name):
    """The key of this name, always the same: these logs protect nothing."""
    return Ed25519PrivateKey.from_private_bytes(digest(name.encode()))


def raw(name):
    return key(name).public_key().public_bytes_raw()


def keyid(name):
    return sha256(SPKI + raw(name))


def text64(data):
    return base64.b64encode(data).decode()


def roster_key(name, person, use):
    message = f"aether-audit key proof v1\n{ORIGIN}\n{person}\n{use}\n".encode()
    return {"proof": text64(key(name).sign(message)), "public": text64(SPKI + raw(name)), "use": use}


def person(name, *roles, keys=None, kind="person"):
    return {"id": name, "keys": keys or [roster_key(name, name, "role")], "kind": kind, "roles": list(roles)}


def note_id():
    return digest(ORIGIN.encode(), b"\n\1", raw("log"))[:4]


def first_roster():
    alice = [roster_key("alice.root", "alice", "root"), roster_key("alice", "alice", "role")]
    names = ["comms-lead", "custodian", "lead-deployer", "qa-engineer", "recorder"]
    return {
        "log": ORIGIN, "version": 1, "rootThreshold": 1, "logKeys": [f"{ORIGIN}+{note_id().hex()}+{text64(bytes([1]) + raw('log'))}"],
        "people": [person("alice", "lead-deployer", "custodian", keys=alice), person("bob", "comms-lead", "custodian"),
                   person("carol", "qa-engineer"), person("ci", "recorder", kind="machine")],
        "roles": {name: {"threshold": 1} for name in names}, "separate": [["lead-deployer", "qa-engineer"]],
    }


def note_text(leaves):
    return f"{ORIGIN}\n{len(leaves)}\n{text64(bytes.fromhex(root(leaves)))}\n"


def signed_note(leaves):
    text = note_text(leaves)
    return f"{text}\n\u2014 {ORIGIN} {text64(note_id() + key('log').sign(text.encode()))}\n"


def audit_path(at, leaves):
    """From the leaf's sibling up to the root's child (RFC 6962 section 2.1.1)."""
    if len(leaves) < 2:
        return []
    k = 1 << (len(leaves) - 1).bit_length() - 1
    near, far, at = (leaves[:k], leaves[k:], at) if at < k else (leaves[k:], leaves[:k], at - k)
    return [*audit_path(at, near), root(far)]


def proof(at, leaves, note):
    path = "".join(text64(bytes.fromhex(one)) + "\n" for one in audit_path(at, leaves))
    return f"c2sp.org/tlog-proof@v1\nindex {at}\n{path}\n{note}".encode()


class Log:
    """Entries and openings, from entry 0 on. Keyword arguments put something else in the place of what is right."""

    def __init__(self, roster=None, **wrong):
        self.lines, self.openings, self.counts, self.checklist, self.left_out = [], {}, {}, None, None
        self.beside, self.tsa_roots = {}, None
        self.roster = roster or first_roster()
        self.first = roster_hash(self.roster)
        self.add("ledger-opened", {"roster": self.roster}, [("alice.root", "root")], **wrong)

    def ref(self, text):
        opening = digest(text.encode(), bytes([len(self.openings)]))[:16] + text.encode()
        commit = sha256(opening)
        self.openings[commit] = opening
        return {"commit": commit, "mediaType": "text/plain"}

    def clock(self):
        return f"2026-07-03T02:{len(self.lines) // 60:02d}:{len(self.lines) % 60:02d}.000Z"

    def add(self, kind, body, signers, deployment=None, *, after=None, seen=-1, subject=None, recorded=None, **wrong):
        """Appends one statement and gives its id."""
        place = len(self.lines)
        held = roster_hash(self.roster)
        predicate = {"body": body, "id": f"{place:032x}", "log": ORIGIN, "roster": held, "time": self.clock(),
                     "signers": [{"key": keyid(name), "role": role} for name, role in signers]}
        if place:
            seq = range(place)[seen]
            predicate["seen"] = {"leaf": sha256(b"\0" + self.lines[seq]), "seq": seq}
        if deployment:
            predicate["deployment"] = deployment
        predicate.update(wrong)
        self.roster = after or self.roster
        governance = [{"digest": {"sha256": roster_hash(self.roster)}, "name": ORIGIN}]
        payload = jcs({"_type": "https://in-toto.io/Statement/v1", "predicate": predicate, "predicateType": f"https://project-aether.io/audit/{kind}/v1",
                       "subject": subject or (SOURCE if deployment else governance)})
        pae = f"DSSEv1 {len(TYPE)} {TYPE} {len(payload)} ".encode() + payload
        signatures = [{"keyid": keyid(name), "sig": text64(key(name).sign(pae))} for name, _ in signers]
        entry = {"envelope": {"payload": text64(payload), "payloadType": TYPE, "signatures": signatures}, "seq": place,
                 "prev": sha256(b"\0" + self.lines[-1]) if place else "0" * 64, "recorded": recorded or self.clock()}
        if deployment:
            entry["deploymentSeq"] = self.counts.get(deployment, 0)
            self.counts[deployment] = entry["deploymentSeq"] + 1
        self.lines.append(jcs(entry))
        return predicate["id"]

    def next_roster(self, change):
        roster = copy.deepcopy(self.roster)
        roster.update(version=roster["version"] + 1, previous=roster_hash(self.roster))
        change(roster)
        return roster

    def opened(self, who="alice", subject=None, deployment="d1", **other):
        held = {"lead-deployer": "alice", "comms-lead": "bob", "qa-engineer": "carol"}
        if "checklist" not in other:
            other["checklist"] = {"items": [{"id": "a", "phase": "p", "roles": ["lead-deployer"]}, {"id": "b", "phase": "p", "roles": ["qa-engineer"]}],
                                  "phases": [{"id": "p", "from": "T-2h", "to": "T-0"}], "text": self.ref("- [ ] a\n")}
        self.checklist = other["checklist"]["text"]["commit"]
        body = {"assignments": [{"person": name, "role": role} for role, name in held.items()], "checks": [], "environment": "prod",
                "policy": {"coverage": "95", "standbyMinutes": 60, "verificationMinutes": 60}, "release": "v1", "services": ["app"],
                "type": "normal"}
        return self.add("deployment-opened", {**body, **other}, [(who, "lead-deployer")], deployment, subject=subject)

    def write(self, folder, left_out=None):
        """The export, a part of it where entries are left out, and a checkpoint over all of it beside the folder."""
        os.makedirs(os.path.join(folder, "openings"))
        with open(os.path.join(folder, "entries.jsonl"), "wb") as file:
            file.writelines(line + b"\n" for place, line in enumerate(self.lines) if place not in (left_out or ()))
        for commit, opening in self.openings.items():
            with open(os.path.join(folder, "openings", commit), "wb") as file:
                file.write(opening)
        leaves = [sha256(b"\0" + line) for line in self.lines]
        if left_out is not None:
            with open(os.path.join(folder, "leaves.txt"), "w", encoding="ascii") as file:
                file.writelines(leaf + "\n" for leaf in leaves)
        with open(folder + ".checkpoint", "w", encoding="utf-8") as file:
            file.write(note := signed_note(leaves))
        for name, make in self.beside.items():
            os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
            with open(os.path.join(folder, name), "wb") as file:
                file.write(make(leaves, note))
        if self.tsa_roots is not None:
            with open(folder + ".roots", "wb") as file:
                file.write(self.tsa_roots)
