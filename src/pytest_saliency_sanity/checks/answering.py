"""Puts a planned question to a method: the only place where a check is run, with pytest or without."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

from ..foundation.errors import UnsuppliedNeedError
from ..foundation.mapping import spread_over
from ..foundation.memory import memory
from ..foundation.progress import telling
from ..foundation.threads import one_thread
from ..foundation.workload import workload_of
from .judging.result import CheckResult
from .judging.subject import MethodSubject, Subject
from .plan import Question
from .registry import CHECKS, Check

Supply = Callable[[str], object]


def answer(
    question: Question, subject: MethodSubject, needs: Mapping[str, object], threshold: float | None = None
) -> CheckResult:
    """Put a question to a subject and return the result. ``needs``: what the check needs, by name.

    Raises TypeError if the check returns anything but a result of this question, or one that can't be kept as JSON;
    SaliencyMethodError if the method raises or does not return maps.
    """
    check = CHECKS.named(question.check)
    about = f"{question.method} on {question.model}" if question.model else question.method
    with telling(f"{about}: {question.id}"), suited_to(subject):
        result: object = check.asking()(subject, needs, question.variant, threshold)
    if not isinstance(result, CheckResult):
        raise TypeError(f"the check {question.id} returned {result!r}, which is not a CheckResult")
    if result.check != question.id:
        raise TypeError(f"the check {question.id} returned a result of {result.check}")
    return replace(
        result.plain(), quantity=check.quantity, finding=result.finding or check.is_finding(question.variant)
    )


def suited_to(subject: MethodSubject) -> AbstractContextManager[None]:
    """Return the context to measure a subject in: a number of threads, and of images at a time, that suit its model."""
    if not isinstance(subject, Subject):
        return one_thread()
    return within(subject)


@contextmanager
def within(subject: Subject) -> Iterator[None]:
    """Keep within the memory of a subject, spread its work where it says, and use what suits its model."""
    workload = subject.once("workload", lambda: workload_of(subject.model, subject.sample))
    with memory(subject.memory), spread_over(subject.parallel), workload.suited():
        yield


def gather_needs(check: Check, model: str, supply: Supply) -> dict[str, object]:
    """Return what a check needs, by name. ``supply`` returns a need, or None if it is not available.

    Raises UnsuppliedNeedError, with what to do, if a need is not available.
    """
    found = {}
    for need in check.needs:
        found[need] = supply(need)
        if found[need] is None:
            raise UnsuppliedNeedError(unsupplied(need, model))
    return found


def unsupplied(need: str, model: str) -> str:
    """Return the message for a need that is not available for a model."""
    known = CHECKS.all().values()
    words = next((check.needs[need] for check in known if need in check.needs), f"no {need} of {{model}}")
    return (
        f"{words.format(model=model)}: to run this check, override the fixture saliency_{need}, or pass "
        f"needs={{{need!r}: ...}} to check_method"
    )
