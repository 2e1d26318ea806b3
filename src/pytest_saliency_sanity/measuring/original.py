"""A method's maps of a model as it is: what all checks of the method on the model compare other maps with."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, partial
from time import perf_counter
from typing import Any

import torch
from torch import nn

from ..foundation.copying import copied
from ..foundation.inference import evaluation_mode, images_for, logits_of
from ..foundation.limits import LEAST_IMAGES
from ..foundation.memory import room_for_maps, room_to_keep
from ..foundation.progress import expect, telling
from ..foundation.randomness import derived_seed
from ..methods.protocol import SaliencyMethod, shares_work
from .maps import maps_of
from .profile import TRAINED
from .similarities import SRC
from .trunk import Trunk, sharing_weights
from .view import View

# The most pixels of the images that are explained and compared at a time: 2,048 images of 64 x 64, 167 of 224 x 224.
# What is made of so many takes about half a gigabyte.
MOST_PIXELS = 2**23


@dataclass(eq=False)
class Original:
    """The maps of a model as it is, and the classes explained: drawn part by part, once each, and kept.

    ``name``: the method and the model, for errors. ``given``: the classes to explain, by default those that the model
    predicts. ``seed``: of the random streams during the calls of the method. ``seen``, ``compared_by``: as in ``View``.
    ``seconds``: how long an explanation took, 0 before the first.

    The method gets a copy of the model, so that whatever it does to it harms nobody else.
    """

    method: SaliencyMethod = field(repr=False)
    name: str
    model: nn.Module = field(repr=False)
    images: torch.Tensor = field(repr=False)
    given: torch.Tensor | None = field(default=None, repr=False)
    seed: int = 0
    seen: bool = False
    compared_by: str = SRC
    seconds: float = field(default=0.0, init=False)
    _targets: torch.Tensor | None = field(default=None, init=False, repr=False)
    _views: dict[tuple[int, int], View] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        self.images = images_for(self.model, self.images)

    @property
    def noise(self) -> int:
        """The seed of the random streams during the calls."""
        return derived_seed(self.seed, TRAINED)

    def targets(self, stop: int) -> torch.Tensor:
        """Return the classes to explain in the first ``stop`` images, the same at every stage: ``(stop,)``."""
        if self.given is not None:
            return self.given[:stop].to(self.images.device)
        known = 0 if self._targets is None else len(self._targets)
        if self._targets is None or known < stop:
            predicted = logits_of(self.model, self.images[known:stop]).argmax(1)
            self._targets = predicted if self._targets is None else torch.cat([self._targets, predicted])
        return self._targets[:stop]

    @property
    def most_images(self) -> int:
        """How many images are explained and compared at a time, at most."""
        return max(LEAST_IMAGES, MOST_PIXELS // self.images.shape[-2:].numel())

    @cached_property
    def trunk(self) -> Trunk:
        """What the layers of the model return, to be shared with the stages of cascades."""
        return Trunk(self.model, room_to_keep(self.images.device))

    def view(self, start: int, stop: int) -> View:
        """Return the maps of images ``start`` to ``stop``. Raises what ``maps_of`` raises."""
        if (start, stop) not in self._views:
            explain = partial(
                explained, self, start=start, stop=stop, targets=self.targets(stop), name=TRAINED, noise=self.noise
            )
            begin = perf_counter()
            with telling(self.name):
                expect(stop - start)
                if shares_work(self.method):
                    maps = self.trunk.shared_with(sharing_weights(self.model), None, (start, stop), explain)
                else:
                    maps = explain(copied(self.model))
            self.seconds = self.seconds or (perf_counter() - begin) / (stop - start)
            self._make_room()
            self._views[start, stop] = View(maps, seen=self.seen, compared_by=self.compared_by)
        return self._views[start, stop]

    def _make_room(self) -> None:
        """Give up the oldest maps, but for the first images', if all take more than their share of the memory."""
        room = room_for_maps(self.images.device)
        while len(self._views) > 1 and sum(view.nbytes for view in self._views.values()) > room:
            del self._views[list(self._views)[1]]

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs: it draws maps itself."""
        return {name: value for name, value in vars(self).items() if name not in ("_views", "trunk")} | {"_views": {}}


def explained(
    original: Original,
    model: nn.Module,
    start: int,
    stop: int,
    *,
    targets: torch.Tensor,
    name: str,
    noise: int,
    shift: float = 0.0,
    method: SaliencyMethod | None = None,
) -> torch.Tensor:
    """Return the maps that a method, by default the original's, draws of images ``start`` to ``stop`` for any model.

    ``targets``: the classes of the first ``stop`` images. ``name``: the stage. ``noise``: the seed of the random
    streams. ``shift``: added to every pixel.
    """
    images = original.images[start:stop]
    with evaluation_mode(model):
        return maps_of(
            method or original.method,
            model,
            images + shift if shift else images,
            targets[start:stop],
            name=f"{original.name}, {name}",
            seed=noise,
            first=start,
        )
