"""A project's code that raises, skips or exits before any test runs: a usage error that names where it stands."""

from __future__ import annotations

import sys

import pytest
from support.packages import Install
from support.runs import Run, flat

from pytest_saliency_sanity.checks.registry import CHECKS
from pytest_saliency_sanity.reports.registry import REPORTS

# What code can do besides returning, in an expression of its own line, and what the error tells of it.
ENDS = {
    "1 / 0": "ZeroDivisionError: division by zero",
    "pytest.skip('not today', allow_module_level=True)": "Skipped: not today",
    "pytest.importorskip('nowhere_to_be_found')": "Skipped: could not import 'nowhere_to_be_found'",
    "pytest.exit('not today', returncode=0)": "Exit: not today",
    "pytest.fail('not today')": "Failed: not today",
    "pytest.xfail('not today')": "XFailed: not today",
    "unittest_skip()": "SkipTest: not today",
    "sys.exit(0)": "SystemExit: 0",
    "own()": "Own: not today",
    "unspeakable()": "Unspeakable",
}
HELP = """
import sys, unittest
import pytest

class Own(BaseException): pass
class Unspeakable(Exception):
    def __str__(self): raise RuntimeError("no text")

def own(): raise Own("not today")
def unspeakable(): raise Unspeakable
def unittest_skip(): raise unittest.SkipTest("not today")
"""
HOOKS = ("pytest_saliency_methods", "pytest_saliency_checks", "pytest_saliency_expected_failures")
# Answers of a hook that raise when they are looked at.
LAZY = """
from collections.abc import Mapping
class Lazy(Mapping):
    def __getitem__(self, name): raise ArithmeticError("no items")
    def __iter__(self): raise ArithmeticError("no items")
    def __len__(self): return 1
"""


def usage_error(result: pytest.RunResult) -> str:
    """Return the error of a run that ended before any test, with each run of white space as one blank."""
    printed = result.stdout.str() + result.stderr.str()
    assert result.ret == pytest.ExitCode.USAGE_ERROR, printed
    assert "INTERNALERROR" not in printed
    assert "Traceback" not in printed
    return " ".join(result.stderr.str().split())


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_that_does_not_return_is_a_usage_error(
    hook: str, end: str, quick: Run, pytester: pytest.Pytester
) -> None:
    pytester.makeconftest(f"{HELP}\ndef {hook}(config):\n    return {end}\n")
    error = usage_error(quick("--saliency-method=gradcam"))
    assert error.startswith(f"ERROR: {hook} in conftest.py: {ENDS[end]}")


