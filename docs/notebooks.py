"""Executes the notebooks in examples/ and writes them with what they show: `python docs/notebooks.py`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

EXAMPLES = Path(__file__).parents[1] / "examples"
MOST_SECONDS = 300  # for a cell
BAR = re.compile(r"\s*\d+%\|.*")


def notebooks() -> list[Path]:
    """Return the notebooks, in order."""
    return sorted(EXAMPLES.glob("*.ipynb"))


def read(path: Path) -> Any:
    """Return a notebook."""
    return nbformat.read(path, as_version=4)


def executed(path: Path) -> Any:
    """Return a notebook with what its cells show when they run now, without bars of progress.

    Raises CellExecutionError if a cell raises.
    """
    notebook = read(path)
    NotebookClient(
        notebook,
        timeout=MOST_SECONDS,
        record_timing=False,
        extra_arguments=["--log-level=ERROR"],  # it warns of its own connections
        resources={"metadata": {"path": str(path.parent)}},
    ).execute()
    for cell in code_of(notebook):
        cell.outputs = [each for each in cell.outputs if not is_progress(each)]
    notebook.metadata.language_info = {"name": "python"}  # not its version
    return notebook


def code_of(notebook: Any) -> Iterator[Any]:
    """Yield the cells that hold code."""
    return (cell for cell in notebook.cells if cell.cell_type == "code")


def is_progress(output: Any) -> bool:
    """Return whether an output is nothing but bars, and blanks where they were."""
    lines = re.split("[\r\n]", output.text) if output.get("name") == "stderr" else ["something else"]
    return all(not line.strip() or BAR.match(line) for line in lines)


def main() -> None:
    """Execute every notebook."""
    for path in notebooks():
        nbformat.write(executed(path), path)


if __name__ == "__main__":
    main()
