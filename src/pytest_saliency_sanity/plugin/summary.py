"""Prints the header and the summary, and writes the reports at the end of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..checks.costs import announcement
from ..foundation.progress import say
from ..reports.glances import Glance
from ..reports.registry import REPORTS
from ..reports.run import Run
from ..reports.terminal import counted, header, summary
from .ledger import Ledger
from .settings import SETTINGS, Settings


def header_line(config: pytest.Config, settings: Settings) -> str:
    """Return the line that says what is planned."""
    plan = settings.plan
    run = Run(
        plan=plan,
        preset=settings.preset_name,
        tier=settings.tier,
        device=settings.device,
        images=settings.images,
        seed=settings.seed,
        sign=settings.sign,
        law=settings.law,
        confidence=settings.confidence,
        planned=len(plan),
    )
    return header(run, images_in_use(config, settings))


def images_in_use(config: pytest.Config, settings: Settings) -> str:
    """Return how many images will be explained, or which fixture of the project decides that."""
    ours = config.pluginmanager.getplugin("saliency_sanity")
    for plugin in config.pluginmanager.get_plugins():
        if plugin is not ours and hasattr(plugin, "saliency_batch"):
            return "images of the fixture saliency_batch"
    if settings.images is not None:
        return counted(settings.images, "image")
    most = len(settings.networks.batch(settings.most_images, at_most=True)) if settings.data else settings.most_images
    return f"up to {counted(most, 'image')}"


def announce(config: pytest.Config, glance: Glance) -> None:
    """Say now how long the questions about a method on a model will take, if it is long."""
    questions = [each for each in config.stash[SETTINGS].plan if each.model == glance.model]
    count = len([each for each in questions if each.method == glance.method])
    text = announcement(glance.method, glance.model, glance.seconds, glance.cost, count)
    if text:
        say(text)


def print_summary(reporter: pytest.TerminalReporter, run: Run) -> None:
    """Print the verdicts and notes."""
    reporter.section("saliency-sanity")
    for text, color in summary(run):
        reporter.line(text, **({color: True} if color else {}))


class ReportWriter:
    """Writes every registered report of a run to the folder of ``--saliency-report``."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        self.folder = folder
        self.ledger = ledger

    # Registered after the ledger, so called after it has found the problems of the run.
    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the reports. If one can't be written, the run has a problem, but the others are still written."""
        if session.config.option.collectonly or not self.ledger.concerned:
            return
        run = self.ledger.run()
        for name, report in REPORTS.all().items():
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                self.ledger.written.append(str(report.write_to(self.folder, run)))
            except Exception as error:  # another package's report can raise anything
                self.ledger.problems.append(f"the report {name} was not written: {type(error).__name__}: {error}")
        if self.ledger.problems and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
