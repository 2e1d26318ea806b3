"""The preset ``embedded``: narrow networks that come with the package, and held-out digits."""

from __future__ import annotations

from ...architectures import MODELS
from ..registry import BIAS_SCENARIO, MEMORIZED_MODEL, SCENES, Preset, Trained

PRESET = Preset(
    name="embedded",
    networks=tuple(MODELS),
    description="narrow copies of the paper's and a small residual network, which come with the package",
    images="held-out MNIST digits, for resnet among clutter",
    make="pytest_saliency_sanity.networks.presets.embedded.networks:EmbeddedNetworks",
    needs=(MEMORIZED_MODEL, BIAS_SCENARIO, SCENES),
    only={SCENES: ("resnet",)},
    trained=(
        Trained("embedded", "pytest_saliency_sanity.networks.presets.embedded.digits:shipped_digits", "output"),
        Trained("scenes", "pytest_saliency_sanity.networks.presets.embedded.scenes:shipped_scenes", "output"),
        Trained("bias", "pytest_saliency_sanity.networks.presets.embedded.bias:shipped_bias", "output"),
    ),
)
