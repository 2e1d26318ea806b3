"""What a measurement was made on."""

from __future__ import annotations

import os
import platform
from datetime import date
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("torch", "torchvision", "captum", "quantus", "numpy", "scipy")


def described() -> str:
    """Return a sentence on this machine, the versions of libraries and the date."""
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return f"{processor()}, {os.cpu_count()} cores; Python {platform.python_version()}, {versions}; {date.today()}."


def processor() -> str:
    """Return the name of the processor."""
    listed = Path("/proc/cpuinfo")
    for line in listed.read_text().splitlines() if listed.exists() else []:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
