"""Failures that a project expects: strict, with a reason, never a crash; and findings, which decide in one tier."""

from __future__ import annotations

import pytest
from support.runs import ON_ONE
from support.skips import needs

NOISE = ("--saliency-method=uniform_noise", "--saliency-model=alexnet", "--saliency-images=10", "-p", "no:randomly")
REPEAT = "--saliency-check=repeatability"
INI = "[pytest]\nsaliency_expected_failures =\n    {}\n"
HOOK = "def pytest_saliency_expected_failures(config):\n    return {!r}\n"


@pytest.mark.parametrize(
    ("how", "workers"), [("ini", ()), ("hook", ()), pytest.param("hook", ("-n", "1"), marks=pytest.mark.slow)]
)
def test_a_failure_that_is_expected_is_green_and_tells_the_reason(
    how: str, workers: tuple[str, ...], pytester: pytest.Pytester
) -> None:
    if how == "ini":
        pytester.makeini(INI.format("uniform_noise/*/repeatability -> noise is noise"))
    else:
        pytester.makeconftest(HOOK.format({"uniform_noise/*/repeatability": "noise is noise"}))
    result = pytester.runpytest_inprocess(*NOISE, REPEAT, *workers, "-rx")
    assert result.ret == pytest.ExitCode.OK  # nothing but expected failures is no empty run
    result.assert_outcomes(xfailed=1)
    result.stdout.fnmatch_lines(
        ["  failed: repeatability (expected: noise is noise)", "*1 ran: 1 xfailed", "XFAIL *noise is noise*"]
    )


def test_it_works_in_a_file_of_ones_own(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_gate="from pytest_saliency_sanity.suite import *")
    pytester.makeini(INI.format("uniform_noise/alexnet/repeatability -> noise is noise"))
    pytester.runpytest_inprocess(*NOISE, REPEAT).assert_outcomes(xfailed=1)


def test_a_pass_that_is_not_expected_is_red(pytester: pytest.Pytester) -> None:
    pytester.makeini(INI.format("gradient/*/repeatability -> it was broken once"))
    result = pytester.runpytest_inprocess("--saliency-method=gradient", "--saliency-model=alexnet", REPEAT)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    told = "  failed: repeatability (passed, but it was expected to fail: it was broken"
    result.stdout.fnmatch_lines(["*XPASS(strict)*it was broken once*", told, "    once)"])


def test_a_crash_is_never_expected(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(mine="def crashes(model, images, targets): raise RuntimeError('out of order')")
    pytester.makeini(INI.format("mine:crashes/*/* -> work in progress"))
    result = pytester.runpytest_inprocess("--saliency-method=mine:crashes", "--saliency-model=alexnet", REPEAT)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*out of order*"])


@pytest.mark.parametrize(
    "stale", ["uniform_noize/*/repeatability", "*/alexnett/*", "*/*/repeatable", "*/*/symmetry[shift]", "sobel/vgg/*"]
)
@pytest.mark.parametrize("how", ["ini", "hook"])
def test_an_entry_that_means_no_test_is_a_usage_error(stale: str, how: str, pytester: pytest.Pytester) -> None:
    if how == "ini":
        pytester.makeini(INI.format(f"{stale} -> gone"))
    else:
        pytester.makeconftest(HOOK.format({stale: "gone"}))
    result = pytester.runpytest_inprocess(*NOISE, "--saliency-check=contract")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    error = "\n".join(result.errlines)
    assert f"the expected failure {stale!r} matches no test" in error
    source = "ini saliency_expected_failures" if how == "ini" else "pytest_saliency_expected_failures in conftest.py"
    assert f"{source}: the expected" in error


@pytest.mark.parametrize("other", ["gradcam/vgg11/*", "uniform_noise/vgg11/repeatability", "sobel/*/class_sensitivity"])
def test_an_entry_for_what_is_not_run_today_is_none(other: str, pytester: pytest.Pytester) -> None:
    pytester.makeini(INI.format(f"{other} -> another day"))
    result = pytester.runpytest_inprocess(*NOISE, "--saliency-check=contract")
    assert result.ret == pytest.ExitCode.OK


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"a/b": "reason"}, "'a/b' is not of the form method/model/check"),
        ({"a/b/c": ""}, "'a/b/c' needs a reason"),
        ({"a/b/c": None}, "'a/b/c' needs a reason"),
        (["a/b/c"], "returned list, not a mapping"),
    ],
)
def test_a_hook_that_answers_otherwise_is_a_usage_error(answer: object, told: str, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(HOOK.format(answer))
    result = pytester.runpytest_inprocess(*NOISE)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    error = "\n".join(result.errlines)
    assert told in error
    assert "conftest.py" in error


SHIFT = (
    "--saliency-method=captum:InputXGradient",
    "--saliency-model=alexnet",
    "-k",
    "input_shift",
    "--saliency-images=10",
)


@needs("captum")
def test_a_finding_turns_nothing_red(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("saliency-sanity", *SHIFT, "-rx")
    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(xfailed=1, deselected=ON_ONE - 1)
    result.stdout.fnmatch_lines(
        ["  failed: symmetry[[]input_shift] (a finding, not decisive)", "*--saliency-tier=full*"]
    )


@needs("captum")
def test_a_finding_is_a_gate_in_the_full_tier(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("saliency-sanity", *SHIFT, "--saliency-tier=full")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["The maps depend on how the function is written: *", "  failed: symmetry[[]input_shift]"]
    )


def test_an_unknown_tier_is_a_usage_error(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(*NOISE, "--saliency-tier=fll")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "unknown tier 'fll' (did you mean 'full'?); allowed: gate, full" in "\n".join(result.errlines)
