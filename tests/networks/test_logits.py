"""Networks that return something else than logits become classifiers, or say what to pick."""

from __future__ import annotations

import pickle
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from pytest_saliency_sanity import AtPixel, Logits, OverMask, check_method
from pytest_saliency_sanity.data.mnist import load_held_out

IMAGES = torch.randn(4, 1, 6, 8, generator=torch.Generator().manual_seed(0))


class Returns(nn.Module):
    """Returns what a function makes of dense logits of three classes, ``(N, 3, 6, 8)``."""

    def __init__(self, make: Any) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 3, 1)
        self.make = make

    def forward(self, images: torch.Tensor) -> Any:
        return self.make(self.conv(images))


def mean(dense: torch.Tensor) -> torch.Tensor:
    return dense.mean((2, 3))


def single(dense: torch.Tensor) -> torch.Tensor:
    return mean(dense)[:, 0]


@pytest.mark.parametrize(
    ("make", "picks"),
    [
        (mean, ()),
        (lambda dense: {"aux": dense, "logits": mean(dense)}, ("logits",)),
        (lambda dense: SimpleNamespace(logits=mean(dense)), ("logits",)),
        (lambda dense: (dense, mean(dense)), (1,)),
        (lambda dense: (dense, [mean(dense)]), (-1, 0)),
        (lambda dense: {"out": dense}, ("out", mean)),
        (lambda dense: dense.mean((2, 3), keepdim=True), ()),
    ],
    ids=["logits", "dict", "object", "tuple", "nested", "function", "1x1"],
)
def test_what_is_picked_are_the_logits(make: Any, picks: tuple[Any, ...]) -> None:
    model = Returns(make)
    torch.testing.assert_close(Logits(model, *picks)(IMAGES), mean(model.conv(IMAGES)))


@pytest.mark.parametrize("make", [single, lambda dense: single(dense)[:, None]], ids=["N", "N x 1"])
def test_a_single_logit_becomes_two_classes_with_its_probability(make: Any) -> None:
    model = Returns(make)
    logit, logits = single(model.conv(IMAGES)), Logits(model)(IMAGES)
    assert logits.shape == (4, 2)
    torch.testing.assert_close(logits.diff(dim=1)[:, 0], 2 * logit)
    assert (logits.argmax(1) == (logit > 0)).all()


def test_a_batch_of_one_image_is_no_single_number_too_many() -> None:
    assert Logits(Returns(single))(IMAGES[:1]).shape == (1, 2)


def test_a_pixel_and_a_mask_make_scores_of_maps() -> None:
    model = Returns(lambda dense: {"out": dense})
    dense = model.conv(IMAGES)
    torch.testing.assert_close(Logits(model, "out", AtPixel(5, 7))(IMAGES), dense[:, :, 5, 7])
    mask = torch.zeros(6, 8, dtype=torch.bool)
    mask[1:3, 2:4] = True
    torch.testing.assert_close(Logits(model, "out", OverMask(mask))(IMAGES), dense[:, :, 1:3, 2:4].mean((2, 3)))


@pytest.mark.parametrize(
    ("make", "picks", "told"),
    [
        (lambda dense: {"a": dense, "b": dense}, (), r"not a dict of 'a', 'b': .*Logits\(model, KEY_OR_INDEX\) picks"),
        (lambda dense: (mean(dense), dense), (), r"not a tuple of \(4, 3\), \(4, 3, 6, 8\): "),
        (lambda dense: {"a": dense}, ("b",), "the model returns a dict of 'a', of which 'b' can't be picked"),
        (lambda dense: (dense,), (1,), r"a tuple of \(4, 3, 6, 8\), of which 1 can't be picked"),
        (lambda dense: None, ("b",), "the model returns NoneType, of which 'b' can't be picked"),
        (lambda dense: dense, (), r"not \(4, 3, 6, 8\): .*AtPixel\(row, column\)\) or OverMask\(mask\) make scores"),
        (lambda dense: dense, (AtPixel(6, 0),), r"maps are 6 x 8: they have no pixel \(6, 0\)"),
        (mean, (AtPixel(0, 0),), r"maps \(N, classes, h, w\) are needed, not \(4, 3\)"),
        (lambda dense: [dense], (AtPixel(0, 0),), r"are needed, not a list of \(4, 3, 6, 8\)"),
        (lambda dense: dense, (OverMask(torch.ones(2, 2) > 0),), r"the mask is \(2, 2\), but the model's maps are \(6"),
        (lambda dense: mean(dense)[:2], (), r"must return logits \(4, classes\), not \(2, 3\)$"),
    ],
)
def test_what_is_no_logits_says_what_there_is(make: Any, picks: tuple[Any, ...], told: str) -> None:
    with pytest.raises((TypeError, ValueError), match=told):
        Logits(Returns(make), *picks)(IMAGES)


def test_what_can_be_no_pick_or_mask_is_said_at_once() -> None:
    with pytest.raises(TypeError, match=r"a network must be a torch\.nn\.Module, not str"):
        Logits("alexnet")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"a key, an index or something to call, not 1\.5"):
        Logits(nn.Identity(), 1.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a boolean tensor"):
        OverMask(torch.ones(2, 2))
    with pytest.raises(ValueError, match="no pixel"):
        OverMask(torch.zeros(2, 2, dtype=torch.bool))


def test_it_can_be_sent_to_another_process() -> None:
    model = Logits(nn.Conv2d(1, 3, 1), AtPixel(0, 0))
    torch.testing.assert_close(pickle.loads(pickle.dumps(model))(IMAGES), model(IMAGES))


class OneLogit(nn.Module):
    """A binary network, of random weights."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.layers = nn.Sequential(
                *(nn.Conv2d(3, 8, 5, 4), nn.ReLU(), nn.Conv2d(8, 8, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(392, 1))
            )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.layers(images)  # type: ignore[no-any-return]


def wrapped() -> nn.Module:
    return Logits(OneLogit())


def bare() -> nn.Module:
    return OneLogit()


def test_a_wrapped_network_is_asked_and_a_bare_one_says_how_to_wrap_it() -> None:
    here = "networks.test_logits"
    (result,) = check_method("gradient", models=[f"{here}:wrapped"], checks=["cascading_randomization[top_down]"])
    assert result.verdict == "passed"
    with pytest.raises(ValueError, match=r"one class only: pytest_saliency_sanity\.Logits\(model\) makes two of a"):
        check_method("gradient", models=[f"{here}:bare"], checks=["repeatability"])


def test_the_images_of_the_package_fit_the_network_above() -> None:
    assert OneLogit()(load_held_out(2).images).shape == (2, 1)
