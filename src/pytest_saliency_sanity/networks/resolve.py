"""From what a user writes to a trained network: a built-in name, or the import path of one's own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from ..foundation.errors import unknown_name
from ..foundation.imports import import_attribute
from ..foundation.specs import parse_spec
from .architectures import MODELS

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from torch import nn


def require_model_spec(text: str) -> None:
    """Raise ValueError for a spec that names no network. Nothing is imported: of a path only the form is looked at."""
    spec = parse_spec(text)
    if spec.layer:
        raise ValueError(f"{text!r} is not of the form package.module:factory?keyword=value")
    if spec.attribute is None and text not in MODELS:
        raise unknown_name("model", text, [*MODELS, "package.module:factory"])


def has_twin(text: str) -> bool:
    """Return whether a network comes with its twin that memorised random labels: the built-in ones do."""
    return text in MODELS


def find_model(text: str) -> Any:
    """Return what the import path of a network leads to: something to call. Raises as ``resolve_model``."""
    spec = parse_spec(text)
    found = import_attribute(spec.path)
    if not callable(found):
        raise TypeError(f"{text} names {found!r}, which is neither a network nor a function that returns one")
    if spec.keywords and is_network(found):
        raise TypeError(f"{text} names a network that is ready: it takes no keywords ({', '.join(spec.keywords)})")
    return found


def is_network(found: Any) -> bool:
    """Return whether what was found is a ready network. Where torch was not imported, nothing is."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(found, torch.nn.Module)


def resolve_model(
    text: str,
    preset: str = "embedded",
    cache_dir: Path | str | None = None,
    device: torch.device | str = "cpu",
) -> nn.Module:
    """Return the trained network that a spec names.

    A built-in name, which ``load_checkpoint`` resolves; or ``package.module:factory``, a function or class that returns
    a network, called with the keywords of the spec (``torchvision.models:resnet18?weights=DEFAULT``), or a network
    itself, which is copied. A factory that draws weights at random draws the same in every process.

    Raises ValueError for an unknown name, ImportError where the module or attribute is missing, TypeError where it
    gives no ``torch.nn.Module``.
    """
    import copy

    from torch import nn

    from ..foundation.randomness import derived_seed, isolated_streams
    from .storage.store import load_checkpoint

    require_model_spec(text)
    if text in MODELS:
        return load_checkpoint(text, preset=preset, cache_dir=cache_dir, device=device)
    spec, factory = parse_spec(text), find_model(text)
    if isinstance(factory, nn.Module):
        model: object = copy.deepcopy(factory)
    else:
        with isolated_streams(derived_seed("model", text)):
            model = factory(**spec.keywords)
    if not isinstance(model, nn.Module):
        raise TypeError(f"{text} gives {type(model).__name__}, not a torch.nn.Module")
    return model
