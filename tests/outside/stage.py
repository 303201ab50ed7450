"""What the judges judge: the program run in an empty folder, once for all of them."""

import atexit
import functools
import os
import pathlib
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PASSPHRASE = "correct-horse"
SECONDS = 600

QUICKSTART = """
export AETHER_AUDIT_PASSPHRASE=correct-horse AETHER_AUDIT_KEYS=$PWD/private
aether-audit init --origin example.com/audit/prod --as alice
aether-audit key new bob && aether-audit key new carol
aether-audit key enroll bob   --role comms-lead  --as alice
aether-audit key enroll carol --role qa-engineer --as alice
aether-audit open v2.14.0 --commit 0123456789abcdef0123456789abcdef01234567 \\
    --lead-deployer alice --comms-lead bob --qa-engineer carol --as alice
aether-audit status && aether-audit log -o json
aether-audit sign env-audit --as alice --note "compared with the manifest"
aether-audit render && aether-audit report --as alice
aether-audit verify --roster-sha256 "$(cat keys/roster.sha256)" # exit 4
aether-audit checkpoint > ../ckpt
aether-audit verify --roster-sha256 "$(cat keys/roster.sha256)" --checkpoint ../ckpt
aether-audit export out && aether-audit verify out --roster-sha256 "$(cat keys/roster.sha256)" --checkpoint ../ckpt -o json
"""


def environment():
    """The caller's, with the program on PATH and nothing of it configured."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AETHER_AUDIT")}
    program = pathlib.Path(os.environ["AETHER_AUDIT_UNDER_TEST"])
    kept["PATH"] = f"{program.parent}:{kept['PATH']}"
    kept["NO_COLOR"] = "1"
    return kept


@functools.cache
def folder():
    """A folder that goes when the judges have finished."""
    made = pathlib.Path(tempfile.mkdtemp(prefix="aether-audit-judges-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def empty(name):
    """A new empty folder."""
    made = folder() / name / "project"
    made.mkdir(parents=True)
    return made


def run(argv, cwd, status=0, variables=None):
    """Runs a program without stdin; gives its stdout. Any other exit status than `status` is an error."""
    done = subprocess.run(
        [str(word) for word in argv], cwd=cwd, env=environment() | (variables or {}), stdin=subprocess.DEVNULL,
        capture_output=True, timeout=SECONDS, check=False,
    )
    if done.returncode != status:
        said = (done.stdout + done.stderr).decode(errors="replace")
        raise AssertionError(f"{' '.join(map(str, argv))} ended with {done.returncode}, not {status}:\n{said}")
    return done.stdout.decode()


@functools.cache
def quickstart():
    """The folder of the five-minute tour: its `out` is an export, `records/v2.14.0` a record."""
    from shell import play

    project = empty("quickstart")
    play(QUICKSTART, project)
    return project


@functools.cache
def rehearsal():
    """The folder that `rehearse` makes, with two records and their exports."""
    project = empty("rehearsal")
    run(["aether-audit", "rehearse"], project)
    (home,) = (project / "records").glob("rehearsal-*")
    return home


EXAMPLE = ROOT / "records/example"


def exports():
    """Every export there is, by name: of whole logs, of single deployments, and the committed example."""
    found = {"quickstart": quickstart() / "out", "example": EXAMPLE / "export"}
    for path in sorted((rehearsal() / "exports").iterdir()):
        found[path.name] = path
    assert len(found) == 4, sorted(found)
    return found


def roster_sha256(name):
    """The hash of the first roster of an export, from where an auditor was handed it."""
    homes = {"quickstart": quickstart() / "keys", "example": EXAMPLE}
    return (homes.get(name, rehearsal() / "keys") / "roster.sha256").read_text().strip()


def records():
    """Every record there is, with the export that it is of."""
    found = {"quickstart": (quickstart() / "records/v2.14.0", quickstart() / "out")}
    for path in sorted((rehearsal() / "records").iterdir()):
        if path.is_dir():
            found[path.name] = (path, rehearsal() / "exports" / path.name)
    for name in ("v2.14.0", "v2.15.0"):
        found[f"example {name}"] = (EXAMPLE / name, EXAMPLE / "export")
    assert len(found) == 5, sorted(found)
    return found


@functools.cache
def copies():
    return iter(range(1_000_000))


def copy(path):
    """A copy to be spoilt."""
    target = folder() / f"copy-{next(copies())}"
    shutil.copytree(path, target)
    return target


def flip(path, at):
    """Flips the lowest bit of one byte of a file."""
    spoilt = bytearray(path.read_bytes())
    spoilt[at] ^= 1
    path.write_bytes(spoilt)
