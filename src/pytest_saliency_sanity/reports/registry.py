"""The registry of reports on a run. Standard library only.

``--saliency-report=DIR`` writes each report to its own file in the folder. Other packages add theirs by the
entry-point group ``saliency_sanity.reports`` (docs/extending.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ..foundation.imports import import_attribute
from ..foundation.registry import Registry
from .run import Run

Write = Callable[[Run, Path], None]


@dataclass(frozen=True)
class Report:
    """A report: its name, a description, its file name, and the function ``write(run, path)`` or its import path."""

    name: str
    description: str
    file: str
    write: str | Write = field(repr=False)

    def write_to(self, folder: Path, run: Run) -> Path:
        """Write the report of a run to an existing folder; return the path of the file."""
        write: Write = import_attribute(self.write) if isinstance(self.write, str) else self.write
        path = folder / self.file
        write(run, path)
        return path


REPORTS = Registry(
    "report",
    Report,
    "saliency_sanity.reports",
    (Report("json", "every result as JSON", "results.json", "pytest_saliency_sanity.reports.json_report:write"),),
)
