"""The pytest plugin. It imports only pytest and the standard library, so it costs nothing if it is not used."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from ..checks.expectations import ExpectedFailure
from ..checks.registry import CHECKS, Check
from ..foundation.registry import Source
from ..methods.registry import NamedMethod, set_given
from ..reports.registry import REPORTS
from . import html_report
from .baselines import KNOWN, BaselineKeeper, open_baseline
from .blame import usage_error
from .collection import Selection, is_ours
from .command import typed_command
from .fixtures import (
    parametrize,
    saliency_batch,
    saliency_bias_scenario,
    saliency_cascade,
    saliency_device,
    saliency_judge,
    saliency_known_subjects,
    saliency_look,
    saliency_memorized_model,
    saliency_method,
    saliency_method_label,
    saliency_method_name,
    saliency_method_subject,
    saliency_model,
    saliency_model_name,
    saliency_needs,
    saliency_preset_batch,
    saliency_question,
    saliency_settings,
    saliency_subject,
)
from .habits import Habits
from .images import require_photographs, watch_for_images
from .importing import require_import_paths
from .interruption import Interruption
from .isolation import isolate
from .items import PackagedTests
from .ledger import Ledger, asks_nothing
from .names import MARKERS, ROOT
from .options import add_options
from .progress import Progress
from .project import checks_of, expected_failures_of, methods_of
from .settings import SETTINGS, Settings, read_settings, require_plan
from .sharding import Sharding
from .timeouts import Timeouts
from .workers import take_share

__all__ = [
    "saliency_batch",
    "saliency_bias_scenario",
    "saliency_cascade",
    "saliency_device",
    "saliency_judge",
    "saliency_known_subjects",
    "saliency_look",
    "saliency_memorized_model",
    "saliency_method",
    "saliency_method_label",
    "saliency_method_name",
    "saliency_method_subject",
    "saliency_model",
    "saliency_model_name",
    "saliency_needs",
    "saliency_preset_batch",
    "saliency_question",
    "saliency_settings",
    "saliency_subject",
]

LEDGER = pytest.StashKey[Ledger]()
SELECTION = pytest.StashKey[Selection]()
GIVEN_BEFORE = pytest.StashKey[Callable[[], None]]()


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the hooks that a project can implement."""
    from . import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and their ini keys."""
    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Obey ``--saliency-isolate``, before any code of the project is imported."""
    isolate(early_config)


