"""How the tests of the plugin run pytest in a project of their own."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import ModuleType
from typing import Any

import pytest
from support.packages import Install, put_package
from support.runs import Ids, Recorder, Records, Run

import pytest_saliency_sanity
from pytest_saliency_sanity.foundation import displays
from pytest_saliency_sanity.foundation.progress import choose_displays

# One thread, here and in the processes that tests start: small networks gain nothing from more, and on a machine that
# is shared with others, threads that wait for each other take ten times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# The runs that tests start must not write to the page of the job that runs the tests.
os.environ.pop("GITHUB_STEP_SUMMARY", None)

# A run inside of this process takes its imports back at its end. Torch can't be imported twice, so it is imported here
# with all of ours that is not an adapter; so the digits are parsed once. hypothesis is imported, if it is installed,
# because its plugin would import it in every such run, for a second.
for _module in walk_packages(pytest_saliency_sanity.__path__, "pytest_saliency_sanity."):
    if ".adapters." not in _module.name and not _module.name.endswith("__main__"):
        import_module(_module.name)

with suppress(ImportError):
    import hypothesis  # noqa: F401


def pytest_collection_finish() -> None:
    """Keep what is loaded by now out of the garbage collections to come, which took a tenth of the time."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def quick(pytester: pytest.Pytester) -> Run:
    """Run pytest with the cheapest question only: label randomisation on one network."""

    def run(*arguments: str, **how: bool) -> pytest.RunResult:
        return pytester.runpytest_inprocess(
            *arguments, "--saliency-model=alexnet", "--saliency-check=label_randomization", **how
        )

    return run


@pytest.fixture
def collected(pytester: pytest.Pytester) -> Ids:
    """Return the ids of what pytest would run, in order."""

    def ids(*arguments: str) -> list[str]:
        result = pytester.runpytest_inprocess("--collect-only", "-q", "-p", "no:randomly", *arguments)
        assert result.ret in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED), result.errlines
        return [line for line in result.outlines if "::" in line]

    return ids


@pytest.fixture
def records(pytester: pytest.Pytester) -> Records:
    """Run pytest and return the record of every saliency test, by its id."""

    def run(*arguments: str, code: pytest.ExitCode = pytest.ExitCode.OK) -> dict[str, dict[str, Any]]:
        recorder = Recorder()
        assert pytester.runpytest_inprocess(*arguments, plugins=[recorder]).ret == code
        return recorder.records

    return run


@pytest.fixture
def in_a_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Tell of work as a process does that is not pytest's, with a line on standard error after each step."""
    monkeypatch.setattr(displays, "INTERVAL", 0.0)
    before = choose_displays(displays.usual_display)
    yield
    choose_displays(before)


@pytest.fixture
def pyplot() -> Iterator[ModuleType]:
    """Return matplotlib.pyplot, which opens no windows, and close the figures of the test."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    plt.close("all")
    yield plt
    plt.close("all")


@pytest.fixture
def install(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install packages with entry points, for this test."""
    imported: list[str] = []

    def put(package: str, group: str, modules: Mapping[str, str], /, **points: str) -> Path:
        site = tmp_path_factory.mktemp("site")
        put_package(site, package, group, modules, points)
        monkeypatch.syspath_prepend(site)
        imported.extend(modules)
        return site

    yield put
    for module in imported:
        sys.modules.pop(module, None)
