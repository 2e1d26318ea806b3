"""Collects the packaged suite, so that ``pytest --saliency-method=gradcam`` works in any folder, even an empty one.

The suite is placed below the first directory that pytest collects, so fixtures in that directory's conftest override
the plugin's. It has a cell for each method and model, and each cell has the tests of ``suite.py``. Node ids look like
``saliency-sanity::gradcam-alexnet::test_cascading_randomization[top_down]``.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from ..checks.plan import Plan
from ..checks.registry import CHECKS, Check
from ..foundation.errors import unknown_name
from ..foundation.ids import with_variant
from .blame import usage_error
from .names import METHOD, MODEL, PACKAGED, ROOT
from .settings import Settings

SUITE = Path(__file__).parents[1] / "suite.py"


class Cell(pytest.Collector):
    """The tests of a method on a model, or of the method alone if ``model`` is empty. ``ids``: their question ids."""

    method: str
    model: str
    ids: tuple[str, ...]

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        """Yield the tests of the planned questions, in the order of the plan."""
        checks = [check for check in CHECKS.all().values() if set(check.ids) & set(self.ids)]
        items = [item for item in self.tests(checks) if id_asked(item) in self.ids]
        yield from sorted(items, key=lambda item: self.ids.index(id_asked(item)))

    def tests(self, checks: Iterable[Check]) -> Iterator[pytest.Function]:
        """Yield the tests of checks."""
        from ..suite import test_of

        module: pytest.Module = pytest.Module.from_parent(self, path=SUITE, nodeid=self.nodeid)
        module.obj = ModuleType(PACKAGED)
        for check in checks:
            setattr(module.obj, f"test_{check.name}", test_of(check))
        for item in module.collect():
            assert isinstance(item, pytest.Function)
            item.path = self.path  # the host folder, so that its conftest's hooks are called
            yield item


def id_asked(item: pytest.Item) -> str:
    """Return the id of the question that a packaged test puts, ``symmetry[rescaling]``; empty for any other test."""
    check = getattr(getattr(item, "function", None), "saliency_check", "")
    return with_variant(check, getattr(getattr(item, "callspec", None), "params", {}).get("variant", ""))


class Suite(pytest.Collector):
    """The packaged suite: a cell for each method and model of the plan."""

    settings: Settings

    def collect(self) -> Iterator[Cell]:
        """Yield the cells. If a conftest overrides the fixture of the method or the model, there is only one of it."""
        for method, model, questions in self._plan().cells():
            yield self._cell(method, model, tuple(question.id for question in questions))

    def _plan(self) -> Plan:
        plan = self.settings.plan
        probe = self._cell(plan.methods[0], plan.models[0], ())
        check = next(check for check in CHECKS.all().values() if check.by_model)
        asked_for = next(iter(probe.tests([check]))).fixturenames
        return overridden(plan, method=f"{METHOD}_name" not in asked_for, model=f"{MODEL}_name" not in asked_for)

    def _cell(self, method: str, model: str, ids: tuple[str, ...]) -> Cell:
        name = cell_name(method, model)
        cell: Cell = Cell.from_parent(self, name=name, nodeid=f"{ROOT}::{name}")
        cell.method, cell.model, cell.ids = method, model, ids
        return cell


def overridden(plan: Plan, *, method: bool, model: bool) -> Plan:
    """Return the plan if the project's own fixtures give the method or the model, so that there is only one of it."""
    return replace(plan, methods=(METHOD,) if method else plan.methods, models=(MODEL,) if model else plan.models)


def cell_name(method: str, model: str) -> str:
    """Return the part of node ids that names a method and a model."""
    return f"{method}-{model}" if model else method


def node_ids(plan: Plan) -> list[str]:
    """Return the ids of the packaged suite's tests, in order."""
    return [f"{ROOT}::{cell_name(each.method, each.model)}::test_{each.id}" for each in plan]


