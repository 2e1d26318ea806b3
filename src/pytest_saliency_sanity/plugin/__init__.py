"""The pytest plugin: hooks of a few lines each. Standard library and pytest only, so that idling costs nothing."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import pytest

from ..methods.registry import BUILT_IN, NamedMethod, set_given
from ..methods.resolve import resolve_method
from ..networks.architectures import MODELS
from ..networks.resolve import find_model
from . import rerun, settings
from .collection import ROOT, SELECTION, Selection, is_ours
from .fixtures import (
    SETTINGS,
    parametrize,
    saliency_batch,
    saliency_bias_scenario,
    saliency_cascade,
    saliency_device,
    saliency_judge,
    saliency_memorized_model,
    saliency_method,
    saliency_method_label,
    saliency_method_name,
    saliency_model,
    saliency_model_name,
    saliency_settings,
    saliency_subject,
)
from .ledger import Ledger
from .project import expected_failures_of, methods_of
from .questions import Questions

__all__ = [
    "saliency_batch",
    "saliency_bias_scenario",
    "saliency_cascade",
    "saliency_device",
    "saliency_judge",
    "saliency_memorized_model",
    "saliency_method",
    "saliency_method_label",
    "saliency_method_name",
    "saliency_model",
    "saliency_model_name",
    "saliency_settings",
    "saliency_subject",
]

LEDGER = pytest.StashKey[Ledger]()
BEFORE = pytest.StashKey[Sequence[NamedMethod]]()


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the hooks that a project may implement."""
    from . import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and their ini twins."""
    settings.add_options(parser)


def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Answer ``--saliency-list``."""
    if not config.option.saliency_list:
        return None
    from .terminal import listing

    before = set_given(methods_of(config))
    try:
        print(listing())  # noqa: T201
    finally:
        set_given(before)
    return 0


def pytest_configure(config: pytest.Config) -> None:
    """Read the settings; with a method to check, set the suite up."""
    config.addinivalue_line("markers", "saliency: a test that a saliency method is put to")
    config.addinivalue_line("markers", "saliency_slow: a saliency test that takes minutes")
    config.addinivalue_line("markers", "saliency_gpu: a saliency test that needs a GPU")
    config.stash[BEFORE] = set_given(methods_of(config))
    config.stash[SETTINGS] = read = settings.read_settings(config)
    expected = {**read.expected_failures, **expected_failures_of(config)}
    config.pluginmanager.register(Questions(read, expected), "saliency_sanity_questions")
    if not hasattr(config, "workerinput"):
        config.stash[LEDGER] = ledger = Ledger(bool(read.methods))
        config.pluginmanager.register(ledger, "saliency_sanity_ledger")
    rerun.set_options(read.given)
    if read.methods:
        _activate(config, read)
    elif any(is_ours(argument) for argument in config.args):
        raise pytest.UsageError(f"{ROOT}: no method to check. Give one: pytest {ROOT} --saliency-method=gradcam")


def _activate(config: pytest.Config, read: settings.Settings) -> None:
    _check_device(read)
    _check_photographs(read)
    _check_import_paths(config, read)
    config.stash[SELECTION] = selection = Selection(config, read)
    config.pluginmanager.register(selection, "saliency_sanity_selection")


def _check_device(read: settings.Settings) -> None:
    if read.device not in ("auto", "cpu"):  # these two need no look at the machine, and so no torch
        from ..foundation.devices import resolve_device

        try:
            resolve_device(read.device)
        except ValueError as error:
            raise pytest.UsageError(f"{read.sources['device']}: {error}") from error


def _check_photographs(read: settings.Settings) -> None:
    if (read.data or read.weights) and read.preset.name != "imagenet":
        given = "data" if read.data else "weights"
        raise pytest.UsageError(f"{read.sources[given]} is for --saliency-preset=imagenet, not {read.preset.name}")
    if read.preset.data:
        try:
            read.preset.batch(read.images, at_most=read.takes_fewer_images)
        except ValueError as error:
            raise pytest.UsageError(f"{read.sources['data']}: {error}") from error


def _check_import_paths(config: pytest.Config, read: settings.Settings) -> None:
    """Import what has an import path, so that what is wrong with it is said before any test runs."""
    named = set(read.methods) - set(BUILT_IN)
    models = [model for model in read.models if model not in MODELS]
    if not named and not models:
        return
    here = str(config.invocation_params.dir)
    if here not in sys.path:
        sys.path.insert(0, here)  # as `python -m pytest` does: a module beside the caller is found
    for option, specs, look in (("method", named, resolve_method), ("model", models, find_model)):
        for spec in sorted(specs):
            try:
                look(spec)
            except Exception as error:  # whatever the user's module does when it is imported
                source = read.sources[option]
                raise pytest.UsageError(f"{source}={spec}: {type(error).__name__}: {error}") from error


def pytest_unconfigure(config: pytest.Config) -> None:
    """Forget the options and the methods of this run."""
    rerun.set_options([])
    if BEFORE in config.stash:
        set_given(config.stash[BEFORE])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests of a project for each method and model that is given."""
    parametrize(metafunc)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say what is planned."""
    if LEDGER not in config.stash or not config.stash[SETTINGS].methods:
        return None
    from .terminal import header

    return header(config.stash[SETTINGS])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was found."""
    config = terminalreporter.config
    if LEDGER in config.stash and config.stash[LEDGER].concerned and not config.option.collectonly:
        from .terminal import summarize

        summarize(terminalreporter, config.stash[SETTINGS], config.stash[LEDGER])
