"""Checks that a project gives by its hook: asked like any other, strict about answers."""

from __future__ import annotations

import pytest
from support.runs import Ids, flat, ids_with

CONFTEST = """
from pytest_saliency_sanity import Check
from pytest_saliency_sanity.checks.judging.result import CheckResult, Measured

def ask(subject, needs, variant, threshold):
    measured = Measured(subject.seed)
    verdict = "passed" if variant == "kind" else "failed"
    return CheckResult(f"manners[{variant}]", subject.method_name, "nobody", verdict, "It is rude.", measured)

def silent(subject, needs, variant, threshold):
    pass

def pytest_saliency_checks(config):
    return [
        Check("manners", "is it polite?", "us", ask, variants=("kind", "rude"), findings=("rude",), by_model=False),
        Check("silence", "does it answer?", "us", silent),
    ]
"""
GRADIENT = ("--saliency-method=gradient", "--saliency-model=alexnet", "--saliency-images=10", "-p", "no:randomly")


@pytest.fixture(autouse=True)
def _own_checks(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)


def test_they_are_in_the_suite_and_in_the_summary(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(*GRADIENT, "--saliency-check=manners", "-v")
    assert result.ret == pytest.ExitCode.OK
    assert ids_with("PASSED", result) == ["saliency-sanity::gradient::test_manners[kind]"]
    result.stdout.fnmatch_lines(
        [
            "gradient on nobody: 1 of 2 passed",
            "  failed: manners[[]rude[]] (a finding, not decisive)",
            "  passed: manners[[]kind[]]",
            "packaged tests: 2 planned, 2 ran: 1 xfailed, 1 passed",
        ]
    )


def test_one_variant_is_asked_for_by_its_name(collected: Ids) -> None:
    assert collected(*GRADIENT, "--saliency-check=manners[rude]") == ["saliency-sanity::gradient::test_manners[rude]"]


def test_they_are_in_a_file_of_ones_own(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_gate="from pytest_saliency_sanity.suite import *")
    result = pytester.runpytest_inprocess(*GRADIENT, "--saliency-check=manners", "--saliency-tier=full", "-v")
    assert ids_with("FAILED", result) == ["test_gate.py::test_manners[gradient-rude]"]
    assert "It is rude." in result.outlines


def test_a_check_that_gives_no_answer_is_red(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(*GRADIENT, "--saliency-check=silence")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*the check silence returned None, which is not a CheckResult*"])


def test_a_packaged_test_that_passes_without_an_answer_is_not_green(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest

        @pytest.fixture
        def saliency_judge():
            return lambda result: None
        """
    )
    result = pytester.runpytest_inprocess(*GRADIENT, "--saliency-check=repeatability")
    result.assert_outcomes(passed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["  failed without a verdict: repeatability"])
    assert "not green: 1 packaged tests passed without an answer, the first is saliency-sanity::" in flat(result)


def test_they_are_gone_in_the_next_run(collected: Ids, pytester: pytest.Pytester) -> None:
    assert collected(*GRADIENT, "--saliency-check=silence")
    pytester.path.joinpath("conftest.py").unlink()
    assert not [each for each in collected(*GRADIENT) if "silence" in each]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("3", "returned int, not a list of checks"),
        ("{'a': 1}", "returned dict, not a list of checks"),
        ("['repeatability']", "'repeatability' is not a pytest_saliency_sanity.Check"),
    ],
)
def test_a_wrong_answer_of_the_hook_is_a_usage_error(answer: str, told: str, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(f"def pytest_saliency_checks(): return {answer}")
    result = pytester.runpytest_inprocess(*GRADIENT)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert f"pytest_saliency_checks in conftest.py: {told}".replace(": returned", " returned") in result.stderr.str()


def test_a_name_that_exists_already_is_a_usage_error(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST.replace('"manners"', '"symmetry"'))
    result = pytester.runpytest_inprocess(*GRADIENT)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = "the check 'symmetry' is registered twice, by pytest-saliency-sanity and by pytest_saliency_checks in conf"
    assert told in result.stderr.str()