def plan_collected(plan: Plan, collected: Iterable[str]) -> Plan:
    """Return the plan that matches the collected node ids, whether or not the project overrides fixtures."""
    ours = {node_id for node_id in collected if is_ours(node_id)}
    for method in (False, True):
        for model in (False, True):
            found = overridden(plan, method=method, model=model)
            if ours <= set(node_ids(found)):
                return found
    return plan


class Selection:
    """Selects which part of the packaged suite is collected, and below which directory.

    Command-line arguments that name the suite or a part of it, ``saliency-sanity[::...]``, are not paths: they are
    removed from pytest's arguments and kept here.
    """

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self.settings = settings
        self.wanted: list[str] = [argument for argument in config.args if is_ours(argument)]
        paths = [argument for argument in config.args if not is_ours(argument)]
        self.alone: bool = bool(self.wanted) and not paths
        require_wanted(self.wanted, settings.plan)
        if self.wanted:
            config.args[:] = paths or [str(config.invocation_params.dir)]
        self.host: Path | None = first_directory(config)

    def planned(self, plan: Plan) -> int:
        """Return how many tests of the suite will be collected for a plan; none if only test files are given."""
        wanted = self.wanted or ([ROOT] if self.host else [])
        return sum(any(is_below(node_id, name) for name in wanted) for node_id in node_ids(plan))

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Place the suite below its directory; leave out everything else if only the suite was asked for."""
        report = yield
        if isinstance(collector, pytest.Directory) and collector.path == self.host and report.passed:
            suite: Suite = Suite.from_parent(collector, name=ROOT, nodeid=ROOT)
            suite.settings = self.settings
            report.result = [suite] if self.alone else [*report.result, suite]
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        """Keep only the parts of the suite that the command line names."""
        if not self.wanted:
            return
        if self.host is None:
            items += self._beside(session, items)
        for name in self.wanted:
            if not any(is_below(item.nodeid, name) for item in items):
                raise usage_error(f"not found: {name} (methods: {', '.join(self.settings.methods)})")
        kept = [
            item for item in items if not is_ours(item.nodeid) or any(is_below(item.nodeid, n) for n in self.wanted)
        ]
        items[:] = kept

    def _beside(self, session: pytest.Session, items: list[pytest.Item]) -> list[pytest.Item]:
        """Return the tests of the suite beside single files: it is placed in the folder of the first test of theirs."""
        parents = items[0].listchain() if items else []
        host = next((each for each in reversed(parents) if isinstance(each, pytest.Directory)), None)
        if host is None:
            raise usage_error(
                f"{ROOT} is placed beside the first test, and the files given have none: give {ROOT} alone"
            )
        suite: Suite = Suite.from_parent(host, name=ROOT, nodeid=ROOT)
        suite.settings = self.settings
        return list(session.genitems(suite))


def is_ours(argument: str) -> bool:
    """Return whether an argument or node id names the packaged suite or a part of it."""
    return argument == ROOT or argument.startswith(f"{ROOT}::")


def is_below(node_id: str, name: str) -> bool:
    """Return whether a node id is the named one, a variant of it, or inside it."""
    return node_id == name or node_id.startswith((f"{name}::", f"{name}["))


def require_wanted(wanted: list[str], plan: Plan) -> None:
    """Raise pytest.UsageError if a named part of the suite does not exist, before workers or torch are started."""
    if not wanted:
        return
    allowed: dict[str, None] = {ROOT: None}
    for method in (False, True):
        for model in (False, True):
            for node_id in node_ids(overridden(plan, method=method, model=model)):
                cell, _, test = node_id.rpartition("::")
                allowed |= dict.fromkeys((cell, f"{cell}::{test.partition('[')[0]}", node_id))
    for name in wanted:
        if name not in allowed:
            raise usage_error(str(unknown_name("test", name, [each for each in allowed if METHOD not in each])))


def first_directory(config: pytest.Config) -> Path | None:
    """Return the first directory among pytest's arguments; None if all are files."""
    for argument in config.args:
        path = config.invocation_params.dir / argument.partition("::")[0]
        try:
            if path.is_dir():
                return path.resolve()
        except OSError:  # a name that no file can have; pytest says so
            continue
    return None
