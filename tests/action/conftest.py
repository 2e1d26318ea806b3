"""A machine that plays the steps of the action."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from support.action import ACTION, BASELINE, CHEAP, EVENT, IMAGES, KEPT, MARKER, Done, Runner


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return machine(tmp_path)


@pytest.fixture(scope="session")
def drifted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Runner, Done]:
    """A machine on which an answer drifted from the baseline, for a pull request that has comments."""
    runner = machine(tmp_path_factory.mktemp("drifted"))
    (runner.folder / BASELINE).write_text(KEPT)
    bodies = {1: ("User", MARKER), 2: ("Bot", "another"), 3: ("Bot", f"{MARKER}\nof before")}
    comments = [{"id": number, "user": {"type": kind}, "body": body} for number, (kind, body) in bodies.items()]
    (runner.bin / "comments.json").write_text(json.dumps(comments))
    given = {"arguments": f"\n  {IMAGES}\r\n\n", "baseline": BASELINE, "token": "secret"}
    return runner, runner.play(ACTION, EVENT, methods="gradcam", **CHEAP, **given)


def machine(folder: Path) -> Runner:
    if os.name == "nt" or not shutil.which("bash"):
        pytest.skip("needs bash")
    return Runner(folder)
