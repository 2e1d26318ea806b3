"""Cascading and independent randomisation of weights (the paper, section 4.2; Adebayo et al. 2018, section 3)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property

import torch
from torch import nn

from ..foundation.copying import copied
from ..foundation.errors import unknown_name
from ..foundation.inference import images_for, logits_of
from ..foundation.randomness import derived_seed
from ..foundation.reading import LAWS
from .laws import randomize
from .normalization import reestimate
from .stage import Stage
from .units import Unit, classifier_of, units_of

ORDERS = ("top_down", "bottom_up", "independent")


class CascadingRandomizer:
    """Randomised versions of a model, layer after layer: iterating over it yields a ``Stage`` for each.

    ``order``: ``"top_down"`` randomises from the last layer executed down to the first, each stage on top of the one
    before; ``"bottom_up"`` the other way; ``"independent"`` one layer at a time, all others as trained. ``law`` is one
    of ``"normal"`` (the paper's N(0, std^2), std = 0.01), ``"reinit"``, ``"permute"``, ``"match"``. ``images``
    ``(N, C, H, W)``: a batch to observe the order of execution on and to estimate normalisation statistics from; by
    default a few images of noise in a size that the model accepts.

    The given model is never changed. All stages share one working copy: use each before asking for the next. All
    weights of all layers come from one random stream, seeded by ``seed``.

    Raises ValueError if the order or law is unknown, ``std`` is not positive, the model has no parameters, or
    ``images`` is None and the model accepts no noise of the usual sizes.
    """

    repeats = True
    same_noise = False

    def __init__(
        self,
        model: nn.Module,
        *,
        order: str = "top_down",
        law: str = "normal",
        std: float = 0.01,
        seed: int = 0,
        images: torch.Tensor | None = None,
    ) -> None:
        if order not in ORDERS:
            raise unknown_name("order", order, ORDERS)
        if law not in LAWS:
            raise unknown_name("law", law, LAWS)
        if not std > 0:
            raise ValueError(f"std must be above 0, not {std!r}")
        self.model = model
        self.order = order
        self.law = law
        self.std = std
        self.seed = seed
        self.given_images = images
        # By size of the images. It does not depend on weights, so all draws and orders share it.
        self._executed: dict[torch.Size, list[Unit]] = {}

    def bind(self, images: torch.Tensor, seed: int) -> CascadingRandomizer:
        """Return the same randomisation for these images, with a seed derived from its own and ``seed``."""
        bound = CascadingRandomizer(
            self.model,
            order=self.order,
            law=self.law,
            std=self.std,
            seed=derived_seed(self.seed, seed),
            images=images_for(self.model, images),
        )
        bound._executed = self._executed
        return bound

    def in_order(self, order: str) -> CascadingRandomizer:
        """Return the same randomisation in another order of the layers."""
        other = CascadingRandomizer(
            self.model, order=order, law=self.law, std=self.std, seed=self.seed, images=self.given_images
        )
        other._executed = self._executed
        return other

    def _executed_on(self, images: torch.Tensor) -> list[Unit]:
        """Return ``executed`` for images of a size."""
        if images.shape[1:] not in self._executed:
            self._executed[images.shape[1:]] = units_of(self.model, images)
        return self._executed[images.shape[1:]]

    @cached_property
    def images(self) -> torch.Tensor:
        """The images on which the order of execution is observed."""
        return noise_for(self.model) if self.given_images is None else self.given_images

    @cached_property
    def executed(self) -> list[Unit]:
        """The units of the model and its other normalisation layers, in order of execution."""
        return self._executed_on(self.images)

    @property
    def units(self) -> list[Unit]:
        """The units of the model, in order of execution: each is a stage."""
        return [unit for unit in self.executed if unit.parameters]

    @property
    def classifier(self) -> tuple[str, ...]:
        """The names of the classifier's units, in order of execution."""
        return classifier_of(self.units)

    def names(self, at: str = "every") -> tuple[str, ...]:
        """Return the stages that ``at`` means: ``"every"``, ``"last"``, ``"classifier"`` or a stage's name.

        ``"classifier"`` is the stage at which the whole classifier has been randomised; with ``independent``, every
        layer of the classifier by itself. Raises ValueError if the name is not that of a stage.
        """
        ordered = tuple(unit.name for unit in self._ordered)
        if at == "every":
            return ordered
        if at == "last":
            return ordered[-1:]
        if at == "classifier":
            inside = tuple(name for name in ordered if name in self.classifier)
            return inside if self.order == "independent" else inside[-1:]
        if at not in ordered:
            raise unknown_name("stage", at, ("every", "last", "classifier", *ordered))
        return (at,)

    def __iter__(self) -> Iterator[Stage]:
        """Yield every stage."""
        return self.stages()

    def stages(self, names: Collection[str] | None = None) -> Iterator[Stage]:
        """Yield the named stages, in order (default: all). A stage does not depend on which others are named."""
        wanted = set(self.names() if names is None else names)
        generator = torch.Generator("cpu").manual_seed(self.seed)
        working = copied(self.model).eval()
        changed: Unit | None = None
        for unit in self._ordered:
            if changed and self.order == "independent":
                self._restore(changed, working)
            changed = unit
            module = working.get_submodule(unit.module)
            randomize(module, unit.parameters, law=self.law, std=self.std, generator=generator)
            if unit.name in wanted:
                yield self._stage(unit, working)
                wanted.discard(unit.name)
            if not wanted:
                return

    def _restore(self, unit: Unit, working: nn.Module) -> None:
        """Give a unit its trained parameters back, and all normalisation layers their statistics."""
        trained = dict(self.model.named_parameters()) | dict(self.model.named_buffers())
        own = {f"{unit.module}.{name}".removeprefix(".") for name in unit.parameters}
        with torch.no_grad():
            for name, tensor in (*working.named_parameters(), *working.named_buffers()):
                if name in own or not isinstance(tensor, nn.Parameter):
                    tensor.copy_(trained[name])

    @property
    def _ordered(self) -> list[Unit]:
        return self.units[::-1] if self.order == "top_down" else self.units

    def _stage(self, unit: Unit, working: nn.Module) -> Stage:
        # From the first randomised layer on, layers get another signal than the one they were trained on.
        changed = self.units[0] if self.order == "bottom_up" else unit
        first = self.executed.index(changed)
        reestimate(working, [each.module for each in self.executed[first:]], self.images)
        return Stage(unit.name, working, alive_on=self.images, first_changed=changed.module)


def noise_for(model: nn.Module) -> torch.Tensor:
    """Return four images of noise that the model accepts: as many channels as its first convolution takes.

    Raises ValueError if it accepts none of the usual sizes.
    """
    channels = next((module.in_channels for module in model.modules() if isinstance(module, nn.Conv2d)), 3)
    generator = torch.Generator("cpu").manual_seed(0)
    for size in (224, 64, 32, 28, 299, 384):
        images = torch.randn(4, channels, size, size, generator=generator, device="cpu")
        images = images_for(model, images)
        try:
            logits_of(model, images)
        except (RuntimeError, ValueError, AssertionError):
            continue
        return images
    raise ValueError(f"{type(model).__name__} accepts no images of the usual sizes: pass some as images=")
