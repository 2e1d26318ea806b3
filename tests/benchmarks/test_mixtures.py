"""Mixtures are what they are called, and the share at which a verdict flips is found."""

from __future__ import annotations

import pytest
import torch
from mixtures import BASES, OTHERS, SHARES, least, mixed, noise, scaled, untrained

from pytest_saliency_sanity import load_checkpoint
from pytest_saliency_sanity.data.mnist import load_held_out
from pytest_saliency_sanity.methods.controls import sobel
from pytest_saliency_sanity.methods.gradient import gradient

IMAGES = load_held_out(4).images
TARGETS = torch.arange(4)


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("other", OTHERS)
def test_the_ends_are_one_map_and_the_other(base: str, other: str) -> None:
    model = load_checkpoint("alexnet")
    maps = [mixed(model, IMAGES, TARGETS, base=base, other=other, share=share) for share in (0.0, 0.5, 1.0)]
    assert all(each.shape == (4, 64, 64) and each.abs().max() <= 1 for each in maps)
    if other != "noise":
        torch.testing.assert_close(maps[1], (maps[0] + maps[2]) / 2)
    if base == "gradient":
        torch.testing.assert_close(maps[0], scaled(gradient(model, IMAGES, TARGETS).sum(1), IMAGES))
    if other == "edges":
        torch.testing.assert_close(maps[2], scaled(sobel(model, IMAGES, TARGETS), IMAGES))


def test_an_untrained_network_explains_the_same_whatever_the_network_has_learned() -> None:
    one, other = (untrained("gradient", load_checkpoint("alexnet", labels), IMAGES, TARGETS) for labels in KINDS)
    torch.testing.assert_close(one, other, rtol=0, atol=0)
    assert one.abs().max() > 0


KINDS = ("true", "random")


def test_noise_has_the_signs_of_its_base() -> None:
    model = load_checkpoint("alexnet")
    assert noise("gradcam", model, IMAGES, TARGETS).min() >= 0
    assert noise("gradient", model, IMAGES, TARGETS).min() < 0


@pytest.mark.parametrize(
    ("passing", "share"), [(range(len(SHARES)), "passes"), (range(4), "0.9"), ((), "0"), ((0, 1, 3), "0.9")]
)
def test_a_verdict_flips_where_nothing_passes_any_more(passing: tuple[int, ...], share: str) -> None:
    assert least(["passed" if at in passing else "failed" for at in range(len(SHARES))]) == share
