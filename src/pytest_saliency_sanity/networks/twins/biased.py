"""A biased and a balanced copy of a user's own network, so that bias detection is asked of it too.

Both are fine-tuned from the trained weights, as the paper's network was (section 4.3), on the same images: each is
marked in its nuisance region, once with every mark. The biased one learns to tell the mark, the balanced one the
class. So it is known what each of them uses: the other of the two says nothing about its labels (after Zhou et al.
2022, arXiv:2104.14403), if the masks do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from ...data.batch import Batch
from ...data.bias_scenario import BiasScenario
from ...data.marks import BALANCED, BIASED, MarkedImages
from ...data.masks import require_masks
from ...data.named import images_named, masks_named
from ..storage.record import digest
from ..training.recipe import Recipe
from ..training.training import Training, TrainingData
from .files import load
from .own import OwnNetwork, own_recipe, trainable

# The share of held-out images whose label each must tell; for the balanced one, that of the paper's (section 4.3).
TARGETS = {BIASED: 0.95, BALANCED: 0.81}
# Between the highest bound of the drop of an edge map with the gradient's signs, 0.008, and the lowest of the gradient,
# 0.013, for eighteen pairs (docs/bias.md). That of a method which ignores the network is 0.
THRESHOLD = 0.01
CALLED = {BIASED: "the marks of {} held-out images", BALANCED: "the classes of {} held-out images, with every mark"}
LEAST_EPOCHS = 5  # what a network learned before fades slowly, and its gradient shows that, too
OTHERWISE = {
    BIASED: "give larger masks: too few stripes may fit into them",
    BALANCED: "give images whose classes the network tells, and masks that leave what it tells them by",
}


@dataclass(frozen=True)
class BiasedPair:
    """What a pair is made from. ``own``: the network; ``marked``: the images that it learns."""

    own: OwnNetwork
    marked: MarkedImages
    seed: int = 0
    learning_rate: float = 3e-4
    most_epochs: int = 300

    def classes(self, device: torch.device) -> int:
        """Return how many classes the network tells. Raises as ``OwnNetwork.classes``, and ValueError if too few."""
        classes = self.own.classes(self.marked.batch.images, device)
        if classes <= (most := int(self.marked.classes.max())):
            raise ValueError(
                f"{self.own.spec} tells the classes 0 to {classes - 1}, and the images have the class {most}"
            )
        return classes

    def training(self, kind: str, device: torch.device) -> Training:
        """Return the training of a kind at its beginning. Raises as ``classes``."""
        learned, held_out = in_float(self.marked.learned(kind)), in_float(self.marked.held_out(kind))
        called = CALLED[kind].format(len(held_out) // len(self.marked.classes))
        data = TrainingData(learned, held_out, called, self.classes(device))
        make = partial(trainable, self.own.copy())
        return Training(self.own.spec, data, self.recipe(kind), self.seed, device, make=make)

    def recipe(self, kind: str) -> Recipe:
        """How a kind is trained."""
        least = min(LEAST_EPOCHS, self.most_epochs)
        return own_recipe(self.learning_rate, TARGETS[kind], self.most_epochs, least)

    def facts(self, kind: str) -> dict[str, Any]:
        """What the weights of a kind depend on."""
        return {
            "of": self.own.spec,
            "kind": kind,
            "network": digest(self.own.tensors(), ""),
            "images": fingerprint(self.marked),
            "seed": self.seed,
            "recipe": self.recipe(kind).facts(),
        }


def in_float(batch: Batch) -> Batch:
    """Return a batch in float32."""
    return Batch(batch.images.float(), batch.targets)


def fingerprint(marked: MarkedImages) -> str:
    """Return what tells these images, classes and masks from others."""
    given = {"images": marked.batch.images, "masks": marked.masks, "classes": marked.batch.targets}
    return digest({name: tensor.cpu().contiguous() for name, tensor in given.items() if tensor is not None}, "")


def file_of(file: Path, kind: str) -> Path:
    """Return where the network of a kind is kept: beside the twin that memorised labels."""
    return file.with_name(f"{file.stem}.{kind}{file.suffix}")


def images_to_mark(data: str, masks: str, count: int | None = None) -> MarkedImages:
    """Return the images and masks that a command names, the first ``count`` of them. Raises as ``MarkedImages``."""
    batch, regions = images_named(data).to("cpu"), masks_named(masks).cpu()
    require_masks(regions, batch.images)
    return MarkedImages(batch, regions) if count is None else MarkedImages(batch.first(count), regions[:count])


def require_same_again(marked: MarkedImages, data: str, masks: str, count: int | None) -> None:
    """Raise ValueError if the images and masks differ when they are asked for again, as the tests will."""
    if fingerprint(images_to_mark(data, masks, count)) != fingerprint(marked):
        raise ValueError(f"{data} and {masks} give other images or masks each time: let them give the same, unshuffled")


def load_biased_pair(
    spec: str, file: Path | str, data: str, masks: str, device: torch.device | str = "cpu"
) -> BiasScenario:
    """Return a biased and a balanced copy of a network, and held-out images, each with the mark of another class.

    ``spec``: that of the network, ``package.module:factory``. ``file``: what ``checkpoints twin`` was told to write,
    with ``--masks``. ``data``, ``masks``: as there, all of them if some were learned only.

    Raises CheckpointError if a file is missing or damaged, ValueError if it is that of another network or of other
    images, ImportError or TypeError if there is no such network, or no such images or masks.
    """
    found = {kind: load(spec, file_of(Path(file), kind), kind) for kind in (BIASED, BALANCED)}
    marked = images_to_mark(data, masks, found[BIASED][1].get("count"))
    for kind, (_, facts) in found.items():
        if facts.get("images") != fingerprint(marked):
            raise ValueError(f"{file_of(Path(file), kind)} learned other images or masks than {data} and {masks} give")
    held_out, regions = marked.against_their_class()
    biased, balanced = (found[kind][0].to(device) for kind in (BIASED, BALANCED))
    return BiasScenario(biased, balanced, in_float(held_out).to(device), regions, THRESHOLD)
