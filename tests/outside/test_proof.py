"""Report pages check themselves, in Chromium and by `verify`: whoever changes anything in them is found by both."""

import json
import re
import subprocess
import unittest

import crowded
import pages
import spoilt
import stage
from shell import play

MUTATIONS = 260
OPENED = """
export AETHER_AUDIT_PASSPHRASE=correct-horse AETHER_AUDIT_KEYS=$PWD/private AETHER_AUDIT_AS=alice
aether-audit init --origin example.com/audit/prod
for who in bob carol; do aether-audit key new $who; done
aether-audit key enroll bob --role comms-lead && aether-audit key enroll carol --role qa-engineer
aether-audit open v3 --commit 0123456789abcdef0123456789abcdef01234567 --lead-deployer alice --comms-lead bob --qa-engineer carol --checklist plan.md
"""
TRIGGERS = OPENED + """
aether-audit record traffic-shifted --service web --to green --percent 100 --act done
aether-audit record rollback-triggered --trigger business --reason "people cannot pay"
aether-audit record rollback-triggered --trigger error-rate
aether-audit rollback --reason "they really cannot" --trigger manual --yes
aether-audit record rollback-finished --outcome failed
aether-audit rollback --reason "once more" --trigger database --yes
aether-audit record rollback-step --step revert-traffic --service web --act done
aether-audit record rollback-finished --outcome complete
aether-audit record rollback-triggered --trigger security --reason "and now this"
aether-audit report
"""
TITLES = r"""
- [ ] It's **done**, _really_; p95 < 500 ms & error_rate > 1 % (see #12)!
- [ ] Run `kubectl get -l 'a<b>&amp;' pods` and ``echo `id` `` <!-- id: run -->
- [ ] Read [the *plan*](https://x.example/a(b)c "t"), [not a link][nowhere] and ![a picture](p.png)
- [ ] Write to <ops@x.example>, press <kbd>Ctrl</kbd>&nbsp;+&nbsp;C, \*not\* C:\dir \`quoted\` &copy; &nope; ~~old~~<br>
- [ ] An annotation over two lines <!-- id: two;
  roles: lead-deployer -->
- [ ] `of`
  two lines
- [ ] 日本 — “ready” 2 * 3 = 6 \
- [ ] !?
"""

def said(wanted):
    """What pages say of themselves, in order."""
    listed = stage.folder() / "pages.json"
    listed.write_text(json.dumps(wanted))
    return pages.look("proof.mjs", listed)


