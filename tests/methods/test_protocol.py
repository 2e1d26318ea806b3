"""How a method is called in messages."""

from __future__ import annotations

from functools import partial

import torch
from torch import nn

from pytest_saliency_sanity import gradient
from pytest_saliency_sanity.methods.protocol import SaliencyMethod, method_name


class Painter:
    """A method that is an object."""

    def __call__(self, model: nn.Module, images: torch.Tensor, targets: torch.Tensor, /) -> torch.Tensor:
        return images


def test_a_function_is_called_by_its_name_and_an_object_by_its_class() -> None:
    named: list[tuple[SaliencyMethod, str]] = [
        (gradient, "gradient"),
        (Painter(), "Painter"),
        (partial(gradient), "partial"),
        (lambda model, images, targets: images, "<lambda>"),
    ]
    assert [method_name(method) for method, _ in named] == [name for _, name in named]
