"""Runs the shell steps of a workflow as GitHub's runner would: in order of `needs`, each with `bash -e`, with its own environment.

Usage: runner.py WORKSPACE WORKFLOW SETTINGS.json; prints the result of each job and what its steps said, as JSON. What other
people's actions do is done by hand: a checkout is the workspace, an artifact a folder, credentials come from the environment.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

workspace, workflow, settings = sys.argv[1:]
given = json.loads(pathlib.Path(settings).read_text())
temporary = pathlib.Path(tempfile.mkdtemp())
artifacts = temporary / "artifacts"
results, said = {}, {}


def value(expression, scope):
    """What an expression of GitHub's comes to, as far as these workflows use them."""
    python = re.sub(r"!(?!=)", " not ", expression).replace("&&", " and ").replace("||", " or ")
    names = sorted(set(re.findall(r"\b(?:inputs|vars|secrets|needs|github)(?:\.[A-Za-z_][\w-]*)+", python)), key=len, reverse=True)
    for name in names:
        found = scope
        for part in name.split("."):
            found = (found or {}).get(part)
        python = python.replace(name, repr("" if found is None else found))
    functions = {"failure": lambda: scope["failed"], "cancelled": lambda: False, "always": lambda: True}
    return eval(python, {"__builtins__": {}}, functions)  # noqa: S307 the workflow is our own


def filled(text, scope):
    return re.sub(r"\$\{\{\s*(.+?)\s*\}\}", lambda found: str(value(found[1], scope)), str(text))


def condition(text, scope):
    whole = re.fullmatch(r"\$\{\{\s*(.+?)\s*\}\}", str(text))
    return value(whole[1] if whole else str(text), scope)


def environment(raw, scope):
    return {name: filled(text, scope) for name, text in (raw or {}).items()}


def run(step, scope, variables, job):
    files = {}
    for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY"):
        handle, files[name] = tempfile.mkstemp(dir=temporary)
        os.close(handle)
    own = {**os.environ, **given["runner"], **variables, **environment(step.get("env"), scope), **files, "RUNNER_TEMP": str(temporary)}
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", filled(step["run"], scope)], cwd=workspace, env=own, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, check=False, text=True,
    )
    said[job].append({"run": step["run"].strip(), "status": done.returncode, "said": done.stdout})
    return done.returncode == 0


def steps(all_steps, scope, variables, job):
    """Whether all of them succeeded; one that fails ends the rest."""
    for step in all_steps:
        if "if" in step and not condition(step["if"], scope):
            continue
        used, inputs = step.get("uses", ""), environment(step.get("with"), scope)
        if used.startswith("./"):
            action = yaml.safe_load((pathlib.Path(workspace) / used / "action.yml").read_text())
            defaults = {name: spec.get("default", "") for name, spec in action["inputs"].items()}
            inner = {**scope, "inputs": {**defaults, **inputs}, "github": {"token": "unused"}}
            if not steps(action["runs"]["steps"], inner, {**variables, **environment(step.get("env"), scope)}, job):
                return False
        elif "upload-artifact" in used:
            shutil.copytree(pathlib.Path(workspace) / inputs["path"], artifacts / inputs["name"], dirs_exist_ok=True)
        elif "download-artifact" in used:
            shutil.copytree(artifacts / inputs["name"], pathlib.Path(workspace) / inputs["path"], dirs_exist_ok=True)
        elif "configure-aws-credentials" in used:
            variables.update(given["aws"])
        elif not used and not run(step, scope, variables, job):
            return False
    return True


source = yaml.safe_load(pathlib.Path(workflow).read_text())
for job, spec in source["jobs"].items():
    needs = spec.get("needs", [])
    needs = [needs] if isinstance(needs, str) else needs
    scope = {**given["scope"], "needs": {need: {"result": results[need]} for need in needs}}
    scope["failed"] = "failure" in scope["needs"].__str__()
    said[job] = []
    wanted = given.get("only", list(source["jobs"]))
    goes = condition(spec["if"], scope) if "if" in spec else all(results[need] == "success" for need in needs)
    if job not in wanted or not goes:
        results[job] = given.get("before", {}).get(job, "skipped")
        continue
    variables = {**environment(source.get("env"), scope), **environment(spec.get("env"), scope)}
    results[job] = "success" if steps(spec["steps"], scope, variables, job) else "failure"
shutil.rmtree(temporary)
print(json.dumps({"results": results, "said": said}))
