"""The shipped residual network that learned scenes, and its twin that memorised some with random labels."""

from __future__ import annotations

from pathlib import Path

from ...storage.shipped import ShippedNetworks
from ...training.recipe import Recipe
from ...training.scenes import scenes_family
from ..registry import SCENES as NEED
from . import PRESET

FOLDER = Path(__file__).parents[2] / "weights" / "scenes"

RECIPE = Recipe(
    width=0.375,
    initialization="kaiming_normal",
    optimizer="adam",
    learning_rate=0.003,
    target=0.85,
    least_epochs=30,
    most_epochs=30,
    precision="float16",
    batch_size=32,
    layout="channels_last",
    decay=True,
    # A fifth of the range from black to white, as SmoothGrad adds: it asks what the network does with noisy images.
    noise=0.65,
)
SCENES = scenes_family("scenes", RECIPE, PRESET.only[NEED], least_held_out=0.85)


def shipped_scenes(folder: Path | None = None) -> ShippedNetworks:
    """Return the networks in a folder, by default the package's own."""
    return ShippedNetworks(SCENES, folder or FOLDER)
