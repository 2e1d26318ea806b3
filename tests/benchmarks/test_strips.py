"""Strips of maps are added to the file of a method and a network, and found there again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from strips import MOST, SIDE, Strip, add_strips

from pytest_saliency_sanity.checks.judging.evidence import Evidence
from pytest_saliency_sanity.checks.judging.result import CheckResult, Measured
from pytest_saliency_sanity.drawing.maps import GAP


def result(question: str, stages: list[str], brightness: int = 0) -> CheckResult:
    """Return a result that kept a map for each stage, brighter from stage to stage, of a grey image."""
    maps = {name: np.linspace(0, at, 16).reshape(1, 4, 4) for at, name in enumerate(stages, 1)}
    evidence = Evidence(maps=maps, pictures=np.full((1, 8, 8, 1), brightness, np.uint8)) if stages else None
    return CheckResult(question, "m", "n", "passed", "", Measured(0, "signed"), evidence=evidence)


def test_each_question_gets_a_row_and_later_ones_are_added_below(tmp_path: Path) -> None:
    found = add_strips(tmp_path, "captum:Saliency", "vgg11", [result("a", ["one", "two"], 40), result("b", [])])
    assert found == {"a": Strip("captum.Saliency-vgg11.png", 0, ("image", "one", "two"))}
    more = add_strips(tmp_path, "captum:Saliency", "vgg11", [result("c", ["one", "two", "three"], 200)])
    assert more == {"c": Strip("captum.Saliency-vgg11.png", 1, ("image", "one", "two", "three"))}
    with Image.open(tmp_path / "captum.Saliency-vgg11.png") as opened:
        pixels = np.asarray(opened.convert("RGB"))
    assert pixels.shape == (2 * SIDE, 4 * (SIDE + GAP) - GAP, 3)
    assert np.abs(pixels[:SIDE, :SIDE].astype(int) - 40).max() <= 4
    assert np.abs(pixels[SIDE:, :SIDE].astype(int) - 200).max() <= 4


def test_of_a_long_cascade_some_stages_are_shown_the_first_and_the_last_among_them(tmp_path: Path) -> None:
    stages = [f"layer{number}" for number in range(40)]
    (strip,) = add_strips(tmp_path, "gradient", "resnet", [result("a", stages)]).values()
    assert len(strip.columns) == 1 + MOST
    assert (strip.columns[1], strip.columns[-1]) == ("layer0", "layer39")


def test_where_no_maps_were_kept_there_is_no_file(tmp_path: Path) -> None:
    assert add_strips(tmp_path / "maps", "gradient", "resnet", [result("a", [])]) == {}
    assert list(tmp_path.iterdir()) == []
