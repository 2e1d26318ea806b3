"""A project that knows captum and this plugin: five lines of conftest, on the command line and as a committed file."""

from __future__ import annotations

import pytest
from support.runs import ON_ONE

pytest.importorskip("captum")

CONFTEST = """
from captum.attr import Saliency

def mine(model, images, targets):
    return Saliency(model).attribute(images.clone().requires_grad_(), targets, abs=False).detach()

def pytest_saliency_methods(config):
    return {"mine": mine}
"""
FILE = "from pytest_saliency_sanity.suite import *"
STRICT = ("--strict-markers", "--strict-config", "-W", "error")
CHOSEN = ("--saliency-method=mine", "--saliency-model=resnet", "--saliency-images=10")
slow = pytest.mark.slow


@pytest.mark.parametrize(
    ("form", "workers", "shuffled"),
    [
        pytest.param("flag", False, False, marks=slow),
        pytest.param("flag", False, True, marks=slow),
        pytest.param("flag", True, False, marks=slow),
        pytest.param("flag", True, True, marks=slow),
        pytest.param("file", False, False, marks=slow),
        pytest.param("file", False, True, marks=slow),
        pytest.param("file", True, False, marks=slow),
        pytest.param("file", True, True, marks=slow),
    ],
)
def test_every_question_is_asked_once_and_answered(
    form: str, workers: bool, shuffled: bool, pytester: pytest.Pytester
) -> None:
    pytester.makeconftest(CONFTEST)
    if form == "file":
        pytester.mkdir("tests").joinpath("test_saliency.py").write_text(FILE)
    how = [*(["-n", "2"] if workers else []), *(["-p", "randomly"] if shuffled else ["-p", "no:randomly"])]
    result = pytester.runpytest_subprocess(*CHOSEN, *STRICT, *how)
    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=ON_ONE, warnings=0)
    result.stdout.fnmatch_lines(
        [
            "note: mine draws the same maps as gradient on resnet",
            f"packaged tests: {ON_ONE} planned, {ON_ONE} ran: {ON_ONE} passed",
        ]
    )
    assert not pytester.path.joinpath(".hypothesis").exists()