def test_the_error_of_a_hook_says_where_it_was_raised(quick: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(deep="import json\n\ndef read():\n    return json.loads('{')\n")
    pytester.makeconftest("import deep\n\ndef pytest_saliency_methods():\n    return deep.read()\n")
    error = usage_error(quick("--saliency-method=gradcam"))
    assert error.endswith("(raised in deep.py:4, read)")


@pytest.mark.parametrize("hook", HOOKS)
def test_an_answer_of_a_hook_that_raises_when_it_is_read_is_a_usage_error(
    hook: str, quick: Run, pytester: pytest.Pytester
) -> None:
    answer = "(1 / 0 for _ in [0])" if hook == "pytest_saliency_checks" else "Lazy()"
    pytester.makeconftest(f"{LAZY}\ndef {hook}(config):\n    return {answer}\n")
    told = "ZeroDivisionError: division by zero" if hook == "pytest_saliency_checks" else "ArithmeticError: no items"
    assert f"{hook} in conftest.py: {told}" in usage_error(quick("--saliency-method=gradcam"))


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_that_raises_is_a_usage_error_under_xdist_and_in_the_list(
    hook: str, quick: Run, pytester: pytest.Pytester
) -> None:
    pytester.makeconftest(f"{HELP}\ndef {hook}(config):\n    sys.exit('not today')\n")
    assert f"{hook} in conftest.py: SystemExit: not today" in usage_error(quick("--saliency-method=gradcam", "-n1"))
    if hook != "pytest_saliency_expected_failures":  # the list does not ask for these
        assert f"{hook} in conftest.py: " in usage_error(pytester.runpytest_inprocess("--saliency-list"))


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("option", ["method", "model"])
def test_a_module_that_ends_on_import_is_a_usage_error(option: str, end: str, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(mine=f"{HELP}\n{end}\ndef fn(*given): pass\n")
    chosen = {"method": "gradcam", "model": "alexnet", option: "mine:fn"}
    result = pytester.runpytest_inprocess(*(f"--saliency-{name}={value}" for name, value in chosen.items()))
    error = usage_error(result)
    assert error.startswith(f"ERROR: --saliency-{option}=mine:fn: {ENDS[end]}")
    assert "(raised in mine.py:" in error


def test_a_module_that_skips_is_named_with_its_ini_key(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(mine="import pytest\npytest.importorskip('nowhere_to_be_found')\ndef fn(*given): pass\n")
    pytester.makeini("[pytest]\nsaliency_method = mine:fn\n")
    assert "ini saliency_method=mine:fn: Skipped: " in usage_error(pytester.runpytest_inprocess())


@pytest.mark.parametrize("end", [end for end in ENDS if end not in ("1 / 0", "unspeakable()")])
def test_a_factory_that_ends_the_process_or_skips_fails_its_questions_only(end: str, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(mine=f"{HELP}\ndef make():\n    return {end}\n")
    result = pytester.runpytest_inprocess(
        "--saliency-method=gradcam",
        "--saliency-model=mine:make",
        "--saliency-model=alexnet",
        "-p",
        "no:randomly",
        "--saliency-check=class_sensitivity",
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(errors=1, passed=1)
    assert f"--saliency-model=mine:make: making it raised {ENDS[end]}" in flat(result)


@pytest.mark.parametrize("place", ["conftest", "mine"])
def test_ctrl_c_in_a_project_s_code_still_interrupts(place: str, quick: Run, pytester: pytest.Pytester) -> None:
    hook = "def pytest_saliency_methods():" if place == "conftest" else "def fn(*given): pass\nif True:"
    pytester.makepyfile(**{place: f"{hook}\n    raise KeyboardInterrupt\n"})
    chosen = "gradcam" if place == "conftest" else "mine:fn"
    result = quick(f"--saliency-method={chosen}", no_reraise_ctrlc=True)
    assert result.ret == pytest.ExitCode.INTERRUPTED


# What else reads registries, so that their packages are loaded: groups of entry points, and what needs them.
@pytest.mark.parametrize("end", ["1 / 0", "sys.exit(0)", "pytest.skip('not today', allow_module_level=True)"])
@pytest.mark.parametrize(
    ("group", "options"),
    [
        (CHECKS.group, ("--saliency-method=gradcam",)),
        (CHECKS.group, ("--saliency-list",)),
        (REPORTS.group, ("--saliency-method=gradcam", "--saliency-report=out")),
        ("saliency_sanity.presets", ("--saliency-method=gradcam",)),
        ("saliency_sanity.methods", ("--saliency-method=theirs",)),
    ],
)
def test_a_package_that_breaks_when_it_is_loaded_is_a_usage_error(
    group: str, options: tuple[str, ...], end: str, install: Install, pytester: pytest.Pytester
) -> None:
    install("their-package", group, {"theirmodule": f"{HELP}\n{end}\n"}, theirs="theirmodule:thing")
    error = usage_error(pytester.runpytest_inprocess(*options))
    assert "of their-package" in error or "--saliency-method=theirs" in error
    assert ENDS.get(end, "Skipped: not today") in error
    assert not (pytester.path / "out").exists()


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["alone", "workers"])
def test_a_package_that_breaks_is_nothing_to_a_run_without_a_method(
    workers: tuple[str, ...], install: Install, pytester: pytest.Pytester
) -> None:
    for group in (CHECKS.group, REPORTS.group, "saliency_sanity.presets", "saliency_sanity.methods"):
        install(f"their-{group}", group, {f"broken_{group[16:]}": "1 / 0"}, theirs=f"broken_{group[16:]}:thing")
    pytester.makepyfile("def test_other(): pass")
    result = pytester.runpytest_inprocess(*workers)
    result.assert_outcomes(passed=1)
    assert result.ret == pytest.ExitCode.OK
    assert not [name for name in sys.modules if name.startswith("broken_")]
