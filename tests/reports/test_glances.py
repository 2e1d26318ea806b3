"""Methods that draw the same picture as another."""

from __future__ import annotations

import json

import pytest
import torch
from support.images import noise
from support.networks import small
from support.skips import needs
from support.subjects import subject
from torch import nn
from torch.nn import functional as F

from pytest_saliency_sanity import resolve_method as resolved
from pytest_saliency_sanity.reports.glance import glance_at, sample_of
from pytest_saliency_sanity.reports.glances import Glance, layers, mimics, same


def looked_at(*methods: str, model: nn.Module | None = None, images: torch.Tensor | None = None) -> list[str]:
    glances = []
    for name in methods:
        one = subject(resolved(name), model, images, name=name, model_name="net")
        glances.append(glance_at(one))
    return mimics(glances)


@needs("captum")
def test_a_method_that_is_the_plain_gradient_is_named() -> None:
    assert looked_at("captum:Saliency") == ["captum:Saliency draws the same maps as gradient on net"]


@needs("torchcam")
def test_a_method_that_is_another_of_the_same_run_is_named() -> None:
    assert looked_at("gradcam", "torchcam:GradCAM") == ["torchcam:GradCAM draws the same maps as gradcam on net"]


def test_methods_that_are_not_the_same_are_not_named() -> None:
    assert looked_at("gradcam", "gradient", "smoothgrad", "sobel", "uniform_noise", "input") == []


def test_a_reference_does_not_mimic_itself() -> None:
    assert looked_at("gradient", "input") == []


def test_methods_are_compared_on_the_same_model_only() -> None:
    named = (("first", "here"), ("second", "there"))
    glances = [glance_at(subject(resolved("gradcam"), name=name, model_name=model)) for name, model in named]
    assert mimics(glances) == []


class Functional(nn.Module):
    """A network whose ReLUs are functions: nothing for a method that replaces the ReLU modules."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 6, 3)
        self.second = nn.Conv2d(6, 5, 3)
        self.head = nn.Linear(5 * 36, 4)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(F.relu(self.second(F.relu(self.first(images)))).flatten(1))
        return logits


@needs("captum")
# captum says so itself, where it finds no ReLU module.
@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_guided_backprop_is_the_gradient_where_no_relu_is_a_module() -> None:
    images = noise(12, 1, 10, 10)
    named = ["guided_backprop draws the same maps as gradient on net"]
    assert looked_at("guided_backprop", model=Functional().eval(), images=images) == named
    assert looked_at("guided_backprop", model=small(), images=images) == []


MAPS = noise(3, 9, 9).abs()


@pytest.mark.parametrize(
    ("maps", "alike"),
    [
        (MAPS, True),
        (5 * MAPS, True),  # a factor is no other picture
        (MAPS * torch.tensor([1.0, 3.0, 0.1])[:, None, None], True),
        (MAPS + 1e-4 * noise(3, 9, 9, seed=2).clamp(-2, 2), True),
        (MAPS + 3e-2 * noise(3, 9, 9, seed=2).sign(), False),
        (MAPS.flip(1), False),
        (MAPS.flip(0), False),
        (MAPS[:, :8], False),
        (torch.zeros(3, 9, 9), False),
        (torch.full((3, 9, 9), torch.nan), False),
    ],
)
def test_what_counts_as_the_same_maps(maps: torch.Tensor, alike: bool) -> None:
    assert same(sample_of(MAPS), sample_of(maps)) == alike
    assert same(sample_of(maps), sample_of(MAPS)) == alike


@pytest.mark.parametrize(("noise_level", "alike"), [(1e-4, True), (1e-3, True), (1e-2, False)])
def test_rounding_is_tolerated_and_no_more(noise_level: float, alike: bool) -> None:
    # Of the largest value, and nowhere above it, so that the largest itself stays.
    largest = MAPS.amax((1, 2), keepdim=True)
    maps = (MAPS + noise_level * largest * noise(3, 9, 9, seed=2).sign()).clamp(min=0).minimum(largest)
    assert same(sample_of(MAPS), sample_of(maps)) == alike


def test_maps_of_zeros_are_like_nothing_not_even_one_another() -> None:
    zeros = sample_of(torch.zeros(3, 9, 9))
    assert not same(zeros, zeros)
    assert not same(zeros, None)


def test_a_map_that_is_dead_in_one_method_alone_makes_them_differ() -> None:
    # Two images agree, and of the third one method shows nothing: not the same method.
    maps = MAPS.clone()
    maps[2] = 0
    assert not same(sample_of(MAPS), sample_of(maps))


def test_a_method_that_raises_is_no_ones_double() -> None:
    def broken(*_: object) -> torch.Tensor:
        raise RuntimeError("no")

    found = glance_at(subject(broken))
    assert found.maps is None
    assert mimics([found, found]) == []


@pytest.mark.parametrize("method", ["gradient", pytest.param("torchcam:GradCAM", marks=needs("torchcam"))])
def test_a_glance_travels_as_json(method: str) -> None:
    found = glance_at(subject(resolved(method)))
    assert Glance.from_record(json.loads(json.dumps(found.as_record(), allow_nan=False))) == found


@needs("torchcam")
def test_the_layer_that_a_method_looks_at_is_told() -> None:
    told = layers([glance_at(subject(resolved(name), name=name)) for name in ("gradient", "torchcam:GradCAM")])
    assert told == ["torchcam:GradCAM looks at the layer features.11 of alexnet"]
