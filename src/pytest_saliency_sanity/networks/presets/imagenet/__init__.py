"""The preset ``imagenet``: torchvision's networks with their ImageNet weights, and photographs of the user's."""

from __future__ import annotations

from ...architectures import MODELS
from ..registry import Preset

PRESET = Preset(
    name="imagenet",
    networks=tuple(MODELS),
    description="torchvision's (resnet: resnet18), with their ImageNet weights",
    images="photographs of yours",
    make="pytest_saliency_sanity.networks.presets.imagenet.networks:ImageNetNetworks",
    options=("data", "weights"),
    most_images=80,  # each is read from its file before the first is explained
)
