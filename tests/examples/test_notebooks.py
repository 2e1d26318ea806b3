"""The notebooks in examples/ run, and show what they say that they show."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import notebooks
import pytest

SIZE = 600_000  # bytes, so that forges still show it
PATHS = notebooks.notebooks()


@pytest.fixture(autouse=True)
def nothing_of_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither read nor write what the user has set for IPython and Jupyter."""
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path))


executed = cache(notebooks.executed)


def kinds(notebook: Any) -> list[list[str]]:
    """Return the kinds of what each cell shows."""
    return [
        [each.get("name") or " ".join(sorted(each.data)) for each in cell.outputs]
        for cell in notebooks.code_of(notebook)
    ]


def words(notebook: Any) -> list[str]:
    """Return the words that each cell shows; numbers differ between machines."""
    shown = (each.data["text/plain"] for cell in notebooks.code_of(notebook) for each in cell.outputs)
    return [" ".join(re.findall(r"[A-Za-z_]{2,}", text)) for text in shown]


def test_there_is_a_notebook() -> None:
    assert [path.name for path in PATHS] == ["figures.ipynb"]


@pytest.mark.parametrize(
    ("text", "progress"),
    [
        ("\r 21%|██        | 140/660 [00:03<00:11] gradcam on alexnet", True),
        ("\r                    ", True),
        ("\r", True),
        ("UserWarning: it is wrong\n", False),
        ("\r 21%|██        | 1/6 [00:03<00:11] it\rUserWarning: it is wrong", False),
    ],
)
def test_bars_are_told_from_warnings(text: str, progress: bool) -> None:
    # Shows that the next test can fail.
    assert notebooks.is_progress(nbformat.v4.new_output("stream", name="stderr", text=text)) is progress


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_notebook_runs_without_an_error_or_a_warning(path: Path) -> None:
    shown = [each for cell in notebooks.code_of(executed(path)) for each in cell.outputs]
    assert [each.text for each in shown if each.output_type == "stream"] == []


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_what_a_notebook_keeps_is_what_it_shows_when_it_runs(path: Path) -> None:
    kept, now = notebooks.read(path), executed(path)
    why = "run python docs/notebooks.py"
    assert [cell.execution_count for cell in notebooks.code_of(kept)] == [*range(1, 1 + len(kinds(kept)))], why
    assert kinds(kept) == kinds(now), why
    assert words(kept) == words(now), why


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_notebook_is_small_and_names_no_place_of_a_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text) < SIZE
    assert not re.search(r"/home/|/work/|/tmp/|/Users/", text)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_links_of_a_notebook_lead_somewhere(path: Path) -> None:
    prose = "\n".join(cell.source for cell in notebooks.read(path).cells if cell.cell_type == "markdown")
    links = re.findall(r"\]\(([^)#]+)", prose)
    assert links
    assert [link for link in links if not (path.parent / link).exists()] == []
