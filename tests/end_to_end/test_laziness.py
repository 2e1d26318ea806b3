"""Silent and free where it is idle: what is imported when, and by whom."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import pytest_saliency_sanity

HEAVY = {"torch", "numpy"}

# A project's conftest that writes down, at the very end of a run, which packages it imported.
KEEP_IMPORTS = """
import pathlib, sys

def pytest_unconfigure():
    pathlib.Path("imported.txt").write_text("\\n".join({name.partition(".")[0] for name in sys.modules}))
"""
# pytest-randomly imports numpy where there is one, and that is none of our business.
QUIET = ("-p", "no:randomly")


def imported_by_a_run(pytester: pytest.Pytester, *options: str) -> set[str]:
    """Return the packages that a run in a process of its own has imported at its end."""
    pytester.makeconftest(KEEP_IMPORTS)
    pytester.runpytest_subprocess(*QUIET, *options).assert_outcomes(passed=1)
    return set(pytester.path.joinpath("imported.txt").read_text().split())


def imported_by(*statements: str) -> set[str]:
    """Return the packages that statements import beyond those of an interpreter that has just started."""
    shown = "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    program = "; ".join(["import sys", "before = set(sys.modules)", *statements, shown])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_a_run_without_our_options_imports_neither_torch_nor_numpy(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_other="def test_other(): pass")
    imported = imported_by_a_run(pytester)
    assert "pytest_saliency_sanity" in imported
    assert not HEAVY & imported


def test_a_run_that_imports_numpy_is_noticed(pytester: pytest.Pytester) -> None:
    # Shows that the test above can fail.
    pytester.makepyfile(test_other="import numpy\ndef test_other(): pass")
    assert HEAVY & imported_by_a_run(pytester) == {"numpy"}


def test_a_run_without_our_options_says_nothing_of_us(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_other="def test_other(): pass")
    shown = pytester.runpytest_inprocess().outlines
    assert [line for line in shown if "saliency" in line and not line.startswith(("plugins:", "rootdir:"))] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["--saliency-method=gradcan"],
        ["--saliency-method=gradcam", "--saliency-images=0"],
        ["saliency-sanity::gradcan", "--saliency-method=gradcam"],
        ["saliency-sanity"],
        ["--saliency-method=nowhere:fn"],
    ],
)
def test_bad_input_is_an_error_before_torch_is_imported(arguments: list[str], tmp_path: Path) -> None:
    imported = imported_by(
        "import os, pytest", f"os.chdir({str(tmp_path)!r})", f"assert pytest.main({[*QUIET, *arguments]!r}) == 4"
    )
    assert not HEAVY & imported


def test_the_list_is_shown_without_torch(tmp_path: Path) -> None:
    imported = imported_by(
        "import os, pytest", f"os.chdir({str(tmp_path)!r})", f"assert pytest.main({[*QUIET, '--saliency-list']!r}) == 0"
    )
    assert not HEAVY & imported


def test_the_plugin_imports_only_the_standard_library_and_pytest() -> None:
    by_pytest = imported_by("import pytest")
    beyond = imported_by("import pytest_saliency_sanity.plugin") - by_pytest - sys.stdlib_module_names
    assert beyond == {"pytest_saliency_sanity"}


@pytest.mark.parametrize("module", ["suite", "checks.registry", "networks.presets.registry", "reports.registry"])
def test_what_only_knows_names_imports_neither_torch_nor_numpy(module: str) -> None:
    assert not HEAVY & imported_by(
        f"import pytest_saliency_sanity.{module} as found", "found.CHECKS.all() if hasattr(found, 'CHECKS') else found"
    )


def test_importing_what_does_the_work_is_noticed() -> None:
    # Shows that the tests above can fail.
    assert imported_by("import pytest_saliency_sanity.api") >= HEAVY


def test_the_public_names_are_resolved_only_when_they_are_used() -> None:
    assert imported_by("import pytest_saliency_sanity", "dir(pytest_saliency_sanity)").isdisjoint({*HEAVY, "pytest"})


def test_checks_and_assertions_work_without_pytest() -> None:
    imported = imported_by("from pytest_saliency_sanity import assert_src_below, check_method")
    assert imported >= HEAVY
    assert "pytest" not in imported


def test_every_public_name_is_there() -> None:
    for name in pytest_saliency_sanity.__all__:
        assert getattr(pytest_saliency_sanity, name).__name__ == name
    assert set(pytest_saliency_sanity.__all__) <= set(dir(pytest_saliency_sanity))


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'asert_src_below'"):
        pytest_saliency_sanity.asert_src_below  # noqa: B018
