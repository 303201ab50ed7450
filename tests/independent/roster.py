"""Rosters and who brings them: section 8 of docs/FORMAT.md; log keys: section 12."""
import json

from encoding import b64, jcs, key_of, need, public, sha, signed
from shapes import fits


def roster_hash(roster):
    return sha(jcs(roster).encode()).hexdigest()


def vkey(text, name):
    parts = text.split("+", 2)
    need(len(parts) == 3 and parts[0] == name, "vkey")
    raw = b64(parts[2], 33)
    need(raw[0] == 1 and sha(name.encode(), b"\n", raw).hexdigest()[:8] == parts[1], "vkey")
    return bytes.fromhex(parts[1]), public(raw[1:])


def sound(roster):
    """Its keys by id, each with its holder and use, when all of section 8 holds."""
    need(fits("roster", roster), "shape of the roster")
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
