"""Networks with a null region: what they do not see does not matter, whatever looks at them."""

from __future__ import annotations

import copy
import gc
import weakref
from typing import Any

import pytest
import torch
from support.images import noise
from support.networks import half_precision, is_copy, small

from pytest_saliency_sanity.foundation.inference import logits_of
from pytest_saliency_sanity.interventions.null_region import random_mask, with_null_region

IMAGES = noise(4, 1, 10, 10)
LEFT = (torch.arange(10) < 5).expand(10, 10)


def drawn(height: int, width: int, seed: int) -> torch.Tensor:
    return random_mask(height, width, torch.Generator().manual_seed(seed))


def test_pixels_outside_do_not_matter_and_those_inside_do() -> None:
    model = with_null_region(small(), LEFT)
    logits = logits_of(model, IMAGES)
    assert torch.equal(logits, logits_of(model, IMAGES + 100 * ~LEFT))
    assert not torch.allclose(logits, logits_of(model, IMAGES + LEFT))
    torch.testing.assert_close(logits, logits_of(small(), IMAGES * LEFT))
    torch.testing.assert_close(
        logits_of(with_null_region(small(), LEFT, 2.5), IMAGES), logits_of(small(), torch.where(LEFT, IMAGES, 2.5))
    )


def test_no_gradient_reaches_a_pixel_outside() -> None:
    images = IMAGES.clone().requires_grad_()
    with_null_region(small(), LEFT)(images).sum().backward()
    assert images.grad is not None
    assert not images.grad[..., 5:].any()
    assert images.grad[..., :5].any()


def test_it_is_a_copy_with_the_same_layers_and_names() -> None:
    model = small()
    masked = with_null_region(model, LEFT)
    assert isinstance(masked, type(model))
    assert type(masked).__name__ == type(model).__name__
    assert [name for name, _ in masked.named_modules()] == [name for name, _ in model.named_modules()]
    assert is_copy(masked, model)
    torch.testing.assert_close(logits_of(model, IMAGES), logits_of(small(), IMAGES))


def test_it_can_be_copied_as_libraries_do_and_called_by_its_forward() -> None:
    masked = with_null_region(small(), LEFT)
    copied = copy.deepcopy(masked)
    with torch.no_grad():
        for parameter in copied.parameters():
            parameter.zero_()
    assert not logits_of(copied, IMAGES).any()
    assert logits_of(masked, IMAGES).any()
    torch.testing.assert_close(masked.forward(IMAGES), masked(IMAGES))


def test_it_is_let_go_when_nobody_needs_it() -> None:
    gc.disable()
    try:
        gone = weakref.ref(with_null_region(small(), LEFT))
        assert gone() is None
    finally:
        gc.enable()


def test_a_forward_pass_of_a_models_own_stays_its_own() -> None:
    model = small()
    plain = logits_of(model, IMAGES)
    own: Any = model.forward
    model.forward = lambda images: 2 * own(images)  # type: ignore[method-assign]
    torch.testing.assert_close(logits_of(with_null_region(model, torch.ones(10, 10).bool()), IMAGES), 2 * plain)
    twice = with_null_region(with_null_region(small(), LEFT), LEFT.T)
    torch.testing.assert_close(logits_of(twice, IMAGES), logits_of(small(), IMAGES * (LEFT & LEFT.T)))


def test_images_of_another_size_than_the_mask_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"the mask has \(10, 10\) pixels and the images \(12, 10\)"):
        with_null_region(small(), LEFT)(noise(1, 1, 12, 10))


def test_masks_are_of_three_shapes_and_cover_about_half() -> None:
    masks = [drawn(64, 48, seed) for seed in range(60)]
    assert all(mask.dtype == torch.bool and mask.shape == (64, 48) for mask in masks)
    shares = [float(mask.double().mean()) for mask in masks]
    assert 0.39 < min(shares) < 0.45
    assert 0.55 < max(shares) < 0.61
    assert len({mask.numpy().tobytes() for mask in masks}) == 60
    # Half planes reach two neighbouring corners and leave the others; the other shapes are closed.
    corners = [mask[[0, 0, -1, -1], [0, -1, 0, -1]].sum() for mask in masks]
    assert len(set(map(int, corners))) > 2


def test_the_same_seed_draws_the_same_mask() -> None:
    assert torch.equal(drawn(9, 7, 3), drawn(9, 7, 3))


@pytest.mark.parametrize("size", [(1, 2), (2, 1), (2, 2), (3, 3)])
def test_a_mask_of_few_pixels_is_neither_empty_nor_full(size: tuple[int, int]) -> None:
    for seed in range(20):
        assert 0 < int(drawn(*size, seed).sum()) < size[0] * size[1]


def test_a_network_in_half_precision_stays_in_it() -> None:
    looking = with_null_region(half_precision(), random_mask(12, 12, torch.Generator().manual_seed(0)), constant=0.5)
    images = noise(2, 3, 12, 12).to(torch.bfloat16)
    assert looking(images).dtype == torch.bfloat16
