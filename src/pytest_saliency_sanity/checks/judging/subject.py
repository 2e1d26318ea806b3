"""What a check is put to: a method, on a model, and what they are looked at with."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import nn

from ...data.batch import Batch
from ...foundation.inference import images_for, logits_of
from ...methods.protocol import SaliencyMethod


@dataclass(frozen=True)
class MethodSubject:
    """A method with its name, and the seed of all that is drawn: what a check by itself needs."""

    method: SaliencyMethod
    method_name: str
    seed: int = field(default=0, kw_only=True)


@dataclass(frozen=True)
class Subject(MethodSubject):
    """A method on a model with their names, the images to explain, and the seed of all that is drawn.

    ``explain``: whether stages that are not judged are measured too if a check does not pass, for its message.
    """

    model: nn.Module = field(repr=False)
    model_name: str
    batch: Batch = field(repr=False)
    explain: bool = field(default=True, kw_only=True)


def require_fits(subject: Subject) -> None:
    """Raise ValueError, before long work, unless the model takes the images and gives logits."""
    images = images_for(subject.model, subject.batch.images)
    try:
        logits_of(subject.model, images[:2])
    except Exception as error:  # whatever the model does with images that are not for it
        raise ValueError(
            f"{subject.model_name} can't be asked about the images {tuple(images.shape)}: {type(error).__name__}: "
            f"{error}\nOverride the fixture saliency_batch with images for it, or wrap the model so that it returns "
            "logits (N, classes)"
        ) from error
