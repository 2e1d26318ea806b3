"""What bias detection is asked with: a biased and a balanced model, images against the stereotype, and the nuisance."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import nn

from ..foundation.inference import images_for, logits_of
from ..foundation.limits import require_enough_images, require_share
from ..foundation.threads import one_thread
from .batch import Batch
from .masks import require_masks


@dataclass(frozen=True, eq=False)
class BiasScenario:
    """Two models that differ in what they were trained on, and images on which that shows.

    ``biased_model``: trained on data whose nuisance goes with the class. ``balanced_model``: on data where it does not.
    ``batch``: at least ten images, best those that contradict the stereotype; without targets, each model explains the
    class that it predicts. ``nuisance_masks``: bool ``(N, H, W)``, True where the nuisance is in each image.
    ``threshold``: what the mean drop must be above, if the networks differ less than those that the check's own was
    calibrated on.

    Raises TypeError or ValueError if these do not fit together.
    """

    biased_model: nn.Module = field(repr=False)
    balanced_model: nn.Module = field(repr=False)
    batch: Batch = field(repr=False)
    nuisance_masks: torch.Tensor = field(repr=False)
    threshold: float | None = None

    def __post_init__(self) -> None:
        require_enough_images(len(self.batch))
        require_masks(self.nuisance_masks, self.batch.images)
        if self.threshold is not None:
            require_share(self.threshold)
        biased, balanced = (
            classes_of(model, self.batch.images, name)
            for model, name in ((self.biased_model, "biased_model"), (self.balanced_model, "balanced_model"))
        )
        if biased != balanced:
            raise ValueError(
                f"biased_model has {biased} classes and balanced_model {balanced}: they must tell the same classes"
            )


def classes_of(model: nn.Module, images: torch.Tensor, name: str) -> int:
    """Return how many classes a model tells; ValueError if it does not take the images or gives no logits."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"{name} must be a torch.nn.Module, not {type(model).__name__}")
    try:
        with one_thread():
            return logits_of(model, images_for(model, images[:2])).shape[1]
    except Exception as error:  # whatever the model does with images that are not for it
        raise ValueError(
            f"{name} can't be asked about the images {tuple(images.shape)}: {type(error).__name__}: {error}"
        ) from error
