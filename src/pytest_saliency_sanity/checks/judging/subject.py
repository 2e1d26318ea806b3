"""What a check examines: a method on a model, with the images to explain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import torch
from torch import nn

from ...data.batch import Batch
from ...foundation.backends import Backend
from ...foundation.inference import how_to_wrap, images_for, logits_of
from ...foundation.limits import LEAST_IMAGES
from ...foundation.randomness import derived_seed
from ...foundation.reading import Reading
from ...foundation.threads import one_thread
from ...measuring.looks import Look, Looking, looking
from ...measuring.original import Original
from ...measuring.view import View
from ...methods.protocol import SaliencyMethod
from ..registry import IMAGES

Kept = TypeVar("Kept")
USUAL_DRAWS = 8


@dataclass(frozen=True)
class MethodSubject:
    """A method, its name, and the seed of all random draws: all that a check of the method alone needs.

    ``form``: the size ``(C, H, W)`` of the images of the run; None if there are none.
    """

    method: SaliencyMethod
    method_name: str
    seed: int = field(default=0, kw_only=True)
    form: tuple[int, int, int] | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class Subject(MethodSubject):
    """A method on a model with their names, the images to explain, and how the maps are read.

    ``more``: a batch that begins with these images and goes on, for answers that take more. ``all_images``: whether all
    images are explained; else as many as it takes until the answer is sure.
    ``memory``: the bytes that a measurement may take, by default a quarter of what is free. ``parallel``: where
    measuring is spread to; None: nowhere. ``explain``: whether more
    stages are measured if a check does not pass, to explain its verdict; ``illustrate``: whether they are if it passes,
    too, though on few images, to show the whole cascade. ``settles_findings``: whether more is measured
    until it is clear whether the magnitudes of maps with signs are a finding, too.

    What depends on the method, the model and the images alone is found once, and shared by all checks of the subject.
    """

    model: nn.Module = field(repr=False)
    model_name: str
    batch: Batch = field(repr=False)
    reading: Reading = field(default=Reading(), kw_only=True)
    more: Batch | None = field(default=None, repr=False, kw_only=True)
    all_images: bool = field(default=False, kw_only=True)
    memory: int | None = field(default=None, kw_only=True)
    parallel: Backend | None = field(default=None, kw_only=True)
    explain: bool = field(default=True, kw_only=True)
    illustrate: bool = field(default=False, kw_only=True)
    settles_findings: bool = field(default=True, kw_only=True)
    _kept: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    _weights: object = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_weights", versions_of(self.model))

    def is_still(self, other: Subject) -> bool:
        """Return whether the other subject is the same method on the same, unchanged model, with the same images."""
        return (
            self._weights == other._weights
            and replace(self, batch=other.batch, more=other.more) == other
            and len(self.batch) == len(other.batch)
            and is_same(self.most.images, other.most.images)
            and is_same(self.most.targets, other.most.targets)
        )

    def looking(self, draws: int, images: int | None = None) -> Looking:
        """Return how many images and draws are looked at, one look after the other, by a check of so many draws.

        ``images``: how many there are, by default those of the subject. Raises SaliencyMethodError if the method
        raises, since its first maps are timed.
        """
        count = len(self.most) if images is None else images
        if count < LEAST_IMAGES:  # the verdict says that there are too few
            return Looking((Look(count, draws),), self.reading.confidence)
        fixed = count if self.all_images else None
        return looking(count, draws, self.reading.confidence, fixed=fixed, seconds=self.seconds)

    @property
    def seconds(self) -> float:
        """How long an explanation takes. Raises SaliencyMethodError if the method raises."""
        if not self.original.seconds:
            self.first_view  # noqa: B018  (it is timed)
        return self.original.seconds

    @property
    def cost(self) -> float:
        """How many seconds a question takes, roughly, if its first look is enough."""
        return self.seconds * self.looking(USUAL_DRAWS).looks[0].explanations

    @property
    def first_view(self) -> View:
        """The maps that are looked at first."""
        count = min(len(self.batch), self.original.most_images if self.all_images else LEAST_IMAGES)
        return self.original.view(0, count)

    @property
    def sample(self) -> torch.Tensor:
        """The images of ``batch``, for which interventions are made, on the model's device and in its precision."""
        return self.original.images[: len(self.batch)]

    @property
    def most(self) -> Batch:
        """The images that may be looked at."""
        return self.more or self.batch

    @cached_property
    def original(self) -> Original:
        """The method's maps of the model as it is, rounded to what a screen can show."""
        return Original(
            method=self.method,
            name=f"{self.method_name} on {self.model_name}",
            model=self.model,
            images=self.most.images,
            given=self.most.targets,
            seed=derived_seed(self.seed, self.model_name),
            seen=True,
        )

    def to_ask_for_more(self, verdict: str) -> str:
        """Return a sentence on how to ask for more than was asked for, since the method is slow; none if it passed."""
        if verdict == "passed":
            return ""
        return (
            f"An explanation takes {self.original.seconds:.2g} s, so fewer than usual were asked for: "
            f"--saliency-images={IMAGES}, or images={IMAGES} of check_method, asks for more."
        )

    def once(self, name: str, make: Callable[[], Kept]) -> Kept:
        """Return what ``make`` returns, called only by the first check that asks for ``name``."""
        if name not in self._kept:
            self._kept[name] = make()
        kept: Kept = self._kept[name]
        return kept


def is_same(one: torch.Tensor | None, other: torch.Tensor | None) -> bool:
    """Return whether two tensors are equal, or both are None."""
    if one is None or other is None:
        return one is other
    return one.device == other.device and torch.equal(one, other)


def versions_of(model: nn.Module) -> object:
    """Return what changes if a model's parameters or buffers are changed in place or replaced."""
    tensors = [*model.parameters(), *model.buffers()]
    return [(each.data_ptr(), None if each.is_inference() else each._version) for each in tensors]


def require_fits(subject: Subject) -> None:
    """Raise ValueError, before any long work, unless the model takes the images and returns logits."""
    images = images_for(subject.model, subject.batch.images)
    try:
        with one_thread():
            logits = logits_of(subject.model, images[:2])
        if logits.shape[1] == 1:
            raise ValueError(f"it has one class only{how_to_wrap(logits, len(logits))}")
    except Exception as error:  # a model can raise anything for images that do not fit it
        raise ValueError(
            f"{subject.model_name} can't be run on the images {tuple(images.shape)}: {type(error).__name__}: "
            f"{error}\nOverride the fixture saliency_batch with images that fit it, or wrap the model so that it "
            "returns logits (N, classes), two or more"
        ) from error