def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Answer ``--saliency-list``."""
    if not config.option.saliency_list:
        return None
    from ..reports.text.listing import listing

    take_back = take_over(config)
    try:
        print(listing())  # noqa: T201
    except (ValueError, TypeError, ImportError) as error:
        raise usage_error(str(error)) from error
    finally:
        take_back()
    return 0


def pytest_configure(config: pytest.Config) -> None:
    """Read the settings; set up the suite if there is a method to check."""
    for marker, meaning in MARKERS.items():
        config.addinivalue_line("markers", f"{marker}: {meaning}")
    config.stash[GIVEN_BEFORE] = take_over(config)
    config.stash[SETTINGS] = read = read_settings(config)
    config.stash[KNOWN] = open_baseline(read)
    _register_asking(config, read)
    if not hasattr(config, "workerinput"):
        _register_reporting(config, read)
    if read.methods:
        _activate(config, read)
    elif any(is_ours(argument) for argument in config.args):
        raise usage_error(f"{ROOT}: no method to check. Give one: pytest {ROOT} --saliency-method=gradcam")
    else:
        watch_for_images(config, read, None)


def _register_asking(config: pytest.Config, read: Settings) -> None:
    """Register what is needed in every process that asks questions."""
    expected: list[ExpectedFailure] = [*expected_failures_of(config), *read.expected_failures]
    config.pluginmanager.register(Progress(config), "saliency_sanity_progress")
    config.pluginmanager.register(PackagedTests(read, expected), "saliency_sanity_tests")
    if read.timeout:
        config.pluginmanager.register(Timeouts(read.timeout, read.sources["timeout"]), "saliency_sanity_timeouts")
    config.pluginmanager.register(Habits(), "saliency_sanity_habits")
    if read.shard:
        config.pluginmanager.register(Sharding(read.shard, read.sources["shard"]), "saliency_sanity_sharding")
    if html_report.is_written(config):
        config.pluginmanager.register(html_report.Pictures(), "saliency_sanity_pictures")


def _register_reporting(config: pytest.Config, read: Settings) -> None:
    """Register what is needed in the process that reports to the user."""
    from .summary import ReportWriter, step_summary_file

    config.stash[LEDGER] = ledger = Ledger(read, typed_command(config))
    # At the end of the run, what is registered last is called first: the ledger, whose findings the others tell of.
    if (job := step_summary_file()) or read.report:
        _require_reports(read)
        config.pluginmanager.register(ReportWriter(read.report, job, ledger), "saliency_sanity_reports")
    if known := config.stash[KNOWN]:
        config.pluginmanager.register(BaselineKeeper(known, ledger), "saliency_sanity_baseline")
    config.pluginmanager.register(ledger, "saliency_sanity_ledger")
    if read.methods or read.report:
        config.pluginmanager.register(Interruption(), "saliency_sanity_interruption")


def take_over(config: pytest.Config) -> Callable[[], None]:
    """Register the methods and checks that the hooks of this run give; return a function that undoes it."""
    methods: Sequence[NamedMethod] = set_given(methods_of(config))
    checks: Sequence[Source[Check]] = CHECKS.give(checks_of(config))

    def take_back() -> None:
        set_given(methods)
        CHECKS.give(checks)

    return take_back


def _activate(config: pytest.Config, read: Settings) -> None:
    require_plan(read)
    take_share(config)
    _require_device(read)
    _require_parallel(read)
    require_photographs(read)
    selection = Selection(config, read)
    watch_for_images(config, read, selection.host if selection.alone else None)
    require_import_paths(config, read)
    config.pluginmanager.register(selection, "saliency_sanity_selection")
    config.stash[SELECTION] = selection


def _require_reports(read: Settings) -> None:
    if read.report:
        try:
            REPORTS.all()
        except (ValueError, TypeError, ImportError) as error:  # another package's registration is wrong
            raise usage_error(f"{read.sources['report']}: {error}") from error


def _require_device(read: Settings) -> None:
    if read.device not in ("auto", "cpu"):  # these two need no look at the machine, so no torch
        from ..foundation.devices import resolve_device

        try:
            resolve_device(read.device)
        except ValueError as error:
            raise usage_error(f"{read.sources['device']}: {error}") from error


def _require_parallel(read: Settings) -> None:
    if read.parallel and read.parallel.is_cluster:
        from ..foundation.clusters import opened

        try:
            opened(read.parallel)
        except (ValueError, ImportError) as error:
            raise usage_error(f"{read.sources['parallel']}: {error}") from error


def pytest_unconfigure(config: pytest.Config) -> None:
    """Unregister the methods and checks of this run."""
    if GIVEN_BEFORE in config.stash:
        config.stash[GIVEN_BEFORE]()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests of a project for each given method and model."""
    parametrize(metafunc)


def pytest_report_header(config: pytest.Config) -> list[str] | None:
    """Return the lines that say what is planned."""
    if LEDGER not in config.stash or not config.stash[SETTINGS].methods:
        return None
    from .summary import header_lines

    return header_lines(config, config.stash[SETTINGS], config.stash[SELECTION])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int) -> None:
    """Print the summary of the run."""
    config = terminalreporter.config
    told = not asks_nothing(config) and exitstatus != pytest.ExitCode.USAGE_ERROR
    if told and LEDGER in config.stash and config.stash[LEDGER].concerned:
        from .summary import print_summary

        print_summary(terminalreporter, config.stash[LEDGER].run())
