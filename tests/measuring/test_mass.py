"""The masses of a method's maps inside masks: which class is explained, and what is undefined."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.images import noise
from support.networks import lived_in_model, small
from support.traces import left_as_found
from support.watching import Watching
from torch import nn

from pytest_saliency_sanity import Batch, gradient
from pytest_saliency_sanity.foundation.errors import SaliencyMethodError
from pytest_saliency_sanity.foundation.progress import choose_displays, telling
from pytest_saliency_sanity.measuring.localization import mass_inside
from pytest_saliency_sanity.measuring.maps import maps_of
from pytest_saliency_sanity.measuring.mass import Masses, masses_of, predictions
from pytest_saliency_sanity.measuring.statistics import mean_interval

IMAGES = noise(6, 1, 10, 10)
MASKS = torch.zeros(6, 10, 10, dtype=torch.bool)
MASKS[:, :5] = True
NAN = np.nan


def test_mean_and_interval_are_those_over_images_and_undefined_ones_are_counted() -> None:
    masses = Masses(np.array([0.2, 0.4, NAN, 0.3]))
    assert masses.mean == pytest.approx(0.3)
    assert masses.interval(0.9) == mean_interval(np.array([[0.2, 0.4, 0.3]]), 0.9)
    assert (len(masses), masses.undefined) == (4, 1)


def test_without_a_defined_mass_there_is_no_mean() -> None:
    assert np.isnan(Masses(np.full(3, NAN)).mean)


def test_a_difference_is_taken_image_by_image_and_undefined_where_either_is() -> None:
    drop = Masses(np.array([0.5, 0.6, NAN, 0.7])) - Masses(np.array([0.1, NAN, 0.2, 0.4]))
    np.testing.assert_allclose(drop.values, [0.4, NAN, NAN, 0.3])


def test_the_masses_are_those_inside_of_the_maps_of_the_targets() -> None:
    model, targets = small(), torch.tensor([0, 1, 2, 3, 0, 1])
    masses = masses_of(gradient, model, Batch(IMAGES, targets), MASKS, name="it", seed=0)
    np.testing.assert_array_equal(masses.values, mass_inside(gradient(model, IMAGES, targets), MASKS).numpy())


def test_a_part_of_the_images_has_the_masses_that_it_has_among_all() -> None:
    def method(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return images[:, 0] + targets[:, None, None] + torch.rand(1)

    batch = Batch(IMAGES, torch.arange(6) % 4)
    watching = Watching()
    before = choose_displays(lambda: watching)
    masks = MASKS & (torch.rand(6, 10, 10, generator=torch.Generator().manual_seed(0)) < 0.5)
    try:
        with telling("it"):
            found = [
                masses_of(method, small(), batch, masks, name="it", seed=0, start=start, stop=start + 2).values
                for start in (0, 2, 4)
            ]
    finally:
        choose_displays(before)
    assert (watching.last.done, watching.last.total) == (6, 6)
    for start, values in zip((0, 2, 4), found, strict=True):
        # Images at another place get other random numbers, seeded by the place, and their own targets and masks.
        some = slice(start, start + 2)
        maps = maps_of(method, small(), IMAGES[some], batch.targets[some], name="it", seed=0, first=start)  # type: ignore[index]
        np.testing.assert_array_equal(values, mass_inside(maps, masks[some]).numpy())
    assert len({float(each) for values in found for each in values}) == 6


def test_masses_are_followed_by_those_of_more_images() -> None:
    both = Masses(np.array([0.1, NAN])).followed_by(Masses(np.array([0.3])))
    np.testing.assert_array_equal(both.values, [0.1, NAN, 0.3])


def test_without_targets_the_classes_that_are_predicted_are_explained() -> None:
    model = small()
    predicted = predictions(model, IMAGES)
    with torch.no_grad():
        assert torch.equal(predicted, model(IMAGES).argmax(1))
    given, found = (
        masses_of(gradient, model, batch, MASKS, name="it", seed=0)
        for batch in (Batch(IMAGES, predicted), Batch(IMAGES))
    )
    np.testing.assert_array_equal(found.values, given.values)


def test_a_method_finds_the_model_in_evaluation_mode_and_everything_is_left_as_found() -> None:
    modes: list[bool] = []

    def method(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        modes.extend(module.training for module in model.modules())
        return torch.rand(images.shape)

    model, images, targets = lived_in_model(), noise(6, 3, 64, 64), torch.arange(6)
    masks = torch.zeros(6, 64, 64, dtype=torch.bool)
    masks[:, :32] = True
    with left_as_found(model, images, targets):
        first, again, other = (
            masses_of(method, model, Batch(images, targets), masks, name="it", seed=seed) for seed in (0, 0, 1)
        )
    assert not any(modes)
    np.testing.assert_array_equal(first.values, again.values)
    assert not (first.values == other.values).any()


def test_what_is_no_batch_of_maps_is_an_error_that_says_whose_it_is() -> None:
    with pytest.raises(SaliencyMethodError, match=r"^mine on net: the method returned NoneType"):
        masses_of(lambda *_: None, small(), Batch(IMAGES), MASKS, name="mine on net", seed=0)  # type: ignore[arg-type]
