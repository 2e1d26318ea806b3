"""The same model once more: what is repeatable, and what is noise."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from support.images import noise
from support.networks import small
from support.subjects import subject
from torch import nn

from pytest_saliency_sanity import gradient, smoothgrad
from pytest_saliency_sanity import resolve_method as resolved
from pytest_saliency_sanity.checks.repeatability.ask import check_repeatability, freshly_seeded


def test_a_method_with_a_seed_of_its_own_gets_another_one_at_every_draw() -> None:
    seeds = []

    def seeded(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, seed: int = 7) -> torch.Tensor:
        seeds.append(seed)
        return torch.rand(images.shape, generator=torch.Generator().manual_seed(seed))

    result = check_repeatability(subject(seeded))
    assert result.verdict == "failed"
    assert len(set(seeds)) == 1 + result.measured.draws
    first = list(seeds)
    seeds.clear()
    check_repeatability(subject(seeded))
    assert seeds == first  # and the same ones in every run
    seeds.clear()
    check_repeatability(subject(seeded, seed=1))
    assert set(seeds) & set(first) == {7}  # its own, for the maps that the others are compared with


@pytest.mark.parametrize("method", ["uniform_noise", "gradient"])
def test_no_map_is_made_twice(method: str) -> None:
    # Where every stage is judged, a failure has nothing more to measure for its message.
    calls = []

    def counted(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        calls.append(len(images))
        return resolved(method)(model, images, targets)

    result = check_repeatability(subject(counted))
    assert sum(calls) == 12 * (1 + result.measured.draws)


def test_a_seed_that_was_fixed_beforehand_is_no_way_out() -> None:
    def seeded(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, seed: int = 0) -> torch.Tensor:
        return torch.rand(images.shape, generator=torch.Generator().manual_seed(seed))

    assert check_repeatability(subject(partial(seeded, seed=3))).verdict == "failed"


def test_the_seed_of_a_class_with_call_is_found_too() -> None:
    class Seeded:
        def __call__(
            self, model: nn.Module, images: torch.Tensor, targets: torch.Tensor, seed: int = 0
        ) -> torch.Tensor:
            return torch.rand(images.shape, generator=torch.Generator().manual_seed(seed))

    assert check_repeatability(subject(Seeded())).verdict == "failed"


@pytest.mark.parametrize("method", [gradient, resolved("sobel"), min])
def test_a_method_without_a_seed_is_left_as_it_is(method: Any) -> None:
    assert freshly_seeded(method) is method


def test_more_samples_make_smoothgrad_more_repeatable() -> None:
    few, many = (
        check_repeatability(subject(partial(smoothgrad, n_samples=n), small(), noise(12, 1, 10, 10))).statistic
        for n in (2, 40)
    )
    assert few is not None
    assert many is not None
    assert few < many


def test_a_map_with_some_noise_of_its_own_passes_and_one_of_mostly_noise_fails() -> None:
    def noisy(share: float) -> Any:
        def method(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            maps = gradient(model, images, targets)
            return maps + share * maps.std() * torch.randn(maps.shape)

        return method

    verdicts = [check_repeatability(subject(noisy(share))).verdict for share in (0, 0.1, 10)]
    assert verdicts == ["passed", "passed", "failed"]
