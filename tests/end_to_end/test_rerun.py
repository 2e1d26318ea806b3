"""The command that a failure prints: pasted where pytest was called, it runs just that test again."""

from __future__ import annotations

import os
import shlex

import pytest

SOBEL = ("--saliency-method=sobel", "--saliency-model=alexnet", "--saliency-check=label_randomization")
FILE = "from pytest_saliency_sanity.suite import *\n"


def command_in(result: pytest.RunResult) -> list[str]:
    shown = [line.removeprefix("E").strip() for line in result.outlines]
    return shlex.split(shown[shown.index("Run this again:") + 1])


def run_again(pytester: pytest.Pytester, command: list[str]) -> pytest.RunResult:
    assert command[0] == "pytest"
    return pytester.runpytest_inprocess(*command[1:], "-v", "-p", "no:randomly")


def test_it_names_only_the_method_and_the_model_concerned(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(
        *("--saliency-method=gradcam", "--saliency-method=sobel", "--saliency-model=vgg11", "--saliency-model=alexnet"),
        *("--saliency-check=label_randomization", "--saliency-seed=3", "-k", "sobel and alexnet"),
    )
    command = command_in(result)
    assert command == [
        "pytest",
        "saliency-sanity::sobel-alexnet::test_label_randomization",
        "--saliency-method=sobel",
        "--saliency-model=alexnet",
        "--saliency-check=label_randomization",
        "--saliency-seed=3",
    ]
    run_again(pytester, command).assert_outcomes(failed=1)


@pytest.mark.parametrize("typed", [("-c", "own.ini"), ("--config-file", "own.ini"), ("--config-file=own.ini",)])
def test_it_finds_the_same_ini_file(typed: tuple[str, ...], pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("own.ini").write_text("[pytest]\nsaliency_images = 10\nsaliency_method = sobel\n")
    result = pytester.runpytest_inprocess(*typed, *SOBEL[1:])
    again = run_again(pytester, command_in(result))
    again.stdout.fnmatch_lines(["Measured on 10 images *"])
    again.assert_outcomes(failed=1)


def test_it_loads_the_same_plugins(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(methods="def pytest_saliency_methods(config): return {'mine': 'sobel'}")
    pytester.syspathinsert()
    plugins = ("-p", "methods", "-p", "no:cacheprovider")
    result = pytester.runpytest_inprocess(*plugins, "--saliency-method=mine", *SOBEL[1:])
    command = command_in(result)
    assert command[2:6] == list(plugins)
    run_again(pytester, command).assert_outcomes(failed=1)


@pytest.mark.parametrize("where", ["tests", "tests/deep", "other"])
def test_it_works_in_the_folder_in_which_pytest_was_called(
    where: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makeini("[pytest]")  # the root of the project is above
    for folder in ("tests/deep", "other"):
        (pytester.path / folder).mkdir(parents=True)
    (pytester.path / "tests" / "test_gate.py").write_text(FILE)
    here = pytester.path / where
    monkeypatch.chdir(here)
    target = os.path.relpath(pytester.path / "tests" / "test_gate.py", here)
    result = pytester.runpytest_inprocess(target, *SOBEL, "-p", "no:randomly")
    command = command_in(result)
    assert command[1] == f"{target}::test_label_randomization[sobel-alexnet]"
    again = run_again(pytester, command)
    again.assert_outcomes(failed=1)


def test_a_test_of_ones_own_is_run_again_with_all_that_was_given(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_own="""
        from pytest_saliency_sanity import assert_src_below
        def test_mine(): assert_src_below("sobel", 0.5, randomization="labels")
        """
    )
    both = ("--saliency-method=gradcam", "--saliency-method=gradient")
    command = command_in(pytester.runpytest_inprocess("test_own.py", *both))
    assert command == ["pytest", "test_own.py::test_mine", *both]
