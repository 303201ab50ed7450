"""`aether.toml`: the program, docs/CONFIG.md and the JSON Schema for editors know the same keys and refuse the same mistakes."""

import copy
import functools
import json
import re
import subprocess
import tomllib
import unittest

import jsonschema
import stage

SCHEMA = json.loads((stage.ROOT / "templates/aether.schema.json").read_text())
JUDGE = jsonschema.Draft7Validator(SCHEMA)
ORIGIN = "example.com/audit/prod"
MORE = "# More that can stand here:"
WRONG = {"string": 7, "integer": "seven", "boolean": "yes", "array": 7, "object": 7}


def toml(value):
    """A value as TOML, tables and all in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def said(text):
    """What the program says of a configuration: nothing where it takes it."""
    folder = stage.folder() / "config"
    folder.mkdir(exist_ok=True)
    (folder / "aether.toml").write_text(text)
    done = subprocess.run(
        ["aether-audit", "init", "--origin", ORIGIN, "--as", "alice", "--dry-run", "--keys", folder / "keys"], cwd=folder,
        env=stage.environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=stage.SECONDS, check=False,
    )
    error = done.stderr.decode()
    assert done.returncode == 0 or (done.returncode == 2 and "aether.toml:" in error), error
    return "" if done.returncode == 0 else error


def written(document):
    return "".join(f"{key} = {toml(value)}\n" for key, value in document.items())


@functools.cache
def page():
    """Each section of CONFIG.md by its header in the file: its rows by key, and its examples."""
    sections = {}
    for part in re.split(r"^## ", (stage.ROOT / "docs/CONFIG.md").read_text(), flags=re.M)[1:]:
        header = re.match(r"`(\[.+\])`", part)[1]
        table = part.split("| key | type | default | meaning |", 1)[1].split("\n\n", 1)[0]
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line.startswith("| `")]
        examples = re.findall(r"^```toml\n(.*?)^```", part, flags=re.M | re.S)
        assert rows and examples, header
        sections[header] = ({row[0].strip("`"): row for row in rows}, examples)
    return sections


def schema_of(header):
    """The part of the schema for a section."""
    node = SCHEMA
    for name in header.strip("[]").split("."):
        node = node["properties"][name]
        node = node.get("items", node)
    return node


def program_knows(header):
    """The keys of a section, as the program lists them to whoever writes one that it does not know."""
    above = '[[check]]\nid = "a"\nsource = "file"\n' if header.startswith("[check.") else ""
    text = said(f'[log]\norigin = "{ORIGIN}"\n{above}{header}\nno-key-is-called-so = 1\n' if header != "[log]" else f"{header}\nno-key-is-called-so = 1\n")
    known = re.search(r"known here: (.*)", text)
    return known[1].split(", ")


def documents():
    """Every example of the page, whole."""
    for header, (_, examples) in page().items():
        for text in examples:
            yield header, {"log": {"origin": ORIGIN}, **tomllib.loads(text)}


def spots(node, value, path=()):
    """Each key of a document with what the schema says of it, and the way to it."""
    if isinstance(value, list) and "items" in node and node["items"].get("type") == "object":
        for index, one in enumerate(value):
            yield from spots(node["items"], one, (*path, index))
    elif isinstance(value, dict) and "properties" in node:
        for key, one in value.items():
            yield (*path, key), node["properties"][key], key in node.get("required", [])
            yield from spots(node["properties"][key], one, (*path, key))


def changed(document, path, value=None, key=None):
    """A copy with another value at a place; renamed with `key`; without it where neither is given."""
    document = copy.deepcopy(document)
    node = document
    for step in path[:-1]:
        node = node[step]
    if key is not None:
        node[key] = node.pop(path[-1])
    elif value is not None:
        node[path[-1]] = value
    else:
        del node[path[-1]]
    return document


class Keys(unittest.TestCase):
    def test_program_page_and_schema_know_the_same(self):
        for header, (rows, _) in page().items():
            with self.subTest(header):
                self.assertEqual(sorted(rows), sorted(program_knows(header)))
                self.assertEqual(sorted(rows), sorted(schema_of(header)["properties"]))
                needed = sorted(key for key, row in rows.items() if row[2] == "needed")
                self.assertEqual(needed, sorted(schema_of(header).get("required", [])))
        listed = re.search(r"known here: (.*)", said("no-key-is-called-so = 1\n"))[1].split(", ")
        on_page = {header.strip("[]").split(".")[0] for header in page()}
        self.assertEqual(sorted(on_page), sorted(listed))
        self.assertEqual(sorted(on_page), sorted(SCHEMA["properties"]))

    def test_the_schema_has_the_page_s_words(self):
        for header, (rows, _) in page().items():
            for key, (_, kind, default, meaning) in rows.items():
                with self.subTest(f"{header} {key}"):
                    node = schema_of(header)["properties"][key]
                    self.assertEqual(node["description"], meaning)
                    if "default" in node:
                        self.assertEqual(default, f"`{json.dumps(node['default'])}`")
                    if node.get("type") == "integer":
                        self.assertEqual(kind, f"number, {node['minimum']} to {node['maximum']}")

    def test_each_key_has_an_example(self):
        for header, (rows, examples) in page().items():
            text = "\n".join(examples)
            for key in rows:
                shown = re.search(rf"^{re.escape(key)} = |^\[check\.{re.escape(key)}\]", text, flags=re.M)
                self.assertTrue(shown or f"[check.{key}]" in page(), f"{header} has no example of {key}")


class Schema(unittest.TestCase):
    def test_it_is_one(self):
        jsonschema.Draft7Validator.check_schema(SCHEMA)

    def test_the_default_file_is_valid_also_with_its_examples(self):
        project = stage.empty("config-default")
        stage.run(["aether-audit", "init", "--origin", ORIGIN, "--as", "alice", "--dry-run"], project)
        text = (stage.quickstart() / "aether.toml").read_text()
        self.assertEqual(text.splitlines()[0], "#:schema ./templates/aether.schema.json")
        self.assertEqual(json.loads((stage.quickstart() / "templates/aether.schema.json").read_text()), SCHEMA)
        JUDGE.validate(tomllib.loads(text))
        kept, examples = text.split(MORE)
        uncommented = "\n".join(line.removeprefix("#").removeprefix(" ") for line in examples.splitlines())
        checks = tomllib.loads(uncommented)["check"]
        self.assertGreater(len(checks), 10)
        JUDGE.validate(tomllib.loads(f"{kept}\n{uncommented}"))
        # Above them, every commented line that is TOML by itself is a section's header or one of its keys.
        above = kept.split("# A check names a source")[0]
        lines = [line.removeprefix("# ") for line in above.splitlines() if re.match(r"# (\[|[a-z-]+ = )", line)]
        sections = "\n".join(lines[lines.index("[github]"):])
        found = tomllib.loads("\n".join(re.findall(r"^\[\[?[a-z]+\]\]?$|^[a-z-]+ = .*$", sections, flags=re.M)))
        self.assertLessEqual({"github", "http", "archive", "database", "traffic", "dns", "slack", "webhook"}, set(found))
        JUDGE.validate({"log": {"origin": ORIGIN}, **found})

    def test_every_example_passes_both(self):
        for header, document in documents():
            with self.subTest(header):
                self.assertEqual(said(written(document)), "")
                JUDGE.validate(document)

    def test_every_mistake_is_refused_by_both(self):
        tried = set()
        for header, document in documents():
            for path, node, needed in spots(SCHEMA, document):
                named = tuple(step for step in path if isinstance(step, str))
                if named in tried:
                    continue
                tried.add(named)
                mistakes = [changed(document, path, key=f"{path[-1]}x")]
                mistakes.append(changed(document, path, WRONG[node.get("type", "array")]))
                if node.get("type") == "integer":
                    mistakes += [changed(document, path, node[end] + by) for end, by in (("minimum", -1), ("maximum", 1))]
                if "enum" in node:
                    mistakes.append(changed(document, path, "no-such-word"))
                if needed:
                    mistakes.append(changed(document, path))
                # With periods under five minutes 14 days are the most.
                for end in ("minimum", "maximum") if node.get("type") == "integer" and path[-1] != "baseline-days" else ():
                    within = said(written(changed(document, path, node[end])))
                    self.assertNotIn("out of range", within, f"{header} {named}")
                    self.assertNotIn("not an exit code", within, f"{header} {named}")
                for mistake in mistakes:
                    with self.subTest(f"{header} {'.'.join(named)}", mistake=mistake):
                        self.assertNotEqual(said(written(mistake)), "", "the program takes it")
                        self.assertFalse(JUDGE.is_valid(mistake), "the schema takes it")
        self.assertGreater(len(tried), 100)

    def test_a_key_of_another_source_is_refused_by_both(self):
        checks = [(one, document) for _, document in documents() for one in document.get("check", [])]
        keys = {key: one[key] for one, _ in checks for key in one if key not in ("id", "source")}
        of_metrics = {"alarms", "on-fail"} | {"namespace", "metric", "dimensions", "statistic", "divide-by"}
        tried = 0
        for check, document in checks:
            for key, value in keys.items():
                node = SCHEMA["properties"]["check"]["items"]
                taken = next(one["then"]["propertyNames"]["enum"] for one in node["allOf"] if one["if"]["properties"]["source"]["const"] == check["source"])
                if key in taken:
                    continue
                tried += 1
                other = {**document, "check": [{**check, key: value}]}
                with self.subTest(f"{key} of {check['source']}"):
                    self.assertIn("is no key of a check of source", said(written(other)))
                    self.assertFalse(JUDGE.is_valid(other))
        self.assertGreater(tried, 100)
        self.assertLess(of_metrics, set(keys))

    def test_the_page_lists_what_each_source_takes(self):
        text = (stage.ROOT / "docs/CONFIG.md").read_text()
        table = dict(re.findall(r"^\| `([a-z-]+)` \| ((?:`[a-z-]+`(?:, )?)+) \|$", text.split("| source | keys |")[1], flags=re.M))
        node = SCHEMA["properties"]["check"]["items"]
        self.assertEqual(sorted(table), sorted(node["properties"]["source"]["enum"]))
        for one in node["allOf"]:
            keys = set(re.findall(r"`([a-z-]+)`", table[one["if"]["properties"]["source"]["const"]]))
            self.assertLess(keys, set(one["then"]["propertyNames"]["enum"]))
            self.assertEqual(len(set(one["then"]["propertyNames"]["enum"]) - keys), 6)
