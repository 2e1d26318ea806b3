"""The shipped networks of the bias scenario: for each architecture a biased one and a balanced one."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from ...data.biased_digits import KINDS
from ...foundation.errors import CheckpointError, unknown_name
from ..architectures import MODELS
from . import store

BIAS = Path(__file__).parents[1] / "weights" / "bias"
REBUILD = "python -m pytest_saliency_sanity checkpoints train --preset bias"


def load_bias_checkpoint(name: str, kind: str) -> nn.Module:
    """Return a network of two classes in evaluation mode, on the CPU in float32.

    ``name``: ``"alexnet"`` or ``"vgg11"``. ``kind``: ``"biased"`` or ``"balanced"``, what it was trained on.

    Raises ValueError for a name that does not exist, CheckpointError for a file that is missing or damaged.
    """
    for what, value, allowed in (("model", name, MODELS), ("kind of data", kind, KINDS)):
        if value not in allowed:
            raise unknown_name(what, value, allowed)
    try:
        claims = store.read_manifest(BIAS)["checkpoints"].get(f"{name}-{kind}")
        if claims is None:
            raise CheckpointError(f"{BIAS / 'manifest.json'} lists no {name}-{kind}. Rebuild it: {REBUILD}")
        return store.load_weights(BIAS / claims["file"], claims)
    except CheckpointError as error:  # which knows how to rebuild the embedded ones
        raise CheckpointError(str(error).replace(store.REBUILD, REBUILD)) from error
