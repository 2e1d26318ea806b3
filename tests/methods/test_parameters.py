"""What a method was called with, as far as it can be told from outside; and asking never breaks a run."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
import torch
from support.skips import needs

from pytest_saliency_sanity import gradcam, gradient, smoothgrad
from pytest_saliency_sanity.methods.parameters import parameters_of
from pytest_saliency_sanity.methods.resolve import resolve_method


def plain(model: Any, images: Any, targets: Any) -> None: ...
def with_defaults(model: Any, images: Any, targets: Any, steps: int = 20, *, layer: str | None = None) -> None: ...
def with_anything(model: Any, images: Any, targets: Any, *more: Any, **keywords: Any) -> None: ...


@dataclass
class Configured:
    steps: int = 20
    layer: str | None = None
    secret: str = field(default="no", repr=False)
    made: int = field(default=0, init=False)

    def __call__(self, model: Any, images: Any, targets: Any) -> None:
        """Return nothing."""


COPY: Any = Configured(steps=3)
NAMED: Any = partial(with_defaults, steps=7, layer="a")
NAMED.name = "with a name"  # so that another partial does not take its place


class Called:
    def __init__(self, steps: int) -> None:
        self.steps = steps

    def __call__(self, model: Any, images: Any, targets: Any, relu: bool = True) -> None:
        """Return nothing."""


class Nasty:
    """Breaks whoever looks at it."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


class Unsigned:
    __signature__ = "none"

    def __call__(self, *arguments: Any) -> None:
        """Return nothing."""


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (plain, {}),
        (with_defaults, {"steps": 20, "layer": None}),
        (partial(with_defaults, steps=7), {"steps": 7, "layer": None}),
        (partial(NAMED, steps=9), {"steps": 9, "layer": "a"}),
        (with_anything, {}),
        (partial(with_anything, scale=0.5), {"scale": 0.5}),
        (Configured(), {"steps": 20, "layer": None}),
        (Configured(steps=3), {"steps": 3, "layer": None}),
        (partial(COPY, steps=4), {"steps": 4, "layer": None}),
        (Called(3), {"relu": True}),
        (Called(3).__call__, {"relu": True}),
        (lambda model, images, targets, scale=2: None, {"scale": 2}),
        (Unsigned(), {}),
        (None, {}),
        (gradient, {}),
    ],
)
def test_the_parameters_are_the_keywords_with_their_values(method: Any, expected: dict[str, Any]) -> None:
    assert parameters_of(method) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, True),
        (3, 3),
        (0.5, 0.5),
        ("a", "a"),
        (None, None),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        ([1, 2], "[1, 2]"),
        (torch.zeros(2), "tensor([0., 0.])"),
        (Nasty(), "<Nasty>"),
    ],
)
def test_a_value_is_kept_as_what_json_can_hold(value: Any, expected: Any) -> None:
    found = parameters_of(partial(with_anything, value=value))
    assert found == {"value": expected}
    assert type(found["value"]) is type(expected)
    json.dumps(found, allow_nan=False)


def test_what_is_long_is_shortened() -> None:
    (text,) = parameters_of(partial(with_anything, value=torch.rand(1000))).values()
    assert isinstance(text, str)
    assert len(text) <= 100


@pytest.mark.parametrize("name", ["gradcam", "smoothgrad?n_samples=5", "smoothgrad?n_samples=5&noise_level=0.2"])
def test_built_in_methods_say_what_was_asked_for(name: str) -> None:
    found = parameters_of(resolve_method(name))
    plain = {"gradcam": gradcam, "smoothgrad": smoothgrad}[name.partition("?")[0]]
    assert found.keys() == parameters_of(plain).keys()
    asked = dict(each.split("=") for each in name.partition("?")[2].split("&") if each)
    assert {key: str(found[key]) for key in asked} == asked
    assert {key: value for key, value in found.items() if key not in asked} == {
        key: value for key, value in parameters_of(plain).items() if key not in asked
    }


@needs("captum")
@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("captum:Saliency", {}),
        ("captum:IntegratedGradients?n_steps=20", {"n_steps": 20}),
        ("captum:LayerGradCam:features.10", {"layer": "features.10"}),
    ],
)
def test_a_method_of_a_library_says_what_its_spec_says(spec: str, expected: dict[str, Any]) -> None:
    assert parameters_of(resolve_method(spec)) == expected
