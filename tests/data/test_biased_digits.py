"""The data set with a stereotype: what is on the canvases, how much goes along with what, and that nothing leaks."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
import torch
from PIL import Image

from pytest_saliency_sanity.data.biased_digits import (
    KINDS,
    BiasedDigits,
    digit_pairs,
    load_biased_training,
    load_biased_validation,
    load_counter_stereotypes,
)
from pytest_saliency_sanity.data.mnist import digits_by_class

SPLITS = {"training": slice(0, 200), "validation": slice(200, 300), "test": slice(300, 500)}


def halves(data: BiasedDigits) -> tuple[torch.Tensor, torch.Tensor]:
    """The halves that decide the class and those with the nuisance, one channel, back in [0, 1]."""
    pixels = data.images * 0.3081 + 0.1307
    left = data.masks[:, 0, 0, None, None]
    one, other = pixels[:, 0, :, :64], pixels[:, 0, :, 64:]
    return torch.where(left, other, one), torch.where(left, one, other)


def resized(digit: np.ndarray, size: int) -> bytes:
    return np.asarray(Image.fromarray(digit).resize((size, size), Image.Resampling.BILINEAR)).tobytes()


def known(digit: int, split: str, size: int) -> set[bytes]:
    """All images of a digit in a split, at a size."""
    return {resized(image, size) for image in digits_by_class()[digit, SPLITS[split]]}


def as_bytes(pixels: torch.Tensor) -> bytes:
    return bytes((pixels * 255).round().to(torch.uint8).numpy().tobytes())


def loaded(split: str, kind: str = "biased", seed: int = 1) -> BiasedDigits:
    if split == "test":
        return load_counter_stereotypes()
    return {"training": load_biased_training, "validation": load_biased_validation}[split](kind, seed)


def test_the_pairs_follow_from_the_rule() -> None:
    means = [sum(image.astype(float) for image in digits_by_class()[digit][:200]) / 200 for digit in range(10)]
    apart = {(a, b): float(((means[a] - means[b]) ** 2).sum()) for a, b in combinations(range(10), 2)}
    deciding, nuisance = digit_pairs()
    assert apart[deciding] == min(apart.values())
    assert apart[nuisance] == max(apart[pair] for pair in apart if not set(pair) & set(deciding))
    assert (deciding, nuisance) == ((4, 9), (0, 1))


@pytest.mark.parametrize("split", SPLITS)
def test_a_canvas_has_a_small_digit_of_the_class_and_a_large_nuisance(split: str) -> None:
    data = loaded(split)
    deciding, nuisance = digit_pairs()
    small = [known(digit, split, 32) for digit in deciding]
    large = [known(digit, split, 64) for digit in nuisance]
    tools, persons = halves(data)
    assert data.images.shape == (len(data), 3, 64, 128)
    assert torch.equal(data.images[:, 0], data.images[:, 2])
    for tool, person, label, attribute in zip(tools, persons, data.classes, data.nuisances, strict=True):
        assert as_bytes(tool[16:48, 16:48]) in small[label]
        assert as_bytes(person) in large[attribute]
        edge = tool.clone()
        edge[16:48, 16:48] = 0
        assert edge.abs().max() < 1e-6


def test_the_stereotype_is_the_papers() -> None:
    for load, per_class in ((load_biased_training, 175), (load_biased_validation, 85)):
        for kind, shares in (("biased", (0.96, 0.82)), ("balanced", (0.5, 0.5))):
            data = load(kind, 3)
            counts = Counter(zip(data.classes.tolist(), data.nuisances.tolist(), strict=True))
            for label, share in enumerate(shares):
                assert counts[label, 0] + counts[label, 1] == per_class
                assert counts[label, label] / per_class == pytest.approx(share, abs=0.5 / per_class + 1e-9)


def test_the_test_images_are_all_against_the_stereotype_and_balanced() -> None:
    data = load_counter_stereotypes()
    assert len(data) == 400
    assert torch.equal(data.nuisances, 1 - data.classes)
    assert data.classes.tolist() == [0, 1] * 200
    for n in (1, 10, 400):
        assert torch.equal(load_counter_stereotypes(n).images, data.images[:n])
        assert len(load_counter_stereotypes(n).masks) == n


def test_no_digit_is_on_two_canvases_of_a_split() -> None:
    for split in SPLITS:
        for digits in halves(loaded(split)):
            assert len({as_bytes(digit) for digit in digits}) == len(digits)


def test_no_test_digit_was_trained_or_validated_on() -> None:
    for digit in (*digit_pairs()[0], *digit_pairs()[1]):
        seen = known(digit, "training", 64) | known(digit, "validation", 64)
        assert seen.isdisjoint(known(digit, "test", 64))
        assert known(digit, "training", 64).isdisjoint(known(digit, "validation", 64))


def test_both_kinds_of_a_seed_differ_in_the_nuisance_alone() -> None:
    biased, balanced = (load_biased_training(kind, 2) for kind in KINDS)
    assert torch.equal(halves(biased)[0], halves(balanced)[0])
    assert torch.equal(biased.masks, balanced.masks)
    assert torch.equal(biased.classes, balanced.classes)
    assert not torch.equal(biased.nuisances, balanced.nuisances)


def test_a_mask_is_the_half_of_the_nuisance_and_the_sides_are_even() -> None:
    for split in SPLITS:
        masks = loaded(split).masks
        assert masks.dtype == torch.bool
        assert (masks == masks[:, :1, :]).all()
        assert (masks[..., :64] == masks[:, :1, :1]).all()
        assert (masks[..., 64:] == ~masks[:, :1, :1]).all()
        assert 0.35 < masks[:, 0, 0].double().mean() < 0.65


def test_the_data_depend_on_the_seed_alone_and_leave_the_streams_as_found() -> None:
    torch.manual_seed(5)
    np.random.seed(5)
    before = torch.get_rng_state(), np.random.get_state(legacy=False)
    first, again, other = (load_biased_training("biased", seed).images for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_equal(np.random.get_state(legacy=False), before[1])


def test_the_cached_images_can_not_be_changed_from_outside() -> None:
    load_counter_stereotypes(10).images.zero_()
    load_counter_stereotypes(10).masks.zero_()
    assert load_counter_stereotypes(10).images.abs().sum() > 0
    assert load_counter_stereotypes(10).masks.any()


def test_wrong_arguments_say_what_is_allowed() -> None:
    with pytest.raises(ValueError, match=r"unknown kind of data 'bias'.*did you mean 'biased'"):
        load_biased_training("bias", 1)
    for n in (0, 401, -1):
        with pytest.raises(ValueError, match=f"1 to 400 counter-stereotypes, not {n}"):
            load_counter_stereotypes(n)
