"""A method or its module that ends the process: nothing is green, the question is named, workers answer the rest."""

from __future__ import annotations

import pytest
from support.methods import MODULE
from support.runs import flat

ONE = ("--saliency-model=alexnet", "--saliency-check=class_sensitivity", "--saliency-images=10", "-p", "no:randomly")
METHODS = """
import ctypes, os, signal, sys
from pytest_saliency_sanity import gradient

def leaves(model, images, targets): os._exit(0)
def killed(model, images, targets): os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does if memory runs out
def crashes(model, images, targets): ctypes.string_at(0)
def innocent(model, images, targets): return gradient(model, images, targets)
"""
ENDS = {
    "leaves": "it ended with exit status 0",
    "killed": "it was ended by SIGKILL",
    "crashes": "it was ended by SIGSEGV",
}
# What the controller of pytest-xdist has imported at the end of a run.
SHOW = """
import sys
def pytest_sessionfinish(session):
    if not hasattr(session.config, "workerinput"): print("\\ncontroller imported torch:", "torch" in sys.modules)
"""


@pytest.mark.parametrize("option", ["method", "model"])
def test_a_module_that_ends_the_process_on_import_is_a_usage_error_before_workers_start(
    option: str, pytester: pytest.Pytester
) -> None:
    pytester.makepyfile(leaving="import os\nos._exit(0)\n", fine="def fn(*given): pass\n")
    chosen = {"method": "gradcam", "model": "alexnet", option: "leaving:fn"}
    options = [f"--saliency-{name}={value}" for name, value in chosen.items()]
    result = pytester.runpytest_inprocess(*options, f"--saliency-{option}=fine:fn", "-n1")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = f"--saliency-{option}=leaving:fn: importing it ends the process: it ended with exit status 0"
    assert told in result.stderr.str()
    result.stdout.no_fnmatch_line("*gw0*")


def test_an_error_on_import_is_told_alike_with_workers(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(broken="import nowhere_to_be_found\n")
    results = [pytester.runpytest_inprocess("--saliency-method=broken:fn", *workers) for workers in ((), ("-n1",))]
    assert results[0].stderr.str() == results[1].stderr.str()
    assert (
        "ModuleNotFoundError: No module named 'nowhere_to_be_found' (raised in broken.py:1" in results[1].stderr.str()
    )


@pytest.mark.slow
def test_the_controller_of_workers_does_not_import_methods(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(SHOW)
    pytester.makepyfile(mine=MODULE)
    result = pytester.runpytest_subprocess("--saliency-method=mine:plain", "-n1", *ONE)
    assert result.ret != pytest.ExitCode.USAGE_ERROR, result.stderr.str()
    result.stdout.fnmatch_lines(["controller imported torch: False"])


def test_what_a_conftest_gives_or_prepares_is_found_with_workers_too(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import sys
        from types import ModuleType
        from pytest_saliency_sanity import gradient

        made = ModuleType("made_here")
        made.fn = gradient
        sys.modules["made_here"] = made

        def pytest_saliency_methods():
            return {"mine": gradient, "alias": "mine", "few": "smoothgrad?n_samples=2", "prepared": "made_here:fn"}
        """
    )
    methods = [f"--saliency-method={name}" for name in ("mine", "alias", "few", "few?n_samples=3", "prepared")]
    result = pytester.runpytest_inprocess(*methods, "--collect-only", "-q", "-n1", *ONE)
    assert result.ret == pytest.ExitCode.OK, flat(result)


@pytest.mark.parametrize(
    "method", ["leaves", *(pytest.param(each, marks=pytest.mark.slow) for each in ("killed", "crashes"))]
)
def test_a_method_that_ends_its_process_is_told_of_and_red_in_a_child(method: str, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(mymethods=METHODS)
    chosen = ("--saliency-method=mymethods:innocent", f"--saliency-method=mymethods:{method}")
    result = pytester.runpytest_subprocess("saliency-sanity", "--saliency-isolate", *chosen, *ONE)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    node_id = f"saliency-sanity::mymethods:{method}-alexnet::test_class_sensitivity"
    assert f"saliency-sanity: the run broke off in {node_id}: {ENDS[method]}" in result.stderr.str()


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("leaving.py", "while --saliency-method=leaving:fn was imported"),
        ("conftest.py", "while conftests were imported"),
    ],
)
def test_code_that_ends_the_process_on_import_is_told_of_and_red_in_a_child(
    place: str, told: str, pytester: pytest.Pytester
) -> None:
    (pytester.path / "leaving.py").write_text("def fn(*given): pass\n")
    (pytester.path / place).write_text("import os\nos._exit(0)\n")
    result = pytester.runpytest_subprocess("--saliency-isolate", "--saliency-method=leaving:fn", *ONE)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert f"saliency-sanity: the run broke off {told}: it ended with exit status 0" in result.stderr.str()


@pytest.mark.parametrize("method", [pytest.param(each, marks=pytest.mark.slow) for each in ("killed", "leaves")])
def test_a_worker_that_is_lost_is_replaced_its_question_named_and_the_rest_answered(
    method: str, pytester: pytest.Pytester
) -> None:
    pytester.makepyfile(mymethods=METHODS)
    chosen = (f"--saliency-method=mymethods:{method}", "--saliency-method=mymethods:innocent")
    result = pytester.runpytest_inprocess("saliency-sanity", *chosen, *ONE, "-n1")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1, failed=1)
    node_id = f"saliency-sanity::mymethods:{method}-alexnet::test_class_sensitivity"
    result.stdout.fnmatch_lines([f"worker 'gw0' crashed while running '{node_id}'"])
    result.stdout.fnmatch_lines(["mymethods:innocent on alexnet: 1 of 1 passed"])


TEST = "def test_it(): assert {}"


@pytest.mark.parametrize(
    ("options", "status"),
    [
        (("test_passes.py",), pytest.ExitCode.OK),
        (("test_fails.py",), pytest.ExitCode.TESTS_FAILED),
        (("--no-such-option",), pytest.ExitCode.USAGE_ERROR),
        *(
            pytest.param(options, status, marks=pytest.mark.slow)
            for options, status in [
                (("--saliency-method=gradcan",), pytest.ExitCode.USAGE_ERROR),
                (("-k", "nothing"), pytest.ExitCode.NO_TESTS_COLLECTED),
                (("--collect-only",), pytest.ExitCode.OK),
                (("--help",), pytest.ExitCode.OK),
                (("--saliency-list",), pytest.ExitCode.OK),
                (("test_passes.py", "-n1"), pytest.ExitCode.OK),
            ]
        ),
    ],
)
def test_a_run_that_ends_by_itself_has_its_own_status(
    options: tuple[str, ...], status: pytest.ExitCode, pytester: pytest.Pytester
) -> None:
    pytester.makepyfile(test_passes=TEST.format(True), test_fails=TEST.format(False))
    result = pytester.runpytest_subprocess("--saliency-isolate", *options)
    assert result.ret == status
    assert "broke off" not in result.stderr.str()


def test_a_run_that_is_red_stays_red_whatever_ends_its_process(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_fails=TEST.format(False))
    pytester.makeconftest("import atexit, os\natexit.register(os._exit, 0)")
    assert pytester.runpytest_subprocess().ret == pytest.ExitCode.OK  # which nobody can see from inside
    assert pytester.runpytest_subprocess("--saliency-isolate").ret == pytest.ExitCode.TESTS_FAILED


def test_objects_given_as_plugins_can_not_follow(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("--saliency-isolate")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "objects given to it as plugins can't follow" in result.stderr.str()
