"""torchvision's networks with their ImageNet weights: downloaded by torchvision, or read from a file."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
from safetensors.torch import load_file
from torch import nn

from ...foundation.errors import CheckpointError
from .networks import in_float32
from .unreadable import ANEW, PICKLE, ZIP, diagnosis

WEIGHTS = "IMAGENET1K_V1"
OF_TORCHVISION = {"resnet": "resnet18"}  # what torchvision calls a network, if it is not what we do
# How torch.hub names files that it verifies: with the first digits of their SHA-256, as in alexnet-owt-7be5be79.pth.
HASH_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.[a-z]+$")


def load_pretrained(name: str, file: Path | None = None) -> nn.Module:
    """Return torchvision's network ``name`` with ImageNet weights, in evaluation mode on the CPU in float32.

    ``name``: ``"alexnet"``, ``"vgg11"``, or ``"resnet"`` for resnet18.

    Without ``file``, torchvision downloads its own weights (``IMAGENET1K_V1``) to its own cache, or finds them there.
    ``file``: a state dict, as safetensors or as ``torch.save`` writes it; of a pickle only tensors are read.

    Raises ImportError without torchvision; CheckpointError if the weights cannot be fetched, are damaged, are not what
    the hash in the file's name says, or belong to another network.
    """
    try:
        from torchvision import models
    except ImportError as error:
        raise ImportError(
            "the preset imagenet needs torchvision: pip install 'pytest-saliency-sanity[imagenet]'"
        ) from error
    theirs = OF_TORCHVISION.get(name, name)
    weights = models.get_model_weights(theirs)[WEIGHTS]
    if file is None:
        source = Path(torch.hub.get_dir()) / "checkpoints" / Path(weights.url).name
        state = _downloaded(name, weights, source)
    else:
        source, state = file, read_weights(file)
    with torch.device("meta"):  # no time and no random numbers for weights that are replaced at once
        model: nn.Module = models.get_model(theirs, weights=None)
    require_fits(state, model, f"{source} does not fit {name}")
    model.load_state_dict(in_float32(state), assign=True)
    return model.eval()


def read_weights(file: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of a weights file, on the CPU.

    Raises CheckpointError if it is missing, damaged, not a state dict, or not what the hash in its name says.
    """
    try:
        with file.open("rb") as stream:
            start = stream.read(1024)
        require_hash(file)
    except OSError as error:
        raise _unreadable(file, error.strerror or str(error), ANEW) from error
    try:
        state = _read(file, start)
    except Exception as error:  # unpickling fails in every way that damage leads to
        raise _unreadable(file, *diagnosis(file, start, error)) from None  # theirs tells to read it without safety
    if not isinstance(state, Mapping) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise CheckpointError(f"{file} holds no state dict (names and tensors): save model.state_dict()")
    return dict(state)


def _read(file: Path, start: bytes) -> Any:
    if file.suffix == ".safetensors":
        return load_file(file)
    if not start.startswith((ZIP, PICKLE)):
        raise ValueError("PyTorch would take it for an archive of old, and make a folder for it")
    with warnings.catch_warnings(action="ignore"):  # of TorchScript and of new pickles: an error follows
        return torch.load(file, map_location="cpu", weights_only=True)


def _unreadable(file: Path, reason: str, todo: str) -> CheckpointError:
    return CheckpointError(f"{file} can't be read as weights ({reason}): {todo}")


def require_hash(file: Path) -> None:
    """Raise CheckpointError if the name of a file gives its SHA-256 and the file has another; OSError without it."""
    named = HASH_IN_NAME.search(file.name)
    if named:
        with file.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        if not sha256.startswith(named[1]):
            raise CheckpointError(
                f"{file} is damaged: its SHA-256 begins with {sha256[: len(named[1])]}, and its name says {named[1]}. "
                "Delete it and fetch it anew"
            )


def require_fits(state: Mapping[str, torch.Tensor], model: nn.Module, problem: str) -> None:
    """Raise CheckpointError, which begins with ``problem``, unless names and shapes are those of the model."""
    wanted = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    given = {name: tuple(tensor.shape) for name, tensor in state.items()}
    differences = [
        *(f"{name} is missing" for name in wanted.keys() - given.keys()),
        *(f"{name} is none of its tensors" for name in given.keys() - wanted.keys()),
        *(
            f"{name} has the shape {given[name]}, not {wanted[name]}"
            for name in wanted.keys() & given.keys()
            if given[name] != wanted[name]
        ),
    ]
    if differences:
        more = f", and {len(differences) - 3} more" if len(differences) > 3 else ""
        raise CheckpointError(f"{problem}: {'; '.join(sorted(differences)[:3])}{more}")


def _downloaded(name: str, weights: Any, cached: Path) -> dict[str, torch.Tensor]:
    """Return torchvision's own weights, through its own loader and cache."""
    try:
        if not cached.exists():
            weights.get_state_dict(progress=True, check_hash=True)
    except (URLError, OSError, RuntimeError) as error:
        raise CheckpointError(
            f"the weights of {name} can't be fetched from {weights.url} ({error}). On a machine without internet give "
            f"a file: --saliency-weights={name}=FILE"
        ) from error
    # torch.hub verifies what it downloads, not what it finds in its cache.
    return read_weights(cached)
