"""Whether a stage is dead, as far as possible from the logits that were heard while it was explained."""

from __future__ import annotations

import pytest
import torch
from support.images import noise
from support.networks import Breaking, HalfwayError, small
from torch import nn

from pytest_saliency_sanity.foundation.inference import MOST_HEARD, heard
from pytest_saliency_sanity.interventions.dead import CLEARLY_ALIVE, is_clearly_alive
from pytest_saliency_sanity.interventions.stage import Stage

IMAGES = noise(6, 1, 10, 10)
CLEAR = torch.tensor([[1.0, 2.0], [2.0, 1.0], [1.5, 1.0]])
SAME = torch.tensor([[1.0, 2.0], [1.0, 2.0]])
ROUNDED = torch.tensor([[1.0, 2.0], [1.0, 2.0 + 10 * torch.finfo(torch.float32).eps]])
BROKEN = torch.tensor([[1.0, 2.0], [2.0, torch.nan]])
INFINITE = torch.tensor([[1.0, 2.0], [2.0, -torch.inf]])


class Counted(nn.Module):
    """A network that counts its passes; ``scale`` multiplies its logits."""

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.model = small()
        self.scale = scale
        self.passes = 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.passes += 1
        logits: torch.Tensor = self.model(images) * self.scale
        return logits


def stage_of(model: nn.Module) -> Stage:
    return Stage("fc", model, alive_on=IMAGES)


@pytest.mark.parametrize("logits", [[CLEAR], [SAME, CLEAR], [CLEAR, SAME, SAME], [CLEAR.double()]])
def test_logits_that_clearly_differ_spare_the_look(logits: list[torch.Tensor]) -> None:
    model = Counted(0.0)
    assert stage_of(model).cause_of_death(logits) is None
    assert model.passes == 0


@pytest.mark.parametrize("logits", [[], [SAME], [ROUNDED], [SAME, SAME], [CLEAR[:1]], [SAME * 0]])
def test_logits_that_hardly_differ_are_looked_at_closely(logits: list[torch.Tensor]) -> None:
    alive, dead = Counted(), Counted(0.0)
    assert stage_of(alive).cause_of_death(logits) is None
    assert alive.passes > 0
    assert stage_of(dead).cause_of_death(logits) == "its logits do not depend on the image"


@pytest.mark.parametrize("logits", [[BROKEN], [INFINITE], [CLEAR, BROKEN], [BROKEN, CLEAR], [CLEAR, INFINITE, CLEAR]])
def test_logits_that_are_not_finite_are_never_taken_as_alive(logits: list[torch.Tensor]) -> None:
    model = Counted(torch.inf)
    assert stage_of(model).cause_of_death(logits) == "its logits are not finite"
    assert model.passes > 0
    assert not all(is_clearly_alive(each) for each in logits)


def test_what_is_clear_is_far_above_rounding() -> None:
    eps = torch.finfo(torch.float32).eps
    for times, clear in ((0.9, False), (1.2, True)):
        logits = torch.tensor([[1.0, 0.0], [1.0, times * CLEARLY_ALIVE * eps]])
        assert is_clearly_alive(logits) == clear
    assert not is_clearly_alive(torch.tensor([[1.0], [1.01]]).half())


def test_the_look_is_taken_once() -> None:
    model = Counted()
    stage = stage_of(model)
    stage.cause_of_death([SAME])
    passes = model.passes
    stage.cause_of_death([SAME])
    assert stage.dead is None
    assert model.passes == passes


def test_a_stage_that_is_known_to_be_alive_is_never_looked_at() -> None:
    model = Counted(0.0)
    assert Stage("fc", model).cause_of_death([BROKEN]) is None
    assert model.passes == 0


def test_logits_are_heard_while_a_model_is_used_and_not_after() -> None:
    model, logits = small(), list[torch.Tensor]()
    with heard(model, logits):
        for image in IMAGES.split(1):
            model(image)
    model(IMAGES)
    assert len(logits) == MOST_HEARD
    torch.testing.assert_close(torch.cat(logits), model(IMAGES[:MOST_HEARD]).detach())
    assert not any(each.requires_grad for each in logits)
    assert not model._forward_hooks


def test_what_is_heard_is_no_logits_if_it_has_another_form() -> None:
    model, logits = nn.Conv2d(1, 2, 3), list[torch.Tensor]()
    with heard(model, logits):
        model(IMAGES)
    assert logits == []
    assert not model._forward_hooks


def test_a_model_that_raises_is_heard_no_longer() -> None:
    model = nn.Sequential(Breaking("forward"))
    with pytest.raises(HalfwayError), heard(model, []):
        model(IMAGES)
    assert not model._forward_hooks
