"""Failures that a project expects: strict, with a reason, never a crash; and findings, which decide in one tier."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.runs import ON_ONE

from pytest_saliency_sanity.checks.expectations import matches, parse_expected_failure, require_pattern

NOISE = ("--saliency-method=uniform_noise", "--saliency-model=alexnet", "--saliency-images=10", "-p", "no:randomly")
REPEAT = "--saliency-check=repeatability"
INI = "[pytest]\nsaliency_expected_failures =\n    {}\n"
HOOK = "def pytest_saliency_expected_failures(config):\n    return {!r}\n"


@pytest.mark.parametrize(
    ("pattern", "question", "expected"),
    [
        ("mine/alexnet/repeatability", ("mine", "alexnet", "repeatability"), True),
        ("mine/*/repeatability", ("mine", "vgg11", "repeatability"), True),
        ("*/*/*", ("mine", "", "contract"), True),
        ("m*e/alex*/re*", ("mine", "alexnet", "repeatability"), True),
        ("mine/alexnet/repeat", ("mine", "alexnet", "repeatability"), False),
        ("mine/alexnet/symmetry", ("mine", "alexnet", "symmetry[rescaling]"), True),
        ("mine/alexnet/symmetry[rescaling]", ("mine", "alexnet", "symmetry[rescaling]"), True),
        ("mine/alexnet/symmetry[rescaling]", ("mine", "alexnet", "symmetry[permutation]"), False),
        ("mine/alexnet/symmetry[r]", ("mine", "alexnet", "symmetryr"), False),
        ("captum:A?n=1/alexnet/*", ("captum:A?n=1", "alexnet", "contract"), True),
        ("captum:A?n=1/alexnet/*", ("captum:AXn=1", "alexnet", "contract"), False),
    ],
)
def test_a_pattern_means_what_it_says(pattern: str, question: tuple[str, str, str], expected: bool) -> None:
    require_pattern(pattern)
    assert matches(pattern, *question) is expected


@given(st.from_regex(r"[a-z:?=\[\]_.()+*]{1,12}", fullmatch=True).filter(lambda name: "*" not in name))
def test_a_name_means_itself_whatever_is_in_it(name: str) -> None:
    assert matches(f"{name}/{name}/{name}", name, name, name)


@pytest.mark.parametrize("wrong", ["", "a/b/c", "a/b/c ->", "-> reason", "a/b -> reason", "a/b/c/d -> x", "a//c -> x"])
def test_a_line_of_another_form_is_an_error(wrong: str) -> None:
    with pytest.raises(ValueError, match="is not of the form method/model/check"):
        parse_expected_failure(wrong)


def test_a_line_has_a_pattern_and_a_reason() -> None:
    assert parse_expected_failure(" a?n=1/b*/c ->  since 1 -> 2 ") == ("a?n=1/b*/c", "since 1 -> 2")


@pytest.mark.parametrize("how", ["ini", "hook"])
@pytest.mark.parametrize("workers", [(), ("-n", "1")])
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
        ["uniform_noise * repeatability * failed", "*1 ran: 1 xfailed", "XFAIL *noise is noise*"]
    )


def test_it_works_in_a_file_of_ones_own(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_gate="from pytest_saliency_sanity.suite import *")
    pytester.makeini(INI.format("uniform_noise/alexnet/repeatability -> noise is noise"))
    pytester.runpytest_inprocess(*NOISE, REPEAT).assert_outcomes(xfailed=1)


def test_a_pass_that_is_not_expected_is_red(pytester: pytest.Pytester) -> None:
    pytester.makeini(INI.format("gradient/*/repeatability -> it was broken once"))
    result = pytester.runpytest_inprocess("--saliency-method=gradient", "--saliency-model=alexnet", REPEAT)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*XPASS(strict)*it was broken once*"])


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
    assert f"the expected failure {stale!r} means no test" in error
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
        ({"a/b/c": ""}, "'a/b/c' has no reason"),
        ({"a/b/c": None}, "'a/b/c' has no reason"),
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


SHIFT = ("--saliency-method=input", "--saliency-model=alexnet", "-k", "input_shift", "--saliency-images=10")


def test_a_finding_turns_nothing_red(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("saliency-sanity", *SHIFT, "-rx")
    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(xfailed=1, deselected=ON_ONE - 1)
    result.stdout.fnmatch_lines(
        ["input * symmetry[[]input_shift] * failed (a finding, no gate)", "*--saliency-tier=full*"]
    )


def test_a_finding_is_a_gate_in_the_full_tier(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("saliency-sanity", *SHIFT, "--saliency-tier=full")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["The maps follow the notation: *", "input * symmetry[[]input_shift] * failed"])


def test_an_unknown_tier_is_a_usage_error(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(*NOISE, "--saliency-tier=fll")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "unknown tier 'fll' (did you mean 'full'?); allowed: gate, full" in "\n".join(result.errlines)
