"""The registry of reports on a run. Standard library only.

``--saliency-report=DIR`` writes each report to its own file in the folder. Other packages add theirs by the
entry-point group ``saliency_sanity.reports`` (docs/extending.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ..foundation.imports import import_attribute
from ..foundation.registry import Registry
from .run import Run

# Writes a report to a path; returns the paths it wrote if that is not the only one.
Write = Callable[[Run, Path], Iterable[Path] | None]


@dataclass(frozen=True)
class Report:
    """A report: its name, a description, its file name, and the function ``write(run, path)`` or its import path.

    ``file``: a file name, a folder, or in words the names of several files, of which ``write`` returns the paths.
    """

    name: str
    description: str
    file: str
    write: str | Write = field(repr=False)

    def write_to(self, folder: Path, run: Run) -> list[Path]:
        """Write the report of a run to an existing folder; return the paths of its files."""
        write: Write = import_attribute(self.write) if isinstance(self.write, str) else self.write
        path = folder / self.file
        written = write(run, path)
        return [path] if written is None else list(written)


_HERE = "pytest_saliency_sanity.reports"
REPORTS = Registry(
    "report",
    Report,
    "saliency_sanity.reports",
    (
        Report("json", "every record as JSON", "results.json", f"{_HERE}.json_report:write"),
        Report("csv", "a row for each question and stage", "results.csv", f"{_HERE}.csv_report:write"),
        Report("arrays", "values image by image, and a few maps", "maps.npz", f"{_HERE}.arrays:write"),
        Report("html", "a page to look at", "index.html", f"{_HERE}.page.write:write"),
        Report("figures", "every figure and the maps, as PNG and SVG", "figures", f"{_HERE}.figures:write"),
        Report("cards", "a saliency card for each method", "card-METHOD.md", f"{_HERE}.card:write"),
    ),
)
