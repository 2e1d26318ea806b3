"""Samples a method's maps, to find methods that draw the same picture (see ``reports.glances``)."""

from __future__ import annotations

from dataclasses import replace

import torch

from ..checks.answering import suited_to
from ..checks.judging.subject import Subject
from ..foundation.copying import copied
from ..foundation.errors import SaliencyMethodError
from ..foundation.timeouts import Overdue
from ..measuring.maps import reduced
from ..methods.controls import image_itself
from ..methods.gradient import gradient
from .glances import Glance, Sample

IMAGES, POSITIONS = 3, 32
COMPARED = {"gradient": gradient, "input": image_itself}


def glance_at(subject: Subject) -> Glance:
    """Return samples of the method's maps, the plain gradient's and the input's, and the method's layer."""
    images = subject.original.images[:IMAGES]
    with suited_to(subject):
        targets = subject.original.targets(len(images))
        compared = {name: method(subject.model, images, targets) for name, method in COMPARED.items()}
        maps = _maps_of(subject)
        own = replace(subject, model=copied(subject.model))  # a method can do anything to it
        return Glance(
            method=subject.method_name,
            model=subject.model_name,
            layer=layer_of(own, images[:1]),
            maps=maps,
            seconds=subject.original.seconds,
            cost=subject.cost if maps else 0.0,
            compared={name: sample_of(reduced(maps, subject.reading.sign)) for name, maps in compared.items()},
        )


def layer_of(subject: Subject, image: torch.Tensor) -> str:
    """Return the name of the layer that a method explains; empty if it does not say."""
    ask = getattr(subject.method, "layer_of", None)
    try:
        return str(ask(subject.model, image) or "") if ask else ""
    except (KeyboardInterrupt, Overdue):
        raise
    except BaseException:  # the layer does not exist, or the model raises: the checks report it
        return ""


def sample_of(maps: torch.Tensor) -> Sample:
    """Return the size of maps ``(N, h, w)`` and some values of each map, relative to its largest."""
    flat = maps.double().cpu().flatten(1)
    positions = torch.linspace(0, flat.shape[1] - 1, POSITIONS).round().long()
    largest = flat.abs().amax(1, keepdim=True)
    relative = (flat / largest).masked_fill(largest == 0, 0).nan_to_num()[:, positions]
    values = tuple(tuple(round(value, 6) for value in row) for row in relative.tolist())
    return Sample(tuple(maps.shape[1:]), values)


def _maps_of(subject: Subject) -> Sample | None:
    """Return a sample of the maps that the checks look at first."""
    try:
        maps = subject.first_view.maps
    except SaliencyMethodError as error:
        if isinstance(error.__cause__, Exception | None):
            return None  # the checks report it
        raise  # what would end or skip a test comes only once if it is the alarm of another plugin's time limit
    return sample_of(reduced(maps[:IMAGES], subject.reading.sign))
