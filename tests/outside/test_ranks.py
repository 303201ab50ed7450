"""SciPy comes to the same Mann-Whitney U, and to the same verdict, as the program."""

import datetime
import json
import random
import re
import unittest

from scipy.stats import mannwhitneyu

import stage

SEED = 20261125
NOW = datetime.datetime(2026, 7, 3, 2, 30)
ALPHAS = ["0.1", "0.05", "0.025", "0.02", "0.01", "0.005", "0.002", "0.001"]
CHECKS, ROUNDS, MINUTES, DAYS = 80, 6, 30, 14


def check(index, falls):
    """A check of which more is worse, or less."""
    limit = 'objective = ">= -1"' if falls else 'objective = "<= 1000000"'
    return f"""
[[check]]
id = "c{index}"
source = "file"
path = "readings.json"
{limit}
window-minutes = {MINUTES}
baseline-days = {DAYS}
baseline-test = "mann-whitney"
baseline-alpha = "{ALPHAS[index % len(ALPHAS)]}"
watch = false
"""


def sample(rng):
    """Values now and in earlier days, often tied, sometimes shifted, sometimes very few."""
    spread = rng.choice([1, 3, 20, 10_000])
    shift = rng.choice([0, 0, 0.3, 1, 3]) * spread * rng.choice([1, -1])
    scale = rng.choice([1, 10, 1000])
    value = lambda shift: f"{max(0, rng.randint(0, spread) + 5 * spread + round(shift)) / scale:.4f}"
    now = [value(shift) for _ in range(rng.randint(1, rng.choice([3, 8, MINUTES])))]
    before = [value(0) for _ in range(rng.randint(1, rng.choice([4, 30, MINUTES * DAYS])))]
    return now, before


def series(now, before):
    """As points of this half hour, and of the same half hour of earlier days."""
    at = lambda day, minute: (NOW - datetime.timedelta(days=day, minutes=MINUTES - minute)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    points = [[at(0, i), text] for i, text in enumerate(now)]
    return points + [[at(1 + i // MINUTES, i % MINUTES), text] for i, text in enumerate(before)]


def expected(now, before, alpha, falls):
    """U and the verdict, by SciPy alone."""
    side = "less" if falls else "greater"
    x, y = [float(text) for text in now], [float(text) for text in before]
    test = mannwhitneyu(x, y, alternative=side, method="asymptotic")
    apart = mannwhitneyu([2 * len(y) + i for i in range(len(x))], range(len(y)), alternative="greater", method="asymptotic")
    u = len(x) * len(y) - test.statistic if falls else test.statistic
    phase = "warn" if test.pvalue < float(alpha) else "pass"
    return u, "no-data" if apart.pvalue >= float(alpha) else phase


class Ranks(unittest.TestCase):
    def test_the_same_u_and_the_same_verdict_as_scipy(self):
        project = stage.empty("ranks")
        rng = random.Random(SEED)
        env = "export AETHER_AUDIT_PASSPHRASE=correct-horse AETHER_AUDIT_KEYS=$PWD/private AETHER_AUDIT_AS=alice\n"
        head = '[log]\norigin = "example.com/audit/ranks"\n[project]\nname = "x"\nservices = ["app"]\n'
        (project / "aether.toml").write_text(head + "".join(check(i, i % 3 == 0) for i in range(CHECKS)))
        opening = f"--commit {'0123456789' * 4} --lead-deployer alice --comms-lead bob --qa-engineer carol"
        begin = f"aether-audit init --origin example.com/audit/ranks\n" + "".join(
            f"aether-audit key new {name} && aether-audit key enroll {name} --role {role}\n"
            for name, role in (("bob", "comms-lead"), ("carol", "qa-engineer"))
        )
        begin += "printf '## Live\\n- [ ] one\\n' > templates/Deployment_Checklist.md\n"
        stage.run(["sh", "-ec", env + begin + f"aether-audit open v1 {opening}"], project)
        seen = {"pass": 0, "warn": 0, "no-data": 0}
        for _ in range(ROUNDS):
            samples = [sample(rng) for _ in range(CHECKS)]
            readings = {f"c{i}": series(*both) for i, both in enumerate(samples)}
            (project / "readings.json").write_text(json.dumps({"series": readings}))
            script = env + f"aether-audit collect --dry-run -o json --until {NOW:%Y-%m-%dT%H:%M:%S}.000Z || test $? != 2"
            lines = json.loads(stage.run(["sh", "-ec", script], project))
            self.assertEqual(len(lines), CHECKS)
            for index, (line, (now, before)) in enumerate(zip(lines, samples)):
                with self.subTest(now=now, before=before):
                    alpha, falls = ALPHAS[index % len(ALPHAS)], index % 3 == 0
                    u, phase = expected(now, before, alpha, falls)
                    n1, n2, own = re.search(r"\(n1 (\d+), n2 (\d+), U ([0-9.]+)\)", line["detail"]).groups()
                    self.assertEqual((int(n1), int(n2), float(own)), (len(now), len(before), u), line["detail"])
                    self.assertEqual(line["phase"], phase, line["detail"])
                    seen[phase] += 1
        self.assertTrue(all(count > 20 for count in seen.values()), seen)
