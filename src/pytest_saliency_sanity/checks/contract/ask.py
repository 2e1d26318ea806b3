"""Tries the contract of a saliency method on small random networks."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from textwrap import shorten
from typing import Any

from ...foundation.custody import custody
from ...foundation.errors import SaliencyMethodError, excused
from ...foundation.progress import expect
from ...foundation.threads import one_thread
from ...methods.protocol import SaliencyMethod
from ..judging.result import CheckResult, Figure, Finding, Measured, not_asked
from ..judging.subject import MethodSubject
from . import CHECK
from .networks import Example
from .promises import Excuse
from .search import search
from .trial import FORM, Found, Trial

EXAMPLES = 80
NETWORKS = "small random networks"


def ask(subject: MethodSubject, needs: Mapping[str, Any], variant: str, threshold: float | None) -> CheckResult:
    """Run the check on the method alone."""
    return check_contract(subject.method, subject.method_name, seed=subject.seed, form=subject.form or FORM)


def check_contract(
    method: SaliencyMethod,
    method_name: str,
    *,
    seed: int = 0,
    examples: int = EXAMPLES,
    form: tuple[int, int, int] = FORM,
) -> CheckResult:
    """Look for a small network and images on which a method breaks the contract.

    The contract: one map per image, finite, float, detached; the same for an image alone as in a batch, up to 0.1 % of
    its largest value or the rounding of its type (unless the method draws random numbers); the same twice for the same
    seed of the global streams, which the method does not seed itself; model, images, modes, gradients, hooks and what
    belongs to the whole process left as found, even after an exception.

    A method may refuse a network, by raising whenever it is asked about it: that is a finding. If it refuses all of
    them, the question is not asked. It may also refuse images smaller than ``form``, the size ``(C, H, W)`` of the
    images of the run, which one network in eight has. Raises SaliencyMethodError if it ends or skips, which is neither.

    The same ``examples`` are tried in every run and on every machine, however slow; if one fails, at most
    ``MOST_SHRINKS`` smaller ones. Nothing is written to disk.
    """
    trial = Trial(method, form)
    expect(examples, unit=NETWORKS)
    with one_thread(), custody(), blaming(method_name):
        search(trial, seed, examples)
        trial.shrink_refused()
        gc.collect()  # what a method that raised was working on, so that its destructors disturb nobody later
    if trial.broken is None and trial.refused and not trial.tried:
        why = f"it refuses all {NETWORKS}, the smallest of them {described(trial.refused)}"
        return not_asked(CHECK.name, method_name, NETWORKS, seed, why)
    findings = (Finding("it refuses some networks", described(trial.refused)),) if trial.refused else ()
    return CheckResult(
        check=CHECK.name,
        method=method_name,
        model=NETWORKS,
        verdict="passed" if trial.broken is None else "failed",
        message=explain(trial, method_name, findings),
        measured=Measured(seed, figures=tuple(figures_of(trial))),
        findings=findings,
    )


@contextmanager
def blaming(method_name: str) -> Iterator[None]:
    """Make whatever would end or excuse a test, such as ``sys.exit``, an error of the method."""
    try:
        yield
    except Excuse as excuse:
        error = excuse.__cause__
        assert error is not None
        raise SaliencyMethodError(f"{method_name} on {NETWORKS}: the method raised {excused(error)}") from error


def described(refused: Found) -> str:
    """Return in words what was refused, and how."""
    how = shorten(refused.what, 200, placeholder=" ...")
    return f"{refused.example.network}, images of {' x '.join(map(str, refused.example.form))}: {how}"


def figures_of(trial: Trial) -> Iterator[Figure]:
    """Yield what was measured."""
    yield Figure("networks tried", trial.tried)
    for name, count in (("networks refused", trial.refusals), ("refused for small images only", trial.too_small)):
        if count:
            yield Figure(name, count)
    if trial.broken:
        yield Figure("broken promise", trial.broken.what)
        yield Figure("smallest example", repr(trial.broken.example))


def explain(trial: Trial, method_name: str, findings: Sequence[Finding]) -> str:
    """Return the whole message: the smallest example that breaks the contract, and how to build it."""
    ending = "".join(f"\n\nA finding: {each.text}. {each.figure}" for each in findings)
    if trial.broken is None:
        return f"{CHECK.name}: {method_name} PASSED\n\nNo broken promise on {trial.tried} {NETWORKS}.{ending}"
    example, how = trial.broken
    return (
        f"{CHECK.name}: {method_name} FAILED\n\nBroken promise: {how}.\n\n"
        f"The smallest network and images found that show it:\n{indent(str(example))}\n\n"
        f"To build them:\n  from {Example.__module__} import Example\n"
        f"  model, images, targets = {example!r}.build(){ending}"
    )


def indent(text: str) -> str:
    """Return a text with each line indented."""
    return "\n".join(f"  {line}" for line in text.splitlines())
