"""The strips of maps that the leaderboard shows: one file for each method and network, one row for each question."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pytest_saliency_sanity.checks.judging.result import CheckResult
from pytest_saliency_sanity.foundation.files import write_whole
from pytest_saliency_sanity.reports.figures import file_name

SIDE, MOST = 32, 6  # pixels of a map, and maps in a strip: of a long cascade some
COLORS = 128  # enough for both colour maps; a strip of all colours takes three times the space


class Strip(NamedTuple):
    """Where a strip is, and what it shows: the name of its file, its row there, and the headings of its columns."""

    file: str
    row: int
    columns: tuple[str, ...]


def add_strips(folder: Path, spec: str, network: str, results: Sequence[CheckResult]) -> dict[str, Strip]:
    """Add the strips of results to the file of a method and a network; return them by question.

    A question that kept no maps has none.
    """
    from PIL import Image

    from pytest_saliency_sanity.drawing.maps import PAPER, png

    with_maps = [(each.check, *drawn(each)) for each in results if each.evidence and each.evidence.has_maps]
    if not with_maps:
        return {}
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{file_name(spec, network)}.png"
    before = []
    if file.exists():
        with Image.open(file) as opened:
            before.append(np.asarray(opened.convert("RGB")))
    row = len(before[0]) // SIDE if before else 0
    parts = [*before, *(pixels for _, _, pixels in with_maps)]
    width = max(part.shape[1] for part in parts)
    wide = [np.pad(each, ((0, 0), (0, width - each.shape[1]), (0, 0)), constant_values=PAPER) for each in parts]
    write_whole(file, png(np.concatenate(wide), COLORS))
    return {question: Strip(file.name, row + at, columns) for at, (question, columns, _) in enumerate(with_maps)}


def drawn(result: CheckResult) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the headings of the columns of a result's strip, and its pixels ``(SIDE, width, 3)``."""
    from pytest_saliency_sanity.drawing.maps import SHADES, strip

    evidence = result.evidence
    assert evidence is not None
    names = list(evidence.maps)
    chosen = [names[at] for at in sorted({round(at) for at in np.linspace(0, len(names) - 1, MOST)})]
    maps = {name: evidence.maps[name] for name in chosen}
    headings = (*([] if evidence.pictures is None else ["image"]), *chosen)
    return headings, strip(maps, evidence.pictures, images=1, side=SIDE, shades=SHADES)
