"""The preset ``embedded``: narrow networks that come with the package, and held-out digits."""

from __future__ import annotations

from ...architectures import MODELS
from ..registry import BIAS_SCENARIO, MEMORIZED_MODEL, Preset, Trained

PRESET = Preset(
    name="embedded",
    networks=tuple(MODELS),
    description="narrow copies of the paper's, which come with the package",
    images="held-out MNIST digits",
    make="pytest_saliency_sanity.networks.presets.embedded.networks:EmbeddedNetworks",
    needs=(MEMORIZED_MODEL, BIAS_SCENARIO),
    trained=(
        Trained("embedded", "pytest_saliency_sanity.networks.presets.embedded.digits:shipped_digits", "output"),
        Trained("bias", "pytest_saliency_sanity.networks.presets.embedded.bias:shipped_bias", "output"),
    ),
)
