"""Chromium, through playwright-core and axe-core: the scripts of tests/pages, each of which prints JSON."""

import json
import subprocess

import stage

SCRIPTS = stage.ROOT / "tests/pages"


def look(script, *arguments):
    """Runs a script of tests/pages; gives what it saw."""
    done = subprocess.run(
        ["node", str(SCRIPTS / script), *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True,
        timeout=stage.SECONDS, check=False, text=True,
    )
    if done.returncode != 0:
        raise AssertionError(f"{script} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return json.loads(done.stdout)


def grave(faults):
    """Those of axe-core's faults that keep somebody from reading or using the page."""
    return [fault for fault in faults if fault["impact"] in ("serious", "critical")]
