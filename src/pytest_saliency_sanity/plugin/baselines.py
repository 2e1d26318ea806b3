"""``--saliency-baseline``: each test compares its answer; the process that reports to the user compares the rest.

``--saliency-update-baseline``: that process writes the file, when all tests have run.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..foundation.errors import SaliencyAnswerChanged
from ..foundation.files import takes_files
from ..foundation.rerun import current_command
from ..reports.comparing import baseline as baselines
from ..reports.comparing.answers import Answer, is_changed, named
from ..reports.comparing.baseline import Baseline
from ..reports.record import Primitive
from ..reports.run import Run
from ..reports.text.wording import counted
from ..reports.versions import versions_of
from .blame import usage_error
from .ledger import FINISHED, Ledger, asked_nothing
from .options import UPDATE_BASELINE
from .settings import Settings

if TYPE_CHECKING:
    from ..checks.judging.result import CheckResult


@dataclass(frozen=True)
class Known:
    """The file of ``--saliency-baseline``, as it was before the run: None if it is still to be written.

    ``name``: the file as it was given. ``path``: an absolute one. ``updating``: whether it is written at the end.
    """

    name: str
    path: Path
    before: Baseline | None
    updating: bool


KNOWN = pytest.StashKey[Known | None]()


def open_baseline(settings: Settings) -> Known | None:
    """Return the baseline of a run; None if none was given. Raises pytest.UsageError if it can't be used."""
    file, updating = settings.baseline, settings.update_baseline
    if file is None:
        if updating:
            raise usage_error(f"{UPDATE_BASELINE.flag} needs the file to write: --saliency-baseline=FILE")
        return None
    source = settings.sources["baseline"]
    if updating and not takes_files(file.absolute().parent):
        raise usage_error(f"{source}: the folder of {file} is missing or can't be written to")
    if not file.exists() and not updating:
        raise usage_error(f"{source}: {file} does not exist. Write it with {UPDATE_BASELINE.flag}")
    try:
        before = baselines.read(file) if file.exists() else None
        if before:
            baselines.require_same(before, numbers_rest_on(settings), file)
    except ValueError as error:
        raise usage_error(f"{source}: {error}") from error
    return Known(str(file), file.absolute(), before, updating)


def numbers_rest_on(settings: Settings) -> dict[str, Primitive]:
    """Return the settings of a run that numbers depend on, by the names of their options."""
    return {
        "preset": settings.preset_name,
        "seed": settings.seed,
        "sign": settings.sign,
        "law": settings.law,
        "confidence": settings.confidence,
    }


def require_unchanged(config: pytest.Config, result: CheckResult) -> None:
    """Raise SaliencyAnswerChanged, with both answers, if a result is another than in the baseline.

    While the baseline is written, and for an answer that is not in it, there is nothing to compare.
    """
    __tracebackhide__ = True
    known, now = config.stash[KNOWN], Answer.of(result)
    if known is None or known.before is None or known.updating:
        return
    before = known.before.answers.get(now.key)
    if before is None or not is_changed(before, now):
        return
    from ..assertions import with_rerun

    versions = baselines.version_changes(known.before.written_with, versions_of(result.method))
    lines = [
        result.message,
        "",
        f"Changed since the baseline {known.name}:",
        f"  before  {before.text}",
        f"  now     {now.text}",
        *(f"Another version: {each}" for each in versions),
        f"If the new answer is right, keep it: add {UPDATE_BASELINE.flag} to the command below.",
    ]
    msg = f"changed since the baseline, from {before.short} to {now.short}"
    raise SaliencyAnswerChanged(with_rerun("\n".join(lines), current_command()), msg)


class BaselineKeeper:
    """Says at the end of a run what the baseline lacks and what is stale in it; or writes it."""

    def __init__(self, known: Known, ledger: Ledger) -> None:
        self.known = known
        self.ledger = ledger

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the baseline with the answers there are, or compare what tests can't compare by themselves."""
        if asked_nothing(session) or not self.ledger.concerned:
            return
        run = self.ledger.run()
        if self.known.updating:
            self._write(run)
        else:
            self._compare(run, finished=session.exitstatus in FINISHED and not session.shouldstop)
        self.ledger.turn_red(session)

    def _compare(self, run: Run, *, finished: bool) -> None:
        assert self.known.before is not None
        name, found = self.known.name, baselines.compare(self.known.before, run.records, run.plan)
        answered = len(found.same) + len(found.changed)
        new = f", {len(found.new)} not in it yet: {named(found.new)}" if found.new else ""
        moved = f" ({counted(len(found.moved), 'number')} moved within the intervals)" if found.moved else ""
        same = f"{counted(len(found.same), 'answer')} as before{moved}"
        self.ledger.notes.append(f"baseline {name}: {same}, {len(found.changed)} changed{new}")
        if hidden := [each.key for each in run.records if each.key in found.changed and each.outcome != "failed"]:
            self.ledger.problems.append(f"answers changed, and their tests did not fail: {named(hidden)}")
        if found.stale:
            self.ledger.problems.append(
                f"the baseline {name} has answers that are no longer asked for: {named(found.stale)}. "
                f"{UPDATE_BASELINE.flag} removes them"
            )
        if finished and found.new and not answered:
            self.ledger.problems.append(
                f"the baseline {name} has no answer of this run, so nothing was compared: add them with "
                f"{UPDATE_BASELINE.flag}"
            )

    def _write(self, run: Run) -> None:
        before, name = self.known.before, self.known.name
        settings = numbers_rest_on(self.ledger.settings)
        found = baselines.compare(before or Baseline(settings), run.records, run.plan)
        written = len(found.same) + len(found.changed) + len(found.new)
        try:
            after = baselines.updated(before, settings, run.records, run.plan)
            if not written and not found.stale:
                raise ValueError("no question was answered")
            baselines.write(after, self.known.path)
        except (ValueError, OSError) as error:
            self.ledger.problems.append(f"the baseline {name} was not written: {error}")
            return
        kept = len(after.answers) - written
        removed = f", {len(found.stale)} removed: {named(found.stale)}" if found.stale else ""
        of_these = f"{len(found.changed)} changed, {len(found.new)} new"
        self.ledger.notes.append(
            f"baseline {name}: {counted(written, 'answer')} written ({of_these}), {kept} others kept{removed}"
        )
