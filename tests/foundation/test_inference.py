"""Running someone else's model: in evaluation mode, in batches, and left as it was."""

from __future__ import annotations

import pytest
import torch
from support.images import noise
from support.networks import HalfwayError, lived_in_model, small
from support.traces import left_as_found
from torch import nn

import pytest_saliency_sanity.foundation.inference as inference
from pytest_saliency_sanity.foundation.inference import (
    evaluation_mode,
    images_for,
    logits_of,
    max_rows,
    require_logits,
    watch,
)

IMAGES, TARGETS = noise(4, 3, 64, 64), torch.arange(4)


def test_inside_every_module_is_in_evaluation_mode_and_afterwards_each_in_its_own() -> None:
    model = lived_in_model()
    modes = [module.training for module in model.modules()]
    assert set(modes) == {True, False}
    with evaluation_mode(model):
        assert not any(module.training for module in model.modules())
    assert [module.training for module in model.modules()] == modes


def test_modes_are_put_back_after_an_exception() -> None:
    model = lived_in_model()
    modes = [module.training for module in model.modules()]
    with pytest.raises(KeyboardInterrupt), evaluation_mode(model):
        raise KeyboardInterrupt
    assert [module.training for module in model.modules()] == modes


@pytest.mark.parametrize(
    ("shape", "rows"),
    [((3, 64, 64), 85), ((3, 224, 224), 6), ((1, 1, 1), 2**20), ((3, 1000, 1000), 1)],
)
def test_as_many_images_go_through_as_have_a_million_values_and_one_at_least(shape: tuple[int, ...], rows: int) -> None:
    assert max_rows(torch.empty(1, *shape)) == rows


@pytest.mark.parametrize("rows", [1, 3, 4, 100])
def test_logits_do_not_depend_on_the_size_of_the_batches(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model, images = small(), noise(4, 1, 10, 10)
    with torch.no_grad():
        expected = model(images)
    seen: list[int] = []
    model.register_forward_hook(lambda module, arguments, output: seen.append(len(output)))
    monkeypatch.setattr(inference, "MAX_INPUT_VALUES", rows * 100)
    # Batches of other sizes are multiplied in another order: a few roundings of float32.
    torch.testing.assert_close(logits_of(model, images), expected, atol=1e-6, rtol=1e-5)
    assert sum(seen) == 4
    assert max(seen) == min(rows, 4)


@pytest.mark.parametrize("breaks", ["never", "forward"])
def test_logits_leave_everything_as_found(breaks: str) -> None:
    model = lived_in_model(breaks)
    with left_as_found(model, IMAGES, TARGETS):
        try:
            assert not logits_of(model, IMAGES).requires_grad
        except HalfwayError:
            assert breaks == "forward"


def test_logits_are_those_of_evaluation_mode() -> None:
    model = lived_in_model()
    first = logits_of(model, IMAGES)
    assert torch.equal(logits_of(model, IMAGES), first), "batch statistics or dropout were at work"
    assert torch.equal(logits_of(model.eval(), IMAGES), first)


def test_logits_are_handed_on_as_they_are() -> None:
    logits = torch.zeros(4, 10)
    assert require_logits(logits, 4) is logits


@pytest.mark.parametrize(
    ("logits", "error", "told"),
    [
        (
            (torch.zeros(4, 10),),
            TypeError,
            r"must return logits \(N, classes\), not a tuple of \(4, 10\): .*picks them",
        ),
        (None, TypeError, "not NoneType"),
        ({"logits": torch.zeros(4, 10)}, TypeError, "not a dict of 'logits': "),
        (torch.zeros(4), ValueError, r"must return logits \(4, classes\), not \(4,\)"),
        (torch.zeros(3, 10), ValueError, r"must return logits \(4, classes\), not \(3, 10\)"),
        (torch.zeros(4, 10, 1, 1), ValueError, r"not \(4, 10, 1, 1\)"),
    ],
)
def test_anything_else_than_logits_is_an_error_that_says_what_it_is(
    logits: object, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        require_logits(logits, 4)


class Again(nn.Module):
    """Uses one layer twice."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        used: torch.Tensor = self.layer(self.layer(values))
        return used


def test_every_use_of_a_module_is_told_of_with_what_goes_in_and_comes_out() -> None:
    model, images = Again(), noise(2, 3)
    seen: list[tuple[nn.Module, torch.Tensor, torch.Tensor]] = []
    watch(model, images, [model.layer], lambda module, inputs, output: seen.append((module, inputs[0], output)))
    assert [module for module, *_ in seen] == [model.layer] * 2
    assert torch.equal(seen[0][1], images)
    assert seen[1][1] is seen[0][2]
    assert not seen[1][2].requires_grad


@pytest.mark.parametrize("breaks", ["never", "forward"])
def test_watching_leaves_everything_as_found(breaks: str) -> None:
    model = lived_in_model(breaks).eval()
    with left_as_found(model, IMAGES, TARGETS):
        try:
            watch(model, IMAGES, list(model), lambda *_: None)
        except HalfwayError:
            assert breaks == "forward"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_images_get_the_precision_of_the_model(dtype: torch.dtype) -> None:
    assert images_for(small().to(dtype), noise(1, 1, 10, 10)).dtype == dtype


def test_images_stay_what_they_are_for_a_model_without_parameters() -> None:
    images = noise(1, 3)
    assert images_for(nn.Flatten(), images) is images


def test_a_parameter_of_whole_numbers_does_not_decide_the_precision() -> None:
    counts = nn.ParameterList([nn.Parameter(torch.zeros(2, dtype=torch.int8), requires_grad=False)])
    model = nn.ModuleList([counts, nn.Linear(3, 2).double()])
    assert images_for(model, noise(1, 3)).dtype == torch.float64
