"""Runs the shell commands of a document as they stand, one after the other, in one shell."""

import pathlib
import re
import subprocess

import stage

EXPECTED = re.compile(r"#\s*exit\s+(\d+)\s*$")


def blocks(markdown):
    """The text of every ```sh block, with the number of its first line."""
    found, inside, began, fence = [], None, 0, ""
    for number, line in enumerate(markdown.splitlines(), 1):
        mark = re.match(r"^\s*(`{3,}|~{3,})\s*(\S*)\s*$", line)
        if inside is None and mark:
            fence, inside, began = mark[1], ([] if mark[2] in ("sh", "bash", "shell") else False), number + 1
        elif inside is not None and mark and not mark[2] and mark[1].startswith(fence):
            if inside is not False:
                found.append((began, "\n".join(inside)))
            inside = None
        elif inside not in (None, False):
            inside.append(line)
    return found


def commands(text):
    """The complete commands of a block: continued lines, here-documents and braces stay together."""
    pending, found = [], []
    for line in text.splitlines():
        if not pending and (not line.strip() or line.lstrip().startswith("#")):
            continue
        pending.append(line)
        command = "\n".join(pending)
        if line.endswith("\\"):
            continue
        parsed = subprocess.run(["bash", "-n"], input=command.encode(), capture_output=True, check=False)
        if parsed.returncode == 0 and not parsed.stderr:
            found.append(command)
            pending = []
    if pending:
        raise AssertionError("not a complete shell command:\n" + "\n".join(pending))
    return found


def play(text, cwd, variables=None):
    """Runs every command of `text`; the first that ends otherwise than it says is an error. Gives what was printed."""
    return play_blocks([(1, text)], cwd, "text", variables)


def play_blocks(found, cwd, name, variables=None):
    """Runs blocks in order, in one shell that keeps folder and variables; gives each command's stdout."""
    steps = [(line, command) for line, text in found for command in commands(text)]
    folder = pathlib.Path(stage.folder()) / f"steps-{next(stage.copies())}"
    folder.mkdir()
    script = []
    for number, (_, command) in enumerate(steps):
        expected = EXPECTED.search(command)
        (folder / f"{number}.sh").write_text(command + "\n")
        script.append(
            f". {folder}/{number}.sh >{folder}/{number}.out 2>{folder}/{number}.err\n"
            f"status=$?; [ $status = {expected[1] if expected else 0} ] || {{ echo {number} $status; exit 1; }}\n"
        )
    (folder / "all.sh").write_text("".join(script) + "echo done\n")
    done = subprocess.run(
        ["bash", folder / "all.sh"], cwd=cwd, env={**stage.environment(), **(variables or {})},
        stdin=subprocess.DEVNULL, capture_output=True, timeout=stage.SECONDS, check=False,
    )
    ended = done.stdout.decode().split()
    if ended != ["done"]:
        if len(ended) != 2:
            raise AssertionError(f"{name}: the shell ended early: {done.stdout!r} {done.stderr!r}")
        number, status = int(ended[0]), ended[1]
        line, command = steps[number]
        said = "".join((folder / f"{number}.{kind}").read_text(errors="replace") for kind in ("out", "err"))
        raise AssertionError(f"{name}, block at line {line}:\n{command}\nended with {status} and said:\n{said}")
    return [(command, (folder / f"{number}.out").read_text()) for number, (_, command) in enumerate(steps)]
