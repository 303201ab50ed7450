#!/usr/bin/env python3
"""Holds the independent verifier against the outside vectors: vectors.py [format.json]. Exit 0 or 1."""
import json
import os
import sys

from encoding import Bad, key_of, sha, signed
from roster import vkey
from verify import Walk, checkpoint, parse, root

DEFAULT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "vectors", "format.json")


def faults(entry, keys):
    """Why an entry is refused by itself, or by its signatures."""
    try:
        _, s, _, pae, sigs = parse(entry)
    except Bad as error:
        return str(error)
    good = all(signed(keys[signer["key"]], pae, sig) for signer, sig in zip(s["predicate"]["signers"], sigs))
    return "" if good else "a signature"


def main():
    with open(sys.argv[1] if len(sys.argv) > 1 else DEFAULT, encoding="utf-8") as file:
        vectors = json.load(file)
    keys = dict(key_of("".join(key["spki_pem"].split("\n")[1:-2])) for key in vectors["keys"])
    wrong, walk = [], Walk(None)
    for case in vectors["entries"]:
        entry = case["entry"].encode()
        walk.take(entry)
        _, _, _, pae, _ = parse(entry)
        wrong += [f"a valid entry: {faults(entry, keys)}"] if faults(entry, keys) else []
        wrong += [f"the leaf or PAE of {case['leaf']}"] if walk.leaves[-1] != case["leaf"] or pae.hex() != case["pae"] else []
    # No roster brings the vectors' keys: that every signer is unknown and nobody can be judged is all that may be found.
    wrong += [f"entry {seq}: {text}" for seq, text in walk.findings if "unknown key" not in text and "no roster" not in text]
    wrong += [f"{len(walk.unsupported)} unsupported"] if len(walk.unsupported) != len(vectors["entries"]) else []
    wrong += [f"accepted: {case['why']}" for case in vectors["refuse"] if not faults(case["entry"].encode(), keys)]
    leaves = [bytes.fromhex(leaf) for leaf in walk.leaves]
    wrong += [f"the root of {n}" for n, stated in enumerate(vectors["tree"]["roots"]) if root(leaves[:n]).hex() != stated]
    opening = bytes.fromhex(vectors["opening"]["salt"] + vectors["opening"]["bytes"])
    wrong += ["the opening"] if sha(opening).hexdigest() != vectors["opening"]["commit"] else []
    key, note = vkey(vectors["checkpoint"]["vkey"], vectors["origin"]), vectors["checkpoint"]["note"]
    wrong += ["the checkpoint"] if checkpoint(note, [key], vectors["origin"]) != (len(leaves), root(leaves)) else []
    print("\n".join(wrong) or f"{len(leaves)} entries and {len(vectors['refuse'])} refusals are as they should be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
