"""The picture of scenes and maps."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from support.skips import needs

from pytest_saliency_sanity import check_method
from pytest_saliency_sanity.data.scenes import load_scenes


@needs("matplotlib")
def test_scenes_and_maps_are_drawn(tmp_path: Path) -> None:
    from scenes import METHODS, drawn

    file = drawn(load_scenes(2), tmp_path / "scenes.png")
    with Image.open(file) as picture:
        width, height = picture.size
        assert width > 200
        assert height > (len(METHODS) + 1) * 100
        assert len(picture.convert("L").getcolors() or ()) > 50


def test_the_shares_are_those_of_the_check() -> None:
    from scenes import pictures_of

    shares = [float(picture.title) for picture in pictures_of("gradient", load_scenes(40))]
    (result,) = check_method("gradient", models=["resnet"], checks=["localization"], images=40)
    assert sum(shares) / 40 == pytest.approx(result.statistic, abs=0.005)
