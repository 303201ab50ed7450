"""sha256sum and a second RFC 6962 tree judge the hashes of an export."""

import pathlib
import re
import subprocess
import unittest

import attest
import stage


def sha256sum(folder, names):
    """What sha256sum says of files, by name."""
    found = {}
    for at in range(0, len(names), 500):
        done = subprocess.run(
            ["sha256sum", "--", *names[at : at + 500]], cwd=folder, capture_output=True, timeout=60, check=True
        )
        for line in done.stdout.decode().splitlines():
            found[line[66:]] = line[:64]
    return found


def leaves_by_sha256sum(export):
    """The leaf of every entry by its seq: SHA-256 of a zero byte and the line."""
    folder = stage.folder() / f"leaves-{next(stage.copies())}"
    folder.mkdir()
    for line in (export / "entries.jsonl").read_bytes()[:-1].split(b"\n"):
        seq = re.search(rb',"seq":(\d+)}$', line)[1].decode()
        (folder / seq).write_bytes(b"\0" + line)
    found = sha256sum(folder, [path.name for path in folder.iterdir()])
    return {int(seq): leaf for seq, leaf in found.items()}


def wrong_leaves(export):
    """Where the chain, `seen` or leaves.txt name another leaf than sha256sum does."""
    found, listed, wrong = leaves_by_sha256sum(export), attest.leaves(export), []
    for entry in attest.entries(export):
        if listed[entry.seq] != found[entry.seq]:
            wrong.append(f"leaves.txt, {entry.seq}")
        before = listed[entry.seq - 1] if entry.seq else "0" * 64
        if entry.json["prev"] != before or entry.json["prev"] != found.get(entry.seq - 1, before):
            wrong.append(f"prev of {entry.seq}")
        seen = entry.predicate.get("seen")
        if (seen is None) != (entry.seq == 0):
            wrong.append(f"seen of {entry.seq}")
        if seen and (seen["seq"] >= entry.seq or found.get(seen["seq"], listed[seen["seq"]]) != seen["leaf"]):
            wrong.append(f"seen of {entry.seq}")
    return wrong


def referred(value):
    """Every opening that a body refers to."""
    if isinstance(value, dict):
        if value.keys() == {"commit", "mediaType"}:
            yield value["commit"]
        for inner in value.values():
            yield from referred(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from referred(inner)


def wrong_openings(export):
    """Openings whose name is not their SHA-256, that are missing, or that nothing refers to."""
    here = [path.name for path in (export / "openings").iterdir()]
    wrong = [name for name, digest in sha256sum(export / "openings", here).items() if name != digest]
    wanted = {commit for entry in attest.entries(export) for commit in referred(entry.body)}
    return wrong + sorted(wanted.symmetric_difference(here))


def wrong_root(export):
    """Whether the checkpoint's size or root is not that of the leaves."""
    note = attest.Checkpoint((export / "checkpoint").read_text())
    hashes = [bytes.fromhex(leaf) for leaf in attest.leaves(export)]
    return note.size != len(hashes) or note.root != attest.root(hashes)


class Hashes(unittest.TestCase):
    def test_sha256sum_reproduces_every_leaf(self):
        for name, export in stage.exports().items():
            with self.subTest(name):
                self.assertEqual(wrong_leaves(export), [])

    def test_sha256sum_reproduces_the_name_of_every_opening(self):
        for name, export in stage.exports().items():
            with self.subTest(name):
                self.assertEqual(wrong_openings(export), [])
                self.assertTrue(any((export / "openings").iterdir()))

    def test_a_second_tree_has_the_checkpoints_root(self):
        for name, export in stage.exports().items():
            with self.subTest(name):
                self.assertFalse(wrong_root(export))

    def test_a_flipped_byte_in_an_entry_shows_in_chain_and_root(self):
        export = stage.quickstart() / "out"
        spoilt = stage.copy(export)
        at = (spoilt / "entries.jsonl").read_bytes().index(b'"recorded":"2') + 33
        stage.flip(spoilt / "entries.jsonl", at)
        self.assertIn("prev of 1", wrong_leaves(spoilt))
        self.assertTrue(wrong_root(spoilt))

    def test_a_flipped_byte_in_any_opening_shows(self):
        export = stage.quickstart() / "out"
        for path in sorted((export / "openings").iterdir()):
            spoilt = stage.copy(export)
            stage.flip(spoilt / "openings" / path.name, path.stat().st_size // 2)
            self.assertEqual(wrong_openings(spoilt), [path.name])

    def test_a_missing_leaf_shows(self):
        export = next(path for path in stage.exports().values() if (path / "leaves.txt").exists())
        spoilt = stage.copy(export)
        listed = (spoilt / "leaves.txt").read_text().splitlines(keepends=True)
        pathlib.Path(spoilt / "leaves.txt").write_text("".join(listed[:-1]))
        self.assertTrue(wrong_root(spoilt))
