"""Nothing outlives an explanation: no graph, no activations, of which PyTorch frees none that refers to itself."""

from __future__ import annotations

import gc
import warnings

import pytest
import torch
from support.images import noise
from support.networks import small

from pytest_saliency_sanity.methods.registry import BUILT_IN
from pytest_saliency_sanity.methods.resolve import installed_methods, resolve_method

IMAGES, TARGETS = noise(2, 1, 10, 10), torch.tensor([0, 1])


def tensors_alive() -> int:
    gc.collect()
    with warnings.catch_warnings(action="ignore"):  # of objects that warn if they are looked at
        return sum(isinstance(each, torch.Tensor) for each in gc.get_objects())


def test_no_tensor_outlives_an_explanation() -> None:
    methods, model = {name: resolve_method(name) for name in BUILT_IN if name in installed_methods()}, small()
    for method in methods.values():  # what a library makes once stays
        method(model, IMAGES, TARGETS)

    def left_by(*names: str) -> int:
        before = tensors_alive()
        for name in names:
            for _ in range(3):
                methods[name](model, IMAGES, TARGETS)
        return tensors_alive() - before

    if left_by(*methods):  # one by one, since to look at all objects takes a while
        assert not {name: left for name in methods if (left := left_by(name))}
        raise AssertionError("tensors are left by several methods together only")


def test_nothing_is_left_if_the_network_raises() -> None:
    method, model = resolve_method("gradcam"), small()
    model.register_forward_hook(lambda *_: 1 / 0)
    before = tensors_alive()
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            method(model, IMAGES, TARGETS)
    assert tensors_alive() == before
