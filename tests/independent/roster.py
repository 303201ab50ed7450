"""Rosters and who brings them: section 8 of docs/FORMAT.md; log keys: section 12."""
import json

from encoding import b64, jcs, key_of, need, public, sha, signed
from shapes import fits


def roster_hash(roster):
    return sha(jcs(roster).encode()).hexdigest()


def vkey(text, name=None, kind=1):
    parts = text.split("+", 2)
    need(len(parts) == 3 and parts[0] and name in (None, parts[0]), "vkey")
    name = parts[0]
    need(not any(c.isspace() or ord(c) < 32 or 127 <= ord(c) < 160 for c in name), "vkey")
    raw = b64(parts[2], 33)
    need(raw[0] == kind and sha(name.encode(), b"\n", raw).hexdigest()[:8] == parts[1], "vkey")
    return bytes.fromhex(parts[1]), public(raw[1:])


def policy(text):
    """Whether a witness policy can be read: section 12."""
    need(not any(c < " " and c not in "\t\n" or c == "\x7f" for c in text), "a control character in the policy")
    keys, names, members, quorums = [], [], [], 0
    for line in text.split("\n"):
        words = [word for word in line.replace("\t", " ").split(" ") if word]
        if not words or words[0].startswith("#"):
            continue
        kind, count = words[0], len(words)
        if kind == "log":
            need(count in (2, 3), "log line")
            keys.append(vkey(words[1])[1])
        elif kind == "witness":
            need(count in (3, 4), "witness line")
            keys.append(vkey(words[2], kind=4)[1])
            names.append(words[1])
        elif kind == "group":
            need(count >= 4 and all(name in names for name in words[3:]), "group line")
            k = {"any": "1", "all": str(count - 3)}.get(words[2], words[2])
            need(k.isascii() and k.isdigit() and k[0] != "0" and int(k) <= count - 3, "threshold of a group")
            members += words[3:]
            names.append(words[1])
        else:
            need(kind == "quorum" and count == 2 and words[1] in names + ["none"], "quorum line")
            quorums += 1
    need(quorums == 1 and "none" not in names, "quorum")
    need(all(len(set(each)) == len(each) for each in (keys, names, members)), "a key or name of the policy stands twice")


def sound(roster):
    """Its keys by id, each with its holder and use, when all of section 8 holds."""
    need(fits("roster", roster), "shape of the roster")
    if "witnessPolicy" in roster:
        policy(roster["witnessPolicy"])
    raws = [vkey(text, roster["log"])[1] for text in roster["logKeys"]]
    keys, people, roles = {}, [p["id"] for p in roster["people"]], roster["roles"]
    need(len(set(people)) == len(people), "a person stands twice")
    for person in roster["people"]:
        need(all(role in roles for role in person["roles"]), "an unknown role")
        machine = person["kind"] == "machine"
        need(all((role == "recorder") == machine for role in person["roles"]), "recorder is the role of machines")
        for key in person["keys"]:
            keyid, raw = key_of(key["public"])
            message = f"aether-audit key proof v1\n{roster['log']}\n{person['id']}\n{key['use']}\n".encode()
            need(signed(raw, message, b64(key["proof"], 64)), f"the proof of {person['id']}'s key")
            need(not (machine and key["use"] == "root"), "a machine with a root key")
            keys[keyid] = (raw, person, key["use"])
            raws.append(raw)
    need(len(set(raws)) == len(raws), "a key stands twice")
    holders = {person["id"] for _, person, use in keys.values() if use == "root"}
    need(1 <= roster["rootThreshold"] <= len(holders), "rootThreshold")
    need(all(rule["threshold"] >= 1 for rule in roles.values()) and "root" not in roles, "roles")
    need(all(a != b and a in roles and b in roles for a, b in roster["separate"]), "separate")
    return keys


def roots(keys):
    return {keyid: person["id"] for keyid, (_, person, use) in keys.items() if use == "root"}


def quorum(roster, keys, signers):
    people = {roots(keys)[key] for key in signers if key in roots(keys)}
    need(len(people) >= roster["rootThreshold"], "no quorum of root keys")


def changed(old, old_keys, new, keys, signers):
    """The rule of roster-changed, and of whatever a person may not do alone."""
    need(all(key in roots(keys) or key in roots(old_keys) for key in signers), "a signer without a root key")
    quorum(old, old_keys, signers)
    if (old["rootThreshold"], roots(old_keys)) != (new["rootThreshold"], roots(keys)):
        quorum(new, keys, signers)


def next_roster(kind, body, before, signers, holders):
    """The roster after a governance entry, with its keys, if its signers may bring it. holders: of every key so far."""
    if kind == "ledger-opened":
        new, keys = body["roster"], sound(body["roster"])
        need(new["version"] == 1 and "previous" not in new and all(key in roots(keys) for key in signers), "the first roster")
        quorum(new, keys, signers)
        return new, keys
    need(before, "there is no roster before it")
    old, old_keys = before
    if kind == "roster-changed":
        new, keys = body["roster"], sound(body["roster"])
        need(new["log"] == old["log"], "log")
        changed(old, old_keys, new, keys, signers)
    else:
        new = json.loads(json.dumps(old))
        new.update(version=old["version"] + 1, previous=roster_hash(old))
        gone = body["old" if kind == "key-rotated" else "key"]
        people = [person for person in new["people"] if person["id"] == body["person"]]
        at = [i for person in people for i, key in enumerate(person["keys"]) if key_of(key["public"])[0] == gone]
        need(at or kind == "key-revoked" and gone not in old_keys and holders.get(gone) == body["person"], "the person does not hold the key")
        root = gone in roots(old_keys)
        if kind == "key-rotated":
            need(body["new"]["use"] == people[0]["keys"][at[0]]["use"], "the key's use")
            people[0]["keys"][at[0]] = body["new"]
            own = not root and signers == [gone, key_of(body["new"]["public"])[0]]
        else:
            if at:
                del people[0]["keys"][at[0]]
            own = not root and len(signers) == 1 and signers[0] in old_keys and old_keys[signers[0]][1]["id"] == body["person"]
        keys = sound(new)
        if not own:
            changed(old, old_keys, new, keys, signers)
    need(new["version"] == old["version"] + 1 and new.get("previous") == roster_hash(old), "it does not follow the one before")
    return new, keys
