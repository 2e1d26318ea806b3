"""The preset ``paper``: the paper's own networks, trained on first use, and held-out digits."""

from __future__ import annotations

from ...architectures import OF_THE_PAPER
from ..registry import MEMORIZED_MODEL, Preset, Trained

PRESET = Preset(
    name="paper",
    networks=OF_THE_PAPER,
    description="the paper's own, which are trained on first use and kept",
    images="held-out MNIST digits",
    make="pytest_saliency_sanity.networks.presets.paper.networks:PaperNetworks",
    needs=(MEMORIZED_MODEL,),
    options=("cache_dir",),
    trained=(Trained("paper", "pytest_saliency_sanity.networks.presets.paper.networks:cached_networks", "cache_dir"),),
)
