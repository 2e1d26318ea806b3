"""The packaged suite as a collector, so that ``pytest --saliency-method=gradcam`` works in any folder, empty or not.

The suite hangs below the first directory that pytest collects, so the fixtures of that directory's conftest override
ours. It has one cell for each method x model, and each cell has the tests of ``suite.py``. Node ids read
``saliency-sanity::gradcam-alexnet::test_cascading_randomization[top_down]``.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from ..checks.catalogue import CHECKS, question_ids
from ..foundation.errors import unknown_name
from .settings import Settings

ROOT = "saliency-sanity"
PACKAGED = "pytest_saliency_sanity.suite"  # the keyword of its tests, wherever they are collected
METHOD, MODEL = "saliency_method", "saliency_model"  # the fixtures that give what is checked
SUITE = Path(__file__).parents[1] / "suite.py"
PROBE = "repeatability"  # asks for nothing but the method, the model and the images


class Cell(pytest.Collector):
    """The tests of one method on one model, or of the method alone where ``model`` is None."""

    method: str
    model: str | None

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        """Yield the tests of the checks that are asked for."""
        checks = self.config.stash[SELECTION].settings.checks
        for name, item in self.tests():
            if name in checks and CHECKS[name].by_model == (self.model is not None):
                yield item

    def tests(self) -> Iterator[tuple[str, pytest.Function]]:
        """Yield every test of the suite, and the name of its check."""
        module = pytest.Module.from_parent(self, path=SUITE, nodeid=self.nodeid)
        for item in module.collect():
            assert isinstance(item, pytest.Function)
            item.path = self.path  # where the suite hangs: the hooks of a conftest there are called for it
            yield item.originalname.removeprefix("test_"), item


class Suite(pytest.Collector):
    """The packaged suite: for each method a cell of its own, and one for each model."""

    def collect(self) -> Iterator[Cell]:
        """Yield the cells. A fixture that a conftest overrides gives one method or model, whatever the names."""
        settings = self.config.stash[SELECTION].settings
        asked_for = self._fixtures_asked_for(settings)
        methods = settings.methods if f"{METHOD}_name" in asked_for else (METHOD,)
        models = settings.models if f"{MODEL}_name" in asked_for else (MODEL,)
        for method in methods:
            for model in (*models, None):
                yield self._cell(method, model)

    def _cell(self, method: str, model: str | None) -> Cell:
        name = cell_name(method, model)
        cell: Cell = Cell.from_parent(self, name=name, nodeid=f"{ROOT}::{name}")
        cell.method, cell.model = method, model
        return cell

    def _fixtures_asked_for(self, settings: Settings) -> set[str]:
        """Return the fixtures that a test of a method on a model asks for, also through others."""
        probe = self._cell(settings.methods[0], settings.models[0])
        return next(set(item.fixturenames) for name, item in probe.tests() if name == PROBE)


def cell_name(method: str, model: str | None) -> str:
    """Return the part of the node ids that names a method and a model."""
    return f"{method}-{model}" if model else method


class Selection:
    """What of the packaged suite is collected, and where.

    Arguments of the command line that name the suite or a part of it, ``saliency-sanity[::...]``, are no paths: they
    are taken out of pytest's arguments and kept here.
    """

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self.settings = settings
        self.wanted = [argument for argument in config.args if is_ours(argument)]
        paths = [argument for argument in config.args if not is_ours(argument)]
        self.alone = bool(self.wanted) and not paths
        require_wanted(self.wanted, settings)
        if self.wanted:
            config.args[:] = paths or [str(config.invocation_params.dir)]
        self.host = first_directory(config)
        if self.wanted and self.host is None:
            raise pytest.UsageError(f"{ROOT} hangs below a directory: name one beside the files, or {ROOT} alone")

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Hang the suite below the directory that hosts it; leave all else out where the suite alone is asked for."""
        report = yield
        if isinstance(collector, pytest.Directory) and collector.path == self.host and report.passed:
            suite = Suite.from_parent(collector, name=ROOT, nodeid=ROOT)
            report.result = [suite] if self.alone else [*report.result, suite]
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keep of the suite what the command line names."""
        if not self.wanted:
            return
        for name in self.wanted:
            if not any(is_below(item.nodeid, name) for item in items):
                raise pytest.UsageError(f"not found: {name} (methods: {', '.join(self.settings.methods)})")
        kept = [
            item for item in items if not is_ours(item.nodeid) or any(is_below(item.nodeid, n) for n in self.wanted)
        ]
        items[:] = kept


SELECTION = pytest.StashKey[Selection]()


def is_ours(argument: str) -> bool:
    """Return whether an argument or node id names the packaged suite or a part of it."""
    return argument == ROOT or argument.startswith(f"{ROOT}::")


def is_below(node_id: str, name: str) -> bool:
    """Return whether a node id is the named one, one of its variants, or inside of it."""
    return node_id == name or node_id.startswith((f"{name}::", f"{name}["))


def require_wanted(wanted: list[str], settings: Settings) -> None:
    """Raise pytest.UsageError for a part of the suite that does not exist, before any worker or torch is started."""
    allowed = [ROOT]
    for method in (*settings.methods, METHOD):
        for model in (*settings.models, MODEL, None):
            checks = [name for name in settings.checks if CHECKS[name].by_model == (model is not None)]
            cell = f"{ROOT}::{cell_name(method, model)}"
            allowed += [cell, *(f"{cell}::test_{each}" for each in dict.fromkeys((*checks, *question_ids(checks))))]
    for name in wanted:
        if name not in allowed:
            raise pytest.UsageError(str(unknown_name("test", name, [each for each in allowed if METHOD not in each])))


def first_directory(config: pytest.Config) -> Path | None:
    """Return the first directory among pytest's arguments, None where all are files."""
    for argument in config.args:
        path = (config.invocation_params.dir / argument.partition("::")[0]).resolve()
        if path.is_dir():
            return path
    return None
