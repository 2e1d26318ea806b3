"""The packaged suite as a collector, so that ``pytest --saliency-method=gradcam`` works in any folder, empty or not.

The suite hangs below the first directory that pytest collects, so the fixtures of that directory's conftest override
ours. It has one cell for each method x model, and each cell has the tests of ``suite.py``. Node ids read
``saliency-sanity::gradcam-alexnet::test_cascading_randomization[top_down]``.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from traceback import format_exception

import pytest

from .checks.catalogue import question_ids
from .errors import SaliencyCheckFailed, SaliencyMethodError, unknown_name
from .settings import Settings

ROOT = "saliency-sanity"
METHOD, MODEL = "saliency_method", "saliency_model"  # the fixtures that give what is checked
SUITE = Path(__file__).with_name("suite.py")


class Cell(pytest.Collector):
    """The tests of one method on one model."""

    method: str
    model: str

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        """Yield the tests of the checks that are asked for."""
        module = pytest.Module.from_parent(self, path=SUITE, nodeid=self.nodeid)
        checks = self.config.stash[SELECTION].settings.checks
        for item in module.collect():
            assert isinstance(item, pytest.Function)
            item.path = self.path  # where the suite hangs: the hooks of a conftest there are called for it
            if item.originalname.removeprefix("test_") in checks:
                yield item


class Suite(pytest.Collector):
    """The packaged suite: a cell for each method and model."""

    def collect(self) -> Iterator[Cell]:
        """Yield the cells. A fixture that a conftest overrides gives one method or model, whatever the names."""
        settings = self.config.stash[SELECTION].settings
        asked_for = self._fixtures_asked_for(settings)
        methods = settings.methods if f"{METHOD}_name" in asked_for else (METHOD,)
        models = settings.models if f"{MODEL}_name" in asked_for else (MODEL,)
        for method in methods:
            for model in models:
                yield self._cell(method, model)

    def _cell(self, method: str, model: str) -> Cell:
        cell: Cell = Cell.from_parent(self, name=f"{method}-{model}", nodeid=f"{ROOT}::{method}-{model}")
        cell.method, cell.model = method, model
        return cell

    def _fixtures_asked_for(self, settings: Settings) -> set[str]:
        """Return the fixtures that every test of a cell asks for, also through others."""
        probe = self._cell(settings.methods[0], settings.models[0])
        return set.intersection(*(set(getattr(item, "fixturenames", ())) for item in probe.collect()))


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
        check_wanted(self.wanted, settings)
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

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Show of a packaged test what it says, and where the method raised: our own source tells the user nothing."""
        report = yield
        error = call.excinfo.value if call.excinfo and is_ours(item.nodeid) else None
        if isinstance(error, SaliencyCheckFailed | SaliencyMethodError):
            cause = "".join(format_exception(error.__cause__)) if error.__cause__ else ""
            report.longrepr = f"{error}\n\n{cause}".rstrip()
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keep of the suite what the command line names; mark every test that a saliency method is put to."""
        for item in items:
            if is_ours(item.nodeid) or METHOD in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.saliency)
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


def check_wanted(wanted: list[str], settings: Settings) -> None:
    """Raise pytest.UsageError for a part of the suite that does not exist, before any worker or torch is started."""
    cells = [
        f"{ROOT}::{method}-{model}" for method in (*settings.methods, METHOD) for model in (*settings.models, MODEL)
    ]
    tests = [f"test_{check}" for check in settings.checks] + [f"test_{each}" for each in question_ids(settings.checks)]
    allowed = [ROOT, *cells, *(f"{cell}::{test}" for cell in cells for test in tests)]
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
