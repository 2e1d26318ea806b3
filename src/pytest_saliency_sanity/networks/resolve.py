"""From what a user writes to a trained network: a name that the preset knows, or the import path of one's own."""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from ..foundation.errors import quoted, unknown_name
from ..foundation.imports import import_attribute
from ..foundation.signatures import misfit
from ..foundation.specs import Spec, parse_spec

if TYPE_CHECKING:
    import torch
    from torch import nn

    from .presets.protocol import PresetNetworks


def require_network_spec(text: str, names: Collection[str]) -> None:
    """Raise ValueError for a spec that names no network. Nothing is imported: of a path only the form is looked at.

    ``names``: those that the preset knows.
    """
    spec = parse_spec(text)
    if spec.layer:
        raise ValueError(f"{quoted(text)} is not of the form package.module:factory?keyword=value")
    if spec.attribute is None and text not in names:
        raise unknown_name("model", text, [*names, "package.module:factory"])


def find_network(text: str) -> Any:
    """Return what the import path of a network leads to: a network, or something to call.

    Raises ImportError if the module or attribute is missing, TypeError if it is neither of the two.
    """
    spec = parse_spec(text)
    found = import_attribute(spec.path)
    if not callable(found):
        raise TypeError(f"{text} names {found!r}, which is neither a network nor a function that returns one")
    if spec.keywords and is_network(found):
        raise TypeError(f"{text} names a network that is ready: it takes no keywords ({', '.join(spec.keywords)})")
    return found


def is_network(found: Any) -> bool:
    """Return whether what was found is a ready network. If torch was not imported, nothing is."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(found, torch.nn.Module)


def resolve_network(
    text: str, preset: PresetNetworks, names: Collection[str], device: torch.device | str = "cpu"
) -> nn.Module:
    """Return the trained network that a spec names, on the device.

    One of ``names`` goes to the preset, in evaluation mode. ``package.module:factory`` is a function or class that
    returns a network, called with the keywords of the spec (``torchvision.models:resnet18?weights=DEFAULT``), or a
    network itself, which is copied. A factory that draws weights at random draws the same in every process.

    Raises ValueError for an unknown name, ImportError if the module or attribute is missing, TypeError if it gives no
    ``torch.nn.Module``.
    """
    require_network_spec(text, names)
    return preset.network(text, device) if text in names else resolve_own_network(text).to(device)


def require_arguments(text: str, spec: Spec, factory: Any) -> None:
    """Raise TypeError if a factory does not take the keywords of its spec, or needs others."""
    if why := misfit(factory, **spec.keywords):
        raise TypeError(
            f"{text}: {why}. Give arguments after '?', as in {spec.path}?name=value, or name a function that needs none"
        )


def resolve_own_network(text: str) -> nn.Module:
    """Return the network that ``package.module:factory`` gives, or a copy of it. Raises as ``resolve_network``."""
    import copy

    from torch import nn

    from ..foundation.randomness import derived_seed, isolated_streams

    spec, factory = parse_spec(text), find_network(text)
    if isinstance(factory, nn.Module):
        model: object = copy.deepcopy(factory)
    else:
        require_arguments(text, spec, factory)
        with isolated_streams(derived_seed("model", text)):
            model = factory(**spec.keywords)
    if not isinstance(model, nn.Module):
        raise TypeError(f"{text} gives {type(model).__name__}, not a torch.nn.Module")
    return model
