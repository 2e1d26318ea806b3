"""What belongs to the whole process is put back, and named."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from pytest_saliency_sanity.foundation.custody import custody

Change = Callable[[], object]


class Loud:
    """An object whose destructor raises."""

    def __del__(self) -> None:
        raise RuntimeError("in a destructor")


def replaced(owner: Any, name: str) -> Change:
    return lambda: setattr(owner, name, lambda *_: None)


CHANGES: dict[str, tuple[Change, str]] = {
    "gradients": (lambda: torch.set_grad_enabled(False), "whether gradients are on changed from True to False"),
    "inference": (lambda: torch.inference_mode().__enter__(), ""),  # ends with the object that nobody keeps
    "type": (
        lambda: torch.set_default_dtype(torch.float64),
        "torch's default type changed from torch.float32 to torch.float64",
    ),
    "device": (lambda: torch.set_default_device("meta"), "torch's default device changed from cpu to meta"),
    "threads": (lambda: torch.set_num_threads(torch.get_num_threads() + 1), "torch's number of threads changed from"),
    "deterministic": (
        lambda: torch.use_deterministic_algorithms(True),
        "torch's deterministic mode changed from False, False to True, False",
    ),
    "anomalies": (
        lambda: torch.autograd.set_detect_anomaly(True),
        "whether torch looks for anomalies changed from False to True",
    ),
    "cuDNN": (lambda: setattr(torch.backends.cudnn, "benchmark", True), "cuDNN's settings changed from"),
    "hook": (
        lambda: nn.modules.module.register_module_forward_hook(lambda *_: None),
        "a hook on all modules (forward_hooks)",
    ),
    "torch.relu": (replaced(torch, "relu"), "torch.relu, which was replaced"),
    "F.relu": (replaced(F, "relu"), "torch.nn.functional.relu, which was replaced"),
    "another of torch": (lambda: setattr(F, "relu", F.leaky_relu), "torch.nn.functional.relu, which was replaced"),
    "ReLU.forward": (replaced(nn.ReLU, "forward"), "torch.nn.ReLU.forward, which was replaced"),
    "Module.__call__": (replaced(nn.Module, "__call__"), "torch.nn.Module.__call__, which was replaced"),
    "Tensor.relu": (replaced(torch.Tensor, "relu"), "torch.Tensor.relu, which was replaced"),  # hides an inherited one
    "Tensor.backward": (replaced(torch.Tensor, "backward"), "torch.Tensor.backward, which was replaced"),
    "nn.ReLU": (replaced(nn, "ReLU"), "torch.nn.ReLU, which was replaced"),
}


def state() -> list[Any]:
    functions = [vars(owner).get(name) for owner, name in ((torch, "relu"), (F, "relu"), (nn.ReLU, "forward"))]
    return [
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_anomaly_enabled(),
        torch.backends.cudnn.benchmark,
        len(nn.modules.module._global_forward_hooks),
        *functions,
        vars(nn.Module).get("__call__"),
        vars(torch.Tensor).get("relu"),
        vars(torch.Tensor).get("backward"),
        nn.ReLU,
    ]


@pytest.mark.parametrize("error", [None, KeyError])
@pytest.mark.parametrize("kind", CHANGES)
def test_what_was_changed_is_put_back_and_named(kind: str, error: type[Exception] | None) -> None:
    change, told = CHANGES[kind]
    before = state()
    changed: list[str] = []
    try:
        with custody() as changed:
            change()
            if error:
                raise error
    except KeyError:
        pass
    assert state() == before
    assert len(changed) == bool(told), changed
    assert not told or changed[0].startswith(told)


def test_inference_mode_that_is_held_on_to_is_ended() -> None:
    held = torch.inference_mode()
    with custody() as changed:
        held.__enter__()
    assert changed[0] == "whether inference mode is on changed from False to True"
    assert not torch.is_inference_mode_enabled()
    assert torch.ones(1, requires_grad=True).sum().requires_grad


def test_what_was_there_before_is_no_change() -> None:
    handle = nn.modules.module.register_module_forward_hook(lambda *_: None)
    try:
        with torch.no_grad(), custody() as changed:
            nn.ReLU()(torch.ones(2))
        assert changed == []
    finally:
        handle.remove()


def test_parts_of_torch_that_are_imported_late_are_no_change() -> None:
    with custody() as changed:
        setattr(torch, "a_late_part", sys)  # noqa: B010
        torch.Tensor.a_new_method = lambda tensor: tensor  # type: ignore[attr-defined]
    del torch.a_late_part, torch.Tensor.a_new_method  # type: ignore[attr-defined]
    assert changed == []


@pytest.mark.filterwarnings("error")
def test_what_a_destructor_raises_is_nobody_elses_concern(capsys: pytest.CaptureFixture[str]) -> None:
    hook = sys.unraisablehook
    with custody():
        Loud()
    assert sys.unraisablehook is hook
    assert "destructor" not in capsys.readouterr().err
