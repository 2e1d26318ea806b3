"""The same function, written down differently."""

from __future__ import annotations

import pytest
import torch
from support.images import noise
from support.networks import small
from support.subjects import subject
from torch import nn

from pytest_saliency_sanity import gradient
from pytest_saliency_sanity.checks.symmetry.ask import check_symmetry


def test_a_network_that_has_no_such_symmetry_is_not_asked() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(100, 4))
    result = check_symmetry(subject(gradient, model, noise(12, 1, 10, 10)), kind="permutation")
    assert result.verdict == "undefined"
    assert "no layers" in result.not_asked
    assert "NOT ASKED" in result.message
    assert (result.stages, result.statistic, result.threshold) == ((), None, None)


def test_an_unknown_symmetry_is_refused() -> None:
    with pytest.raises(ValueError, match=r"permutaton.*did you mean 'permutation'"):
        check_symmetry(subject(gradient), kind="permutaton")


def weights_of_the_first_channel(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return a map that looks at the first channel of the first layer: another one after a permutation."""
    first = next(module for module in model.modules() if isinstance(module, nn.Conv2d))
    maps: torch.Tensor = first(images)[:, 0].detach()
    return maps


def test_a_map_of_one_channel_fails_under_permutation_and_not_under_rescaling() -> None:
    looked_at = subject(weights_of_the_first_channel, small(), noise(12, 1, 10, 10))
    assert check_symmetry(looked_at, kind="permutation").verdict == "failed"
    assert check_symmetry(looked_at, kind="rescaling").verdict == "passed"  # ranks do not see a factor
