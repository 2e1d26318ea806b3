"""What a check examines: a method on a model, with the images to explain."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import nn

from ...data.batch import Batch
from ...foundation.inference import images_for, logits_of
from ...foundation.reading import Reading
from ...foundation.threads import one_thread
from ...methods.protocol import SaliencyMethod


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

    ``explain``: whether more stages are measured if a check does not pass, to explain its verdict.
    """

    model: nn.Module = field(repr=False)
    model_name: str
    batch: Batch = field(repr=False)
    reading: Reading = field(default=Reading(), kw_only=True)
    explain: bool = field(default=True, kw_only=True)


def require_fits(subject: Subject) -> None:
    """Raise ValueError, before any long work, unless the model takes the images and returns logits."""
    images = images_for(subject.model, subject.batch.images)
    try:
        with one_thread():
            logits_of(subject.model, images[:2])
    except Exception as error:  # a model can raise anything for images that do not fit it
        raise ValueError(
            f"{subject.model_name} can't be run on the images {tuple(images.shape)}: {type(error).__name__}: "
            f"{error}\nOverride the fixture saliency_batch with images that fit it, or wrap the model so that it "
            "returns logits (N, classes)"
        ) from error
