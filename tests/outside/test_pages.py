"""The pages that people look at, in Chromium: accessible, self-contained, at every width, in light, dark and print."""

import unittest

import pages
import stage


class Tools(unittest.TestCase):
    def test_they_see_planted_faults(self):
        saw = pages.look("planted.mjs")
        rules = {fault["rule"] for fault in pages.grave(saw["faults"])}
        self.assertLessEqual({"color-contrast", "html-has-lang", "image-alt"}, rules)
        self.assertIn("http://127.0.0.1:9/picture.png", saw["seen"]["requests"])
        self.assertIn("Error: thrown on purpose", saw["seen"]["errors"])


class Report(unittest.TestCase):
    def seen(self):
        """Every record there is, with what its page looks like."""
        for name, (record, _) in stage.records().items():
            yield name, record / "report.html", pages.look("report.mjs", record / "report.html")

    def test_everybody_can_read_it_everywhere(self):
        for name, file, ways in self.seen():
            for way in ("light", "dark", "phone"):
                with self.subTest(name, way=way):
                    saw = ways[way]
                    self.assertEqual(saw["faults"], [])
                    self.assertLessEqual(saw["beyond"]["by"], 0, saw["beyond"])
                    self.assertEqual(saw["beyond"]["what"], [])
                    self.assertEqual(saw["cut"], [])
            with self.subTest(name, way="asks for nothing"):
                for saw in ways.values():
                    self.assertEqual((saw["requests"], saw["errors"]), ([file.resolve().as_uri()], []))
            with self.subTest(name, way="without scripts"):
                self.assertEqual(ways["plain"]["text"], ways["light"]["text"])
            with self.subTest(name, way="on paper"):
                self.assertGreater(min(ways["light"]["A4"], ways["light"]["Letter"]), 20_000)
