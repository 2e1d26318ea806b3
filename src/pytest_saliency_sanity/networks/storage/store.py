"""The shipped checkpoints: weights as safetensors in half precision, and a manifest with every claim about them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save
from torch import nn

from ...foundation.errors import CheckpointError, unknown_name
from ..architectures import MODELS, build_model
from ..names import LABELS, MEMORIZED
from .files import write_whole

EMBEDDED = Path(__file__).parents[1] / "weights" / "embedded"
CLAIMS = ("file", "sha256", "network", "recipe")  # what loading needs
REBUILD = "python -m pytest_saliency_sanity checkpoints train --preset embedded"


def load_checkpoint(
    name: str,
    labels: str = "true",
    preset: str = "embedded",
    *,
    cache_dir: Path | str | None = None,
    device: torch.device | str = "cpu",
) -> nn.Module:
    """Return a trained network in evaluation mode, on the CPU in float32.

    ``name``: ``"alexnet"`` or ``"vgg11"``. ``labels``: ``"true"``, or ``"random"`` for the network that memorised
    random labels. ``preset``: ``"embedded"``, the narrow networks that the package ships; or ``"paper"``, the paper's
    own, which are trained on ``device`` on first use (2 to 40 minutes each on two cores) and kept in
    ``cache_dir``, by default the folder of ``$SALIENCY_SANITY_CACHE_DIR`` or the user's cache folder.

    Raises ValueError for a name that does not exist, CheckpointError for a file that is missing or damaged or a folder
    that can't be written to.
    """
    for kind, value, allowed in (("model", name, MODELS), ("labels", labels, LABELS), ("preset", preset, MEMORIZED)):
        if value not in allowed:
            raise unknown_name(kind, value, allowed)
    if preset == "paper":
        from ..presets.paper import load_paper_checkpoint

        return load_paper_checkpoint(name, labels, cache_dir, device=device)
    claims = read_manifest()["checkpoints"].get(f"{name}-{labels}")
    if claims is None:
        raise CheckpointError(f"{EMBEDDED / 'manifest.json'} lists no {name}-{labels}. Rebuild it: {REBUILD}")
    return load_weights(EMBEDDED / claims["file"], claims)


def load_weights(file: Path, claims: dict[str, Any]) -> nn.Module:
    """Return the network that ``claims`` describe, with the weights of ``file``, whose hash is verified."""
    weights = _read(file)
    if hashlib.sha256(weights).hexdigest() != claims["sha256"]:
        raise CheckpointError(f"{file} is damaged: its SHA-256 is not the manifest's. Rebuild it: {REBUILD}")
    return ready(claims["network"], claims["recipe"]["width"], load(weights), claims.get("classes", 10))


def ready(network: str, width: float, weights: Mapping[str, torch.Tensor], classes: int = 10) -> nn.Module:
    """Return a network with its trained weights, in float32 and evaluation mode."""
    with torch.device("meta"):  # no time and no random numbers for weights that are replaced at once
        model = build_model(network, width, classes)
    model.load_state_dict({name: tensor.float() for name, tensor in weights.items()}, assign=True)
    # Convolutions with few channels are 1.6 times as fast in this layout on a CPU.
    return model.eval().to(memory_format=torch.channels_last)


def read_manifest(folder: Path = EMBEDDED) -> dict[str, Any]:
    """Return the manifest; CheckpointError where it is missing, no JSON, or lacks the claims of a checkpoint."""
    file = folder / "manifest.json"
    try:
        manifest: dict[str, Any] = json.loads(_read(file))
        for claims in manifest["checkpoints"].values():
            _ = [claims[claim] for claim in CLAIMS]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{file} is damaged ({error!r}). Rebuild it: {REBUILD}") from error
    return manifest


def save_checkpoint(model: nn.Module, claims: dict[str, Any], folder: Path = EMBEDDED) -> dict[str, Any]:
    """Write a network's weights in half precision and its claims to the manifest; return the claims as written."""
    key = f"{claims['network']}-{claims['labels']}"
    weights = save({name: tensor.half() for name, tensor in model.state_dict().items()})
    written = {"file": f"{key}.safetensors", "sha256": hashlib.sha256(weights).hexdigest(), **claims}
    manifest: dict[str, Any] = (
        read_manifest(folder) if (folder / "manifest.json").exists() else {"format": 1, "checkpoints": {}}
    )
    manifest["checkpoints"] = dict(sorted({**manifest["checkpoints"], key: written}.items()))
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / written["file"], weights)
    write_whole(folder / "manifest.json", (json.dumps(manifest, indent=2) + "\n").encode())
    return written


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{file} can't be read ({error.strerror}). Rebuild it: {REBUILD}") from error
