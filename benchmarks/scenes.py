"""Draw maps of scenes, with the share of their mass that lies on the object: docs/figures/scenes.png.

    python benchmarks/scenes.py [--output FILE]

Grad-CAM, the gradient and SmoothGrad of the shipped ``resnet``, for the true class, beside an edge detector, which does
not look at the network.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from plots import Picture, grid_of_maps

from pytest_saliency_sanity import load_checkpoint
from pytest_saliency_sanity.data.mnist import MEAN, STD
from pytest_saliency_sanity.data.scenes import Scenes, load_scenes
from pytest_saliency_sanity.measuring.localization import mass_inside
from pytest_saliency_sanity.measuring.maps import reduced
from pytest_saliency_sanity.methods.resolve import resolve_method

METHODS = ("gradcam", "gradient", "smoothgrad", "sobel")
COUNT = 6
FILE = Path(__file__).parents[1] / "docs" / "figures" / "scenes.png"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--output", type=Path, default=FILE)
    print(drawn(load_scenes(COUNT), options.parse_args().output))


def drawn(scenes: Scenes, file: Path) -> Path:
    """Draw the scenes and the maps of all methods."""
    grey = (scenes.batch.images * STD + MEAN).clamp(0, 1).permute(0, 2, 3, 1).numpy()
    rows = {"scene": [Picture(each) for each in grey]}
    return grid_of_maps(rows | {method: pictures_of(method, scenes) for method in METHODS}, file)


def pictures_of(method: str, scenes: Scenes) -> list[Picture]:
    """Return the magnitudes of a method's maps, each with its share on the object."""
    assert scenes.batch.targets is not None
    found = resolve_method(method)(load_checkpoint("resnet"), scenes.batch.images, scenes.batch.targets)
    assert isinstance(found, torch.Tensor)
    on_object, on_clutter = (mass_inside(found, masks) for masks in (scenes.objects, scenes.clutter))
    shares = (on_object / (on_object + on_clutter)).tolist()
    maps = reduced(found, "absolute").numpy()
    return [Picture(each, f"{share:.2f}") for each, share in zip(maps, shares, strict=True)]


if __name__ == "__main__":
    main()
