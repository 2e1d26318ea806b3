"""The action for GitHub: its files, and a runner that plays its steps here, each in a process of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "action"
ACTION, MERGE = ROOT / "action.yml", ROOT / "action" / "merge" / "action.yml"
WORKFLOWS = ROOT / ".github" / "workflows"  # not in the sdist
EVENT = {
    "github.event_name": "pull_request",
    "github.event.pull_request.number": "7",
    "github.repository": "us/ours",
    "github.server_url": "https://github.com",
    "github.run_id": "42",
}
CHEAP = {"models": "alexnet", "checks": "label_randomization", "package": "none"}
IMAGES = "--saliency-images=10"
BASELINE = "saliency-baseline.json"
# In which Grad-CAM has another number than it has.
KEPT = """{"schema": 1, "written_with": {},
 "settings": {"preset": "embedded", "seed": 0, "sign": "signed", "law": "normal", "confidence": 0.95},
 "answers": [{"method": "gradcam", "model": "alexnet", "check": "label_randomization", "verdict": "passed",
  "mean": 0.6, "low": 0.55, "high": 0.65, "below": 0.89, "stage": "random_labels"}]}
"""
MARKER = "<!-- pytest-saliency-sanity: saliency-report -->"
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
NAME = re.compile(r"'[^']*'|\b[a-z]\w*(?:\.[\w-]+)+")
# Records its arguments; answers what is in comments.json to the question for comments.
GH = """#!{python}
import json, os, subprocess, sys
folder, arguments = os.path.dirname(os.path.abspath(__file__)), sys.argv[1:]
body = next((open(each[6:]).read() for each in arguments if each.startswith("body=@")), "")
with open(os.path.join(folder, "calls.jsonl"), "a") as file:
    file.write(json.dumps({{"arguments": arguments, "body": body, "token": os.environ.get("GH_TOKEN")}}) + "\\n")
if os.path.exists(os.path.join(folder, "refuse")):
    sys.exit("HTTP 403: Resource not accessible by integration")
if arguments[:2] == ["api", "user"]:
    try:
        print(open(os.path.join(folder, "login")).read())
        sys.exit()
    except FileNotFoundError:
        sys.exit("HTTP 403: Resource not accessible by integration")
if "--jq" in arguments:
    with open(os.path.join(folder, "comments.json")) as file:
        sys.exit(subprocess.run(["jq", "--raw-output", arguments[-1]], stdin=file).returncode)
"""


def content(file: Path) -> dict[str, Any]:
    """Return what a YAML file says. YAML 1.1 reads the key ``on`` as true; here it is ``on``."""
    read = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {"on" if key is True else str(key): value for key, value in read.items()}


def inputs_of(file: Path) -> dict[str, dict[str, Any]]:
    """Return the inputs of an action or of a workflow that can be called."""
    read = content(file)
    found: dict[str, dict[str, Any]] = read["inputs"] if "inputs" in read else read["on"]["workflow_call"]["inputs"]
    return found


@dataclass
class Done:
    """What a step or all steps did: the exit status, what was printed, and the outputs of each step by its id."""

    status: int = 0
    printed: str = ""
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)


class Runner:
    """A machine that runs jobs in ``folder``. ``bin`` comes first on the path; ``summary`` is that of the job."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bin, self.summary = folder / "work", folder / "bin", folder / "summary.md"
        self.networks = folder / "networks"
        for each in (self.folder, self.bin):
            each.mkdir()
        self.put("python", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        self.put("gh", GH.format(python=sys.executable))

    def calls(self) -> list[dict[str, Any]]:
        """Return what gh was asked, in order, but for whose token it has."""
        file = self.bin / "calls.jsonl"
        told = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        return [each for each in told if each["arguments"][:2] != ["api", "user"]]

    def put(self, program: str, text: str) -> None:
        """Put a program on the path."""
        (self.bin / program).write_text(text)
        (self.bin / program).chmod(0o755)

    def script(self, name: str, **environment: str) -> Done:
        """Run a script of the action with this environment."""
        return self.run(f'bash "{SCRIPTS / name}"', environment)

    def run(self, line: str, environment: Mapping[str, str]) -> Done:
        """Run a line of a step as the shell ``bash`` of a step does."""
        handed_on = self.bin / "outputs"
        handed_on.write_text("")
        ours = ("PYTEST_", "GITHUB_", "SALIENCY_", "GH_", "COV_")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        known = {
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            "GITHUB_OUTPUT": str(handed_on),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "SALIENCY_SANITY_CACHE_DIR": str(self.networks),
        }
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", line]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**clean, **known, **environment},
            text=True,
            stdout=-1,
            stderr=subprocess.STDOUT,
        )
        pairs = (each.split("=", 1) for each in handed_on.read_text().splitlines())
        return Done(done.returncode, done.stdout, {"": dict(pairs)})

    def play(self, action: Path, github: Mapping[str, str], **inputs: str) -> Done:
        """Run the steps of a composite action that are lines of a shell; what others offer is left out.

        ``github``: further values that expressions ask for, such as ``github.event_name``. ``inputs``: with ``_`` for
        ``-``. Raises KeyError if an input or a value does not exist.
        """
        known = {name: str(each.get("default", "")) for name, each in inputs_of(action).items()}
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        assert given.keys() <= known.keys()
        values = {f"inputs.{name}": value for name, value in (known | given).items()} | dict(github)
        whole = Done()
        for step in content(action)["runs"]["steps"]:
            if "id" in step:
                whole.outputs[step["id"]] = {}
            if not asked(step.get("if", "true"), values, whole) or "run" not in step:
                continue
            environment = {name: filled(str(text), values, whole) for name, text in step.get("env", {}).items()}
            done = self.run(step["run"], {"GITHUB_ACTION_PATH": str(action.parent), **environment})
            whole.status = whole.status or done.status
            whole.printed += done.printed
            whole.outputs[step.get("id", "")] = done.outputs[""]
        return whole


def asked(condition: str, values: Mapping[str, str], done: Done) -> bool:
    """Return whether a step runs: after a failure only if it asks for that with ``!cancelled()``."""
    text = EXPRESSION.sub(r"\1", condition)
    if done.status and "cancelled()" not in text:
        return False
    names = NAME.sub(lambda name: name[0] if name[0][0] == "'" else repr(value(name[0], values, done)), text)
    words = {"!cancelled()": "True", "&&": "and", "||": "or", "true": "True"}
    for word, python in words.items():
        names = re.sub(rf"(?<!['\w]){re.escape(word)}(?!['\w])", python, names)
    return bool(eval(names, {"__builtins__": {}}))


def filled(text: str, values: Mapping[str, str], done: Done) -> str:
    """Return a text with the values of its expressions, which are names."""
    return EXPRESSION.sub(lambda found: value(found[1], values, done), text)


def value(name: str, values: Mapping[str, str], done: Done) -> str:
    """Return the value of a name such as ``steps.run.outputs.report``; an output that was not handed on is empty."""
    if found := re.fullmatch(r"steps\.([\w-]+)\.outputs\.([\w-]+)", name):
        return done.outputs[found[1]].get(found[2], "")
    return values[name]
