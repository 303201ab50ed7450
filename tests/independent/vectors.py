#!/usr/bin/env python3
"""Holds verify.py against the outside vectors: vectors.py [format.json]. Exit 0 or 1."""
import base64
import json
import pathlib
import sys

import verify

DEFAULT = pathlib.Path(__file__).resolve().parents[1] / "vectors/format.json"
MESSAGE = b"DSSEv1 28 application/vnd.in-toto+json %d %s"


def fault(line, keys):
    """Why an entry is refused by itself or by its signatures; nothing where it is not."""
    try:
        x = verify.parse(line)
    except (ValueError, RecursionError) as error:
        return str(error) or "refused"
    payload = base64.b64decode(x.envelope["payload"])
    message = MESSAGE % (len(payload), payload)
    good = all(verify.signed(keys[s["keyid"]], base64.b64decode(s["sig"]), message) for s in x.envelope["signatures"])
    return "" if good else "a signature"


def main():
    vectors = json.loads(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else DEFAULT).read_text(encoding="utf-8"))
    keys, wrong, lines = {}, [], [case["entry"].encode() for case in vectors["entries"]]
    for each in vectors["keys"]:
        public = "".join(each["spki_pem"].split("\n")[1:-2])
        keys[verify.keyid({"public": public})] = verify.key(base64.b64decode(public)[12:])
        wrong += [] if each["keyid"] in keys else [f"the keyid {each['keyid']}"]
    for case, line in zip(vectors["entries"], lines):
        wrong += [f"a valid entry: {fault(line, keys)}"] if fault(line, keys) else []
        statement = case["statement"].encode()
        wrong += [] if (MESSAGE % (len(statement), statement)).hex() == case["pae"] else [f"the PAE of {case['leaf']}"]
    log = verify.Log(lines, None)
    wrong += [f"the leaf {case['leaf']}" for case, leaf in zip(vectors["entries"], log.leaves) if case["leaf"] != leaf]
    # No roster brings the vectors' keys: who may sign cannot be judged, and the vectors have no deployment that was opened.
    judged = {"key-unknown", "not-authorised", "no-roster", "roster", "not-opened", "order"}
    wrong += [f"entry {seq}: {code}" for seq, code in log.findings if code not in judged]
    wrong += [] if len(log.unproven) == len(lines) else [f"{len(log.unproven)} of {len(lines)} are not supported"]
    wrong += [f"accepted: {case['why']}" for case in vectors["refuse"] if not fault(case["entry"].encode(), keys)]
    roots = [verify.root(log.leaves[:size]) for size in range(len(vectors["tree"]["roots"]))]
    wrong += [f"the root of {size}" for size, root in enumerate(roots) if root != vectors["tree"]["roots"][size]]
    opening = bytes.fromhex(vectors["opening"]["salt"] + vectors["opening"]["bytes"])
    wrong += [] if verify.sha256(opening) == vectors["opening"]["commit"] else ["the opening"]
    name, raw = verify.vkey(vectors["checkpoint"]["vkey"], 1)
    origin, size, tree, text, sigs = verify.checkpoint(vectors["checkpoint"]["note"])
    right = (origin, size, tree) == (vectors["origin"], len(lines), roots[-1]) and verify.signed(raw, dict(sigs)[name], text)
    wrong += [] if right else ["the checkpoint"]
    print("\n".join(wrong) or f"{len(lines)} entries and {len(vectors['refuse'])} refusals are as they should be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
