"""From an empty folder through README only to a verdict on a network of one's own, in ten commands at most."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import tables

README = (tables.ROOT / "README.md").read_text()
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def section(title: str) -> list[tuple[str, str]]:
    """Return the blocks of a section of README: their languages and texts."""
    return BLOCK.findall(README.partition(f"## {title}\n")[2].partition("\n## ")[0])


def commands(blocks: list[tuple[str, str]]) -> list[str]:
    return [line for language, text in blocks if language == "sh" for line in text.splitlines()]


@pytest.mark.slow
def test_a_stranger_comes_to_a_verdict_on_a_network_of_their_own(tmp_path: Path) -> None:
    # What installs it is tried by others; it is one command more, and each file is one.
    blocks = section("Check your own network")
    files = [text for language, text in blocks if language == "python"]
    assert 1 + len(files) + len(commands(blocks)) <= 10
    for text in files:
        (tmp_path / text.partition("\n")[0].removeprefix("# ")).write_text(text)
    shown = []
    for command in commands(blocks):
        words = shlex.split(command, comments=True)
        start = [sys.executable, "-m"] if words[0] == "pytest" else [sys.executable]
        rest = words if words[0] == "pytest" else words[1:]
        shown.append(subprocess.run([*start, *rest], cwd=tmp_path, capture_output=True, text=True))
    told, verdict = shown
    assert told.returncode == 0, told.stdout + told.stderr
    assert "looks at the layer 2\n" in told.stdout
    asked = re.search(r"asked: (\d+) questions", told.stdout)
    assert asked
    assert verdict.returncode in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED), verdict.stdout + verdict.stderr
    # The contract is asked of the method alone.
    line = r"^gradcam on mynetworks:network: (\d+) of (\d+) passed, 3 skipped$"
    summary = re.search(line, verdict.stdout, re.MULTILINE)
    assert summary, verdict.stdout
    assert int(summary[2]) == int(asked[1]) - 1
    assert "failed without a verdict" not in verdict.stdout
