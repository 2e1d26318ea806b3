"""Prints the header and the summary, and writes the reports at the end of a run."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from ..checks.costs import announcement
from ..foundation.errors import described
from ..foundation.progress import say
from ..reports.glances import Glance
from ..reports.registry import REPORTS
from ..reports.run import Run
from ..reports.text.columns import wrapped
from ..reports.text.step_summary import append
from ..reports.text.terminal import header, problems, summary
from ..reports.versions import installed_twice
from .collection import Selection, overridden
from .interruption import giving_up
from .ledger import Ledger, asked_nothing
from .names import BATCH, METHOD, MODEL
from .project import gives_own
from .settings import SETTINGS, Settings

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"  # set by GitHub Actions, and by Gitea's and Forgejo's


def header_lines(config: pytest.Config, settings: Settings, selection: Selection) -> list[str]:
    """Return the lines that say what is planned, as far as is known before files are read."""
    own_method, own_model, own_batch = (gives_own(config, each, selection.host) for each in (METHOD, MODEL, BATCH))
    plan = overridden(settings.plan, method=own_method, model=own_model)
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
        planned=selection.planned(plan),
    )
    lines = header(run, f"images of the fixture {BATCH}" if own_batch else images_in_use(settings))
    own = ", ".join(model for model in plan.models if model not in settings.preset.networks)
    if own and run.planned and not (settings.data or own_batch):
        lines += wrapped(f"these images are shown to {own}: for its own, override the fixture {BATCH}", "  ")
    for text in dict.fromkeys(filter(None, map(installed_twice, plan.methods))):
        lines += wrapped(text, indent="  ")
    return [*lines, f"  shard {settings.shard} of these"] if settings.shard else lines


def images_in_use(settings: Settings) -> str:
    """Return how many images of the preset will be explained."""
    if settings.images is not None:
        return f"{settings.images} of its images"
    most = len(settings.networks.batch(settings.most_images, at_most=True)) if settings.data else settings.most_images
    return f"up to {most} of its images"


def announce(config: pytest.Config, glance: Glance) -> None:
    """Say now how long the questions about a method on a model will take, if it is long."""
    questions = [each for each in config.stash[SETTINGS].plan if each.model == glance.model]
    count = len([each for each in questions if each.method == glance.method])
    text = announcement(glance.method, glance.model, glance.seconds, glance.cost, count)
    if text:
        say(text)


def print_summary(reporter: pytest.TerminalReporter, run: Run) -> None:
    """Print the verdicts and notes, with ``-v`` on all questions; with ``--no-summary`` only why a run is not green."""
    lines = problems(run) if reporter.no_summary else summary(run, every=reporter.verbosity > 0)
    for number, (text, markup) in enumerate(lines):
        if not number:
            reporter.section("saliency-sanity")
        reporter.line(text, **({markup: True} if markup else {}))


class ReportWriter:
    """Writes every registered report of a run to the folder of ``--saliency-report``, and the summary of a CI job.

    ``folder``: None if no reports were asked for. ``step_summary``: the file that a CI server shows; None without one.
    """

    def __init__(self, folder: Path | None, step_summary: Path | None, ledger: Ledger) -> None:
        self.folder = folder
        self.step_summary = step_summary
        self.ledger = ledger

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the reports. If one can't be written, the run has a problem, but the others are still written."""
        if asked_nothing(session) or not self.ledger.concerned:
            return
        if self.folder:
            run = self.ledger.run()
            for name, report in REPORTS.all().items():
                with self._blaming(f"the report {name}"):
                    self.folder.mkdir(parents=True, exist_ok=True)
                    self.ledger.written += told(self.folder / report.file, report.write_to(self.folder, run))
        if self.step_summary and self.ledger.outcomes:
            with self._blaming(f"the summary in {STEP_SUMMARY}"):
                append(self.ledger.run(), self.step_summary)  # the last, so that it tells of the others
        self.ledger.turn_red(session)

    @contextmanager
    def _blaming(self, what: str) -> Iterator[None]:
        """Make an error within the context a problem of the run: another package's report can raise anything."""
        try:
            with giving_up():
                yield
        except (Exception, KeyboardInterrupt) as error:  # Ctrl-C gives up one report, not the summary of the run
            self.ledger.problems.append(f"{what} was not written: {described(error)}")


def step_summary_file() -> Path | None:
    """Return the file whose Markdown a CI server shows on the page of a job; None if it asks for none."""
    name = os.environ.get(STEP_SUMMARY)
    return Path(name) if name else None


def told(name: Path, files: Sequence[Path]) -> list[str]:
    """Return what the summary says of the files of a report. ``name``: of a folder, or what stands for their names."""
    if len(files) < 2:
        return [str(each) for each in files]
    return [f"{name} ({len(files)} files)"]
