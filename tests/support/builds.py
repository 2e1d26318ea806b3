"""Builds of the package, which need a build backend: that of the environment, or one from a package registry."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest


def build_or_skip(source: Path, folder: Path) -> None:
    """Build the sdist and the wheel of ``source`` into ``folder``; skip if no registry has the build backend."""
    isolation = ["--no-isolation"] if find_spec("hatchling") else []
    command = [sys.executable, "-m", "build", *isolation, "--outdir", str(folder)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True)
    skip_without_registry(done.stdout + done.stderr)
    assert done.returncode == 0, done.stdout + done.stderr


def skip_without_registry(output: str) -> None:
    """Skip if a command printed that no package registry answers."""
    if missing := re.search("No matching distribution found.*", output):
        pytest.skip(f"no package registry can be reached: {missing[0]}")
