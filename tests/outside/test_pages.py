"""The pages that people look at, in Chromium: accessible, self-contained, at every width, in light, dark and print."""

import unittest

import pages


class Tools(unittest.TestCase):
    def test_they_see_planted_faults(self):
        saw = pages.look("planted.mjs")
        rules = {fault["rule"] for fault in pages.grave(saw["faults"])}
        self.assertLessEqual({"color-contrast", "html-has-lang", "image-alt"}, rules)
        self.assertIn("http://127.0.0.1:9/picture.png", saw["seen"]["requests"])
        self.assertIn("Error: thrown on purpose", saw["seen"]["errors"])
