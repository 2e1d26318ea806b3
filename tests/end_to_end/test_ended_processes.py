"""A method or its module that ends the process: nothing is green, and the question is named; workers answer the rest."""

from __future__ import annotations

import pytest
from support.methods import MODULE
from support.runs import flat

ONE = ("--saliency-model=alexnet", "--saliency-check=class_sensitivity", "--saliency-images=10", "-p", "no:randomly")
# What the controller of pytest-xdist has imported at the end of a run.
SHOW = """
import os, sys
def pytest_sessionfinish():
    if "PYTEST_XDIST_WORKER" not in os.environ: print("\\ncontroller imported torch:", "torch" in sys.modules)
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
