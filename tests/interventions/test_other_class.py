"""Another class of each image: never the same, all others equally likely, another draw for another seed."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from torch import nn

from pytest_saliency_sanity.interventions.other_class import OtherClass


class Wide(nn.Module):
    """Gives as many logits as asked, whatever the images."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(4, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(images.flatten(1)[:, :4])
        return logits


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("target", [0, 1])
def test_the_other_class_is_never_the_same_and_all_others_are_equally_likely(classes: int, target: int) -> None:
    model, images = Wide(classes), torch.zeros(1, 1, 2, 2)
    targets = torch.full((50,), target)
    drawn: Counter[int] = Counter()
    for seed in range(40):
        drawn.update(OtherClass(model).bind(images, seed).others(targets).tolist())
    assert set(drawn) == set(range(classes)) - {target}
    expected = 2000 / (classes - 1)
    chi_square = sum((count - expected) ** 2 / expected for count in drawn.values())
    # Mean classes - 2, variance twice that: four standard deviations above, and the seeds are fixed.
    assert chi_square <= classes - 2 + 4 * (2 * (classes - 2)) ** 0.5


def test_images_of_one_batch_get_their_classes_independently() -> None:
    others = OtherClass(Wide(10)).bind(torch.zeros(1, 1, 2, 2), 0).others(torch.zeros(50, dtype=torch.long))
    assert len(others.unique()) == 9


def test_two_classes_are_swapped() -> None:
    targets = torch.tensor([0, 1, 1, 0])
    other = OtherClass(Wide(2)).bind(torch.zeros(1, 1, 2, 2), 3)
    assert other.others(targets).tolist() == [1, 0, 0, 1]


def test_binding_another_class_depends_on_its_own_seed_too() -> None:
    # The protocol: "with a seed derived from its own and seed".
    targets = torch.zeros(50, dtype=torch.long)
    one, other = (
        OtherClass(Wide(10), seed=seed).bind(torch.zeros(1, 1, 2, 2), 7).others(targets).tolist() for seed in (1, 2)
    )
    assert one != other
