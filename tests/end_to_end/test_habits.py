"""What costs memory without being wrong ends green, with a note that has the figure."""

from __future__ import annotations

import re

import pytest
from support.runs import flat

METHODS = """
import torch
from torch.nn import functional as F
from pytest_saliency_sanity import gradient

KEPT = []

def large(model, images, targets):
    return F.interpolate(gradient(model, images, targets).sum(1, keepdim=True), size=(200, 300))[:, 0]

def keeping(model, images, targets):
    KEPT.append((images, torch.ones(len(images), 300, 300)))
    KEPT.append(gradient(model, images, targets).repeat(1, 8, 1, 1))
    return KEPT[-1]

def printing(model, images, targets):
    print("x" * 10_000_000)
    return gradient(model, images, targets)
"""


NOTES = (
    "note: own:large returns maps of 200 x 300 for images of 64 x 64: they are averaged down to that size",
    "note: own:keeping keeps tensors that it was given or returned: ",
    "note: own:printing printed ",
)


@pytest.mark.parametrize("how", [(), pytest.param(("-n", "1"), marks=pytest.mark.slow)], ids=["here", "in a worker"])
def test_a_costly_habit_is_noted_with_its_figure(pytester: pytest.Pytester, how: tuple[str, ...]) -> None:
    pytester.makepyfile(own=METHODS)
    result = pytester.runpytest_inprocess(
        "saliency-sanity",
        *(f"--saliency-method=own:{name}" for name in ("large", "keeping", "printing")),
        "--saliency-method=gradient",
        "--saliency-model=alexnet",
        "--saliency-check=cascading_randomization[top_down]",
        "--saliency-images=10",
        *how,
    )
    assert result.ret == pytest.ExitCode.OK
    shown = flat(result)
    assert "note: gradient" not in shown
    for note in NOTES:
        assert note in shown
    assert re.search(r"\d+ MB are still held", shown)
    assert re.search(r"printed [1-9]\d\d\.\d million characters", shown)
