"""The trained networks by name, for anybody's scripts and tests."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from ..foundation.errors import unknown_name
from .presets.registry import MEMORIZED_MODEL, PRESETS
from .training.digits import RANDOM, TRUE

LABELS = (TRUE, RANDOM)


def load_checkpoint(
    name: str,
    labels: str = TRUE,
    preset: str = "embedded",
    *,
    cache_dir: Path | str | None = None,
    device: torch.device | str = "cpu",
) -> nn.Module:
    """Return a trained network in evaluation mode, on the CPU in float32.

    ``name``: ``"alexnet"`` or ``"vgg11"``. ``labels``: ``"true"``, or ``"random"`` for the network that memorised
    random labels. ``preset``: ``"embedded"``, the narrow networks that the package ships; or ``"paper"``, the paper's
    own, which are trained on ``device`` on first use (2 to 40 minutes each on two cores) and kept in
    ``cache_dir``, by default the folder of ``$SALIENCY_SANITY_CACHE_DIR`` or the user's cache folder. Other packages
    may add presets.

    Raises ValueError for a name that does not exist, CheckpointError for a file that is missing or damaged or a folder
    that cannot be written to.
    """
    presets = {each.name: each for each in PRESETS.all().values() if MEMORIZED_MODEL in each.needs}
    if preset not in presets:
        raise unknown_name("preset", preset, presets)
    chosen = presets[preset]
    for kind, value, allowed in (("model", name, chosen.networks), ("labels", labels, LABELS)):
        if value not in allowed:
            raise unknown_name(kind, value, allowed)
    networks = chosen.open(**({"cache_dir": cache_dir} if "cache_dir" in chosen.options else {}))
    if labels == TRUE:
        return networks.network(name, device).cpu()
    memorized = networks.supply(MEMORIZED_MODEL, name, 0, device)
    assert isinstance(memorized, nn.Module)
    return memorized.cpu()
