"""A method that does not do what a method does is never green, and the message says where it went wrong."""

from __future__ import annotations

import pytest
from support.runs import IN_ALL, MODELS, Run, flat

METHODS = """
import numpy, torch

def raising(model, images, targets): raise ArithmeticError("no maps today")
def wrong_shape(model, images, targets): return torch.rand(len(images), 7)
def too_few(model, images, targets): return torch.rand(len(images) - 1, 7, 7)
def integers(model, images, targets): return torch.ones(len(images), 7, 7, dtype=torch.long)
def one_pixel(model, images, targets): return torch.rand(len(images), 1, 1)
def array(model, images, targets): return numpy.zeros((len(images), 7, 7))
def nothing(model, images, targets): pass
def nans(model, images, targets): return torch.full((len(images), 7, 7), torch.nan)
def constant(model, images, targets): return torch.ones(len(images), 7, 7)

CALLS = []  # the trained model comes first
def only_at_first(model, images, targets):
    CALLS.append(model)
    if len(CALLS) > 1: raise ArithmeticError("another model")
    return torch.rand(len(images), 7, 7)

def constant_later(model, images, targets):
    CALLS.append(next(model.parameters()).sum().item())
    return torch.rand(len(images), 7, 7) if CALLS[-1] == CALLS[0] else torch.ones(len(images), 7, 7)
"""

RAISED = [
    ("raising", "the trained model: the method raised ArithmeticError: no maps today"),
    ("wrong_shape", "the trained model: the method returned the shape (10, 7), not a float tensor (10, h, w)"),
    ("too_few", "the trained model: the method returned the shape (9, 7, 7), not a float tensor (10, h, w)"),
    ("integers", "the trained model: the method returned torch.int64, not a float tensor (10, h, w)"),
    ("one_pixel", "the trained model: the method returned the shape (10, 1, 1): a map needs at least two positions"),
    ("array", "the trained model: the method returned numpy.ndarray, not a float tensor (10, h, w)"),
    ("nothing", "the trained model: the method returned NoneType, not a float tensor (10, h, w)"),
    ("only_at_first", "random_labels: the method raised ArithmeticError: another model"),
]
UNDEFINED = [
    ("nans", "map with NaN or infinity"),
    ("constant", "constant map of the trained model"),
    ("constant_later", "constant map of the randomised model"),
]


@pytest.mark.parametrize(("method", "told"), RAISED)
def test_a_broken_method_is_red(method: str, told: str, quick: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(mymethods=METHODS)
    result = quick(f"--saliency-method=mymethods:{method}")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(failed=1)
    assert f"{method} on alexnet, {told}".casefold() in result.stdout.str().casefold()
    result.stdout.fnmatch_lines(["packaged tests: 1 planned, 1 ran: 1 failed"])


@pytest.mark.parametrize(("method", "cause"), UNDEFINED)
def test_maps_that_have_no_ranks_are_red(method: str, cause: str, quick: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(mymethods=METHODS)
    result = quick(f"--saliency-method=mymethods:{method}")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            f"label_randomization: mymethods:{method} on alexnet UNDEFINED",
            "Undefined: too few SRCs are defined at random_labels to say anything*",
            f"40 of 40 SRCs are undefined ({cause} 40).",
            f"random_labels *40/40 * undefined: must stay below 0.89  ({cause})",
            "  undefined: label_randomization (40 of 40 SRCs undefined)",
            "    stage random_labels: no similarity is defined, must stay below 0.89",
        ]
    )


@pytest.mark.slow
def test_a_broken_method_fails_every_question_it_is_put_to(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(mymethods=METHODS)
    result = pytester.runpytest_inprocess("--saliency-method=mymethods:raising", "--tb=line")
    result.assert_outcomes(failed=IN_ALL - 1, skipped=1)  # it refuses all networks of the contract
    result.stdout.re_match_lines(
        [
            line
            for model in MODELS  # in the order of the plan
            for line in (
                rf"mymethods:raising on {model}: 0 of (\d+) passed",
                r"  failed without a verdict: all \d+ questions",
            )
        ]
    )
    assert "skipped: contract of mymethods:raising it refuses all small random networks" in flat(result)


def test_a_method_that_exits_is_red(quick: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(mymethods="def leaving(model, images, targets): raise SystemExit(0)")
    assert quick("--saliency-method=mymethods:leaving").ret == pytest.ExitCode.TESTS_FAILED


def test_a_method_that_skips_is_not_green(quick: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(mymethods="import pytest\ndef skipping(model, images, targets): pytest.skip('not today')")
    assert quick("--saliency-method=mymethods:skipping").ret != pytest.ExitCode.OK
