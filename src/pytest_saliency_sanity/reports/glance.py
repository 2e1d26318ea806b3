"""A glance at a method's maps: a few values of a few maps, by which methods that draw the same picture are known."""

from __future__ import annotations

from typing import Any

import torch

from ..checks.judging.subject import SIGN, Subject
from ..foundation.errors import SaliencyMethodError
from ..foundation.inference import images_for, logits_of
from ..measuring.maps import maps_of, reduced
from ..methods.controls import image_itself
from ..methods.gradient import gradient
from ..methods.protocol import SaliencyMethod

IMAGES, POSITIONS = 3, 32
COMPARED = {"gradient": gradient, "input": image_itself}


def glance_at(subject: Subject) -> dict[str, Any]:
    """Return plain values: a glance at the method's maps, at the plain gradient's and the input's, and its layer.

    A map is known by its size and by some absolute values relative to its largest; None where it can't be had.
    """
    images = images_for(subject.model, subject.batch.images[:IMAGES])
    targets = logits_of(subject.model, images).argmax(1)

    def at(method: SaliencyMethod) -> dict[str, Any] | None:
        try:
            maps = maps_of(method, subject.model, images, targets, name="a glance", seed=subject.seed)
        except SaliencyMethodError:
            return None  # the checks will say why
        return glance(reduced(maps, SIGN))

    compared = {name: at(method) for name, method in COMPARED.items()}
    return {
        "method": subject.method_name,
        "model": subject.model_name,
        "layer": layer_of(subject, images[:1]),
        "maps": at(subject.method),
        "compared": compared,
    }


def layer_of(subject: Subject, image: torch.Tensor) -> str | None:
    """Return the name of the layer that a method looks at, if it says so."""
    ask = getattr(subject.method, "layer_of", None)
    try:
        return str(found) if ask and (found := ask(subject.model, image)) else None
    except Exception:  # a layer that the model does not have, or whatever the model does: the checks will say
        return None


def glance(maps: torch.Tensor) -> dict[str, Any]:
    """Return the size of maps ``(N, h, w)`` and, of each, some values relative to its largest."""
    flat = maps.double().cpu().flatten(1)
    where = torch.linspace(0, flat.shape[1] - 1, POSITIONS).round().long()
    largest = flat.amax(1, keepdim=True)
    relative = (flat / largest).masked_fill(largest == 0, 0).nan_to_num()[:, where]
    return {"size": list(maps.shape[1:]), "values": [[round(value, 6) for value in row] for row in relative.tolist()]}