def verify(page, *arguments):
    """`verify` of a page; gives its exit status and what it found."""
    argv = ["aether-audit", "-q", "verify", str(page), "-o", "json", *arguments]
    done = subprocess.run(argv, env=stage.environment(), capture_output=True, timeout=stage.SECONDS, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class Honest(unittest.TestCase):
    def test_every_page_verifies_once_the_first_roster_is_known(self):
        records = {name: record for name, record in stage.records().items() if not name.startswith("example")}
        wanted = [
            {"file": str(folder / "report.html"), "roster": stage.roster_sha256(name)}
            for name, (folder, _) in records.items()
        ]
        for name, saw in zip(records, said(wanted)):
            with self.subTest(name):
                # Of a record that is not closed nobody knows what came after.
                closed = json.loads((records[name][0] / "report.json").read_text())["summary"].get("closed")
                self.assertEqual((saw["state"], saw["errors"], saw["requests"]), ("verified" if closed else "not-proven", [], []), saw)
                self.assertIn("rows were checked", saw["why"])

    def test_a_row_of_every_sort_verifies(self):
        page = crowded.home() / "records/v2/report.html"
        roster = (crowded.home() / "keys/roster.sha256").read_text().strip()
        (saw,) = said([{"file": str(page), "roster": roster}])
        self.assertEqual((saw["state"], saw["errors"], saw["requests"]), ("verified", [], []), saw)
        text = page.read_text()
        for sort in ("moment", "approval", "act", "rollback", "reading", "attachment", "message", "note"):
            self.assertIn(f'data-r="{sort}"', text)

    def test_rollbacks_one_after_another_and_a_trigger_that_nobody_answers(self):
        project = stage.empty("triggers")
        (project / "plan.md").write_text("# Plan\n\nNothing to tick.\n")
        play(TRIGGERS, project)
        page = project / "records/v3/report.html"
        text = page.read_text().partition("<script")[0]
        self.assertEqual((text.count("No rollback followed."), text.count('<ol class="steps">')), (1, 3))
        (saw,) = said([{"file": str(page), "roster": (project / "keys/roster.sha256").read_text().strip()}])
        self.assertEqual((saw["state"], saw["errors"]), ("not-proven", []), saw)
        self.assertIn("rows were checked. The record is not closed", saw["why"])

    def test_titles_in_any_markup_hold_and_none_of_their_signs_may_change(self):
        project = stage.empty("titles")
        (project / "plan.md").write_text(TITLES)
        play(OPENED + "aether-audit sign run && aether-audit sign item-001 && aether-audit report\n", project)
        page, roster = project / "records/v3/report.html", (project / "keys/roster.sha256").read_text().strip()
        text = page.read_text()
        titles = set(re.findall(r"<span data-title[^>]*>(.*?)</span>", text.partition("<script")[0]))
        changed = [(title, title[:at] + title[at + 1:]) for title in titles for at, sign in enumerate(title) if not re.match(r"[\s\w&#;*`~\\[\]]", sign)]
        changed += [(title, title.replace(entity, " ")) for title in titles for entity in re.findall(r"&#\d+;", title)]
        self.assertGreater(len(changed), 20)
        changed += [(title, other) for title in titles for other in titles if title != other][::5]
        files = [page]
        for index, (title, other) in enumerate(changed):
            files.append(project / f"changed-{index}.html")
            files[-1].write_text(text.replace(f">{title}<", f">{other}<"))
        honest, *spoiled = said([{"file": str(file), "roster": roster} for file in files])
        self.assertEqual((honest["state"], honest["errors"]), ("not-proven", []), honest)
        self.assertIn("rows were checked. The record is not closed", honest["why"])
        missed = [pair for pair, saw in zip(changed, spoiled) if saw["state"] != "failed"]
        self.assertEqual(missed, [])

    def test_every_digit_and_word_of_a_row_counts(self):
        """All of them, each replaced by another: in the page itself, since as many files would take an hour."""
        for page in (crowded.home() / "records/v2/report.html", stage.rehearsal() / "records/v2.15.0-rehearsal/report.html"):
            with self.subTest(str(page)):
                saw = pages.look("rows.mjs", page)
                self.assertEqual((saw["before"], saw["missed"]), ([], []), saw["tried"])
                self.assertGreater(saw["tried"], 2000)

    def test_a_page_that_carries_nothing_is_refused(self):
        text = (stage.EXAMPLE / "v2.14.0/report.html").read_text()
        bare = re.sub(r'<script type="text/plain" id="carried">.*?</script>', "", text, flags=re.DOTALL)
        self.assertNotEqual(bare, text)
        page = stage.empty("bare") / "report.html"
        page.write_text(bare)
        status, out, err = verify(page)
        self.assertEqual((status, out), (2, ""))
        self.assertIn("carries no entries", err)

    def test_nothing_is_verified_without_the_roster(self):
        page = str(stage.quickstart() / "records/v2.14.0/report.html")
        saw, other, bare, unable = said([
            {"file": page}, {"file": page, "roster": "0" * 64}, {"file": page, "without": "script"},
            {"file": page, "without": "webcrypto"},
        ])
        self.assertEqual(saw["state"], "not-proven", saw)
        self.assertEqual((other["state"], other["word"][:16]), ("failed", "Failed: entry 0:"), other)
        for one in (bare, unable):
            self.assertEqual((one["state"], one["word"]), ("cannot", "Cannot verify here"), one)

    def test_verify_says_what_is_proven(self):
        page = stage.quickstart() / "records/v2.14.0/report.html"
        roster = stage.roster_sha256("quickstart")
        status, out, _ = verify(page, "--roster-sha256", roster)
        self.assertEqual((status, json.loads(out)["findings"]), (4, []), out)
        status, out, _ = verify(page, "--roster-sha256", "0" * 64)
        self.assertEqual((status, json.loads(out)["findings"][0]["code"]), (1, "first-roster"), out)
        # A checkpoint of after the page is no finding against it.
        status, out, _ = verify(page, "--roster-sha256", roster, "--checkpoint", stage.quickstart().parent / "ckpt")
        self.assertEqual((status, json.loads(out)["findings"]), (4, []), out)

    def test_verify_with_what_was_handed_over_proves_a_closed_deployment(self):
        home = stage.rehearsal()
        for name in ("v2.14.0-rehearsal", "v2.15.0-rehearsal"):
            record, kept = home / "records" / name, stage.folder() / f"handed-over-{name}"
            kept.write_bytes((record / "checkpoint").read_bytes())
            anchors = "--roster-sha256", stage.roster_sha256("rehearsal"), "--checkpoint"
            self.assertEqual(verify(record / "report.html", *anchors, record / "checkpoint")[0], 2, "it lies inside")
            status, out, err = verify(record / "report.html", *anchors, kept)
            self.assertEqual((status, json.loads(out)["record"]["findings"]), (0, []), out + err)


class Spoilt(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        home = stage.rehearsal()
        cls.page, cls.other = (
            (home / f"records/{name}-rehearsal/report.html").read_text() for name in ("v2.15.0", "v2.14.0")
        )
        cls.roster = stage.roster_sha256("rehearsal")
        cls.folder = stage.folder() / "spoilt"
        cls.folder.mkdir()

    def spoil(self, name, page):
        file = self.folder / f"{name}.html"
        file.write_text(page)
        return file

    def test_every_mutation_is_flagged_by_both(self):
        made = spoilt.pages(self.page, self.other, MUTATIONS, "proof")
        files = [self.spoil(f"{index}-{way}", page) for index, (way, page) in enumerate(made)]
        seen = said([{"file": str(file), "roster": self.roster} for file in files])
        missed = []
        for file, saw in zip(files, seen):
            if saw["state"] not in ("failed", "cannot"):
                missed.append((file.name, "page", saw))
            status, out, err = verify(file, "--roster-sha256", self.roster)
            if status not in (1, 2) or "panicked" in err:
                missed.append((file.name, "verify", status, out[:300], err[:300]))
        self.assertEqual(missed, [])

    def test_a_changed_number_is_pointed_at(self):
        row = re.search(r'<tr data-r="reading" data-e="(\d+)".*?</tr>', self.page, re.S)
        value = re.search(r">(\d[\d.]*) percent<", row.group(0)).group(1)
        forged = row.group(0).replace(f">{value} percent<", ">0.0001 percent<")
        file = self.spoil("number", self.page.replace(row.group(0), forged))
        (saw,) = said([{"file": str(file), "roster": self.roster}])
        self.assertTrue(saw["word"].startswith(f"Failed: entry {row.group(1)}: "), saw)
        self.assertEqual(saw["marked"], [row.group(1)])
        status, out, _ = verify(file, "--roster-sha256", self.roster)
        self.assertEqual(status, 1)
        self.assertIn(f"entry {row.group(1)}", json.loads(out)["record"]["findings"][0]["text"])

    def test_a_changed_script_is_found_by_verify(self):
        """Such a page may say what it likes: that is why the page tells to verify it."""
        file = self.spoil("script", self.page.replace('say("failed"', 'say("verified"'))
        status, out, _ = verify(file, "--roster-sha256", self.roster)
        self.assertEqual((status, json.loads(out)["record"]["findings"][0]["code"]), (1, "page-differs"), out)

    def test_hostile_pages_are_refused(self):
        block = spoilt.BEGIN + spoilt.END
        bomb = spoilt.carry(self.page, ["aether-audit page 1", "x" * (300 << 20)])
        hostile = {
            "no block": self.page.replace(spoilt.BEGIN, "<p>"), "two": self.page + block, "empty": "",
            "not ended": self.page[:self.page.index(spoilt.BEGIN) + 60], "garbage": "\x00\x01" * 5000,
            "no entries": spoilt.carry(self.page, spoilt.carried(self.page)[:3]), "bomb": bomb,
            "of another version": spoilt.carry(self.page, ["aether-audit page 2", *spoilt.carried(self.page)[1:]]),
        }
        for name, page in hostile.items():
            with self.subTest(name):
                status, out, err = verify(self.spoil("hostile", page))
                self.assertEqual((status, out), (2, ""), err)
                self.assertNotIn("panicked", err)
                self.assertIn("hostile.html", err)
        file = self.folder / "bytes.html"
        file.write_bytes(b"\xff\xfe" + self.page.encode())
        self.assertEqual(verify(file)[0], 2)
