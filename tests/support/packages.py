"""Packages that are really installed, as far as importlib.metadata can tell: a folder on the path with its metadata."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol


class Install(Protocol):
    """Installs a package with entry points of a group: ``install("name", GROUP, {"module": text}, key="module:fn")``.

    It is gone when the test is over.
    """

    def __call__(self, package: str, group: str, modules: Mapping[str, str], /, **points: str) -> Path:
        """Return the folder of the path that it is installed in."""
        ...


def put_package(site: Path, package: str, group: str, modules: Mapping[str, str], points: Mapping[str, str]) -> None:
    """Write a package's metadata, with entry points ``name = value`` of a group, and its modules into a folder."""
    info = site / f"{package.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = [f"{name} = {value}" for name, value in points.items()]
    (info / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines, ""]))
    for name, text in modules.items():
        (site / f"{name}.py").write_text(text)
