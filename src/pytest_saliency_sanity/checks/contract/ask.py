"""Tries the contract of a saliency method on small random networks, with hypothesis."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial, reduce
from itertools import pairwise
from random import Random
from textwrap import shorten
from typing import Any, NamedTuple

from ...foundation.threads import one_thread
from ...methods.protocol import SaliencyMethod
from ..judging.result import CheckResult, Figure, Finding, Measured, not_asked
from ..judging.subject import MethodSubject
from . import CHECK
from .networks import HEADS, LAYERS, Example
from .promises import BrokenPromiseError, RefusalError, accepts, try_promises

EXAMPLES = 80
# The most smaller examples to try. Of forty wrong methods of all kinds, none needs more than 22.
MOST_SHRINKS = 100
# How many networks that a method refused for small images are tried again with images of the run's size.
MOST_ENLARGED = 10
DEPTH, NOTHING = 4, ""
NETWORKS = "small random networks"
FORM = (3, 64, 64)  # if there are no images: those of the shipped networks


class EnoughShrinks(BaseException):
    """Enough smaller examples were tried."""


class Found(NamedTuple):
    """An example, and what was found on it, in words."""

    example: Example
    what: str


class Trial:
    """Tries a method on one example after the other.

    ``form``: the size ``(C, H, W)`` of the images of the run. ``tried``: on how many examples the method was put to the
    test. ``broken``: the smallest that broke the contract. ``refused``: the smallest whose network the method refuses;
    ``refusals``: how many there were. ``too_small``: how many were refused for their small images only.
    """

    def __init__(self, method: SaliencyMethod, form: tuple[int, int, int] = FORM) -> None:
        self.method = method
        self.form = form
        self.tried = self.shrinks = self.refusals = self.too_small = self.enlarged = 0
        self.broken: Found | None = None
        self.refused: Found | None = None

    def breaks(self, example: Example) -> bool:
        """Return whether the method breaks the contract on an example. Raises EnoughShrinks after ``MOST_SHRINKS``."""
        if self.broken is None:
            return self._breaks(example)
        if self.shrinks == MOST_SHRINKS:
            raise EnoughShrinks
        self.shrinks += 1
        return self._breaks(example)

    def _breaks(self, example: Example) -> bool:
        searching = self.broken is None
        try:
            try_promises(self.method, example)
        except BrokenPromiseError as error:
            self._note_broken(example, str(error))
            broken = True
        except RefusalError as refusal:
            return self._is_at_fault(example, str(refusal))
        else:
            broken = False
        self.tried += searching
        return broken

    def _is_at_fault(self, example: Example, refusal: str) -> bool:
        """Return whether a method that raised broke the contract: it may refuse a network, or small images."""
        plain = replace(example, images=1, training=False, frozen=False)
        if plain != example and accepts(self.method, plain):
            self._note_broken(example, f"it raised {refusal}, but not for one image of this network in evaluation mode")
            return True
        if self.broken is not None:
            return False
        if example.form == self.form:
            self.refusals += 1
            if self.refused is None or size(plain) < size(self.refused.example):
                self.refused = Found(plain, refusal)
            return False
        if self.enlarged == MOST_ENLARGED:
            return False
        self.enlarged += 1
        enlarged = replace(example, channels=self.form[0], size=self.form[1:])
        self.too_small += accepts(self.method, enlarged)
        return self._breaks(enlarged)

    def _note_broken(self, example: Example, how: str) -> None:
        if self.broken is None or size(example) <= size(self.broken.example):
            self.broken = Found(example, how)

    def shrink_refused(self) -> None:
        """Leave out layers of the refused network for as long as the method refuses it."""
        while self.refused is not None:
            layers = self.refused.example.layers
            fewer = (replace(self.refused.example, layers=layers[:i] + layers[i + 1 :]) for i in range(len(layers)))
            smaller = next((each for each in fewer if can_be_trained(each.layers) and self._refuses(each)), None)
            if smaller is None:
                return

    def _refuses(self, example: Example) -> bool:
        try:
            try_promises(self.method, example)
        except RefusalError as refusal:
            self.refused = Found(example, str(refusal))
            return True
        except BrokenPromiseError:
            return False
        return False


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
    images of the run, which one network in eight has.

    The same ``examples`` are tried in every run and on every machine, however slow; if one fails, at most
    ``MOST_SHRINKS`` smaller ones. Nothing is written to disk.
    """
    trial = Trial(method, form)
    with one_thread():
        search(trial, seed, examples)
        trial.shrink_refused()
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


def search(trial: Trial, seed: int, examples: int) -> None:
    """Try examples until one breaks the contract, then smaller ones until no smaller one does."""
    import hypothesis
    from hypothesis import strategies as st

    def one_of(options: Sequence[Any]) -> Any:
        # Bit by bit: hypothesis draws some integers from the constants of all loaded modules. These differ between
        # processes, and it keeps them in a folder beside the user's files.
        bits = [st.booleans()] * (len(options) - 1).bit_length()
        return st.tuples(*bits).map(lambda drawn: options[from_bits(drawn) % len(options)])

    examples_of_all_forms = st.builds(
        partial(in_form, trial.form),
        layers=st.tuples(*[one_of((NOTHING, *LAYERS))] * DEPTH).map(without_nothing).filter(can_be_trained),
        head=one_of(HEADS),
        images=one_of((1, 2, 3, 2)),
        channels=one_of((1, 3)),
        size=one_of((6, 7, 8)),
        classes=one_of((2, 3, 4)),
        training=st.booleans(),
        frozen=st.booleans(),
        seed=one_of(range(4)),
        as_in_the_run=one_of((*[False] * 7, True)),
    ).filter(is_itself_alone)
    settings = hypothesis.settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    try:
        hypothesis.find(examples_of_all_forms, trial.breaks, settings=settings, random=Random(seed))
    except (hypothesis.errors.NoSuchExample, hypothesis.errors.Flaky, EnoughShrinks):
        return  # flaky: the method is wrong only now and then; its broken promise is kept


def in_form(form: tuple[int, int, int], *, as_in_the_run: bool, **described: Any) -> Example:
    """Return an example, its images of their own small size or of the size of the images of the run."""
    example = Example(**described)
    return replace(example, channels=form[0], size=form[1:]) if as_in_the_run else example


def without_nothing(layers: tuple[str, ...]) -> tuple[str, ...]:
    """Return the layers without the empty ones."""
    return tuple(layer for layer in layers if layer != NOTHING)


def from_bits(bits: Iterable[bool]) -> int:
    """Return the number with these bits, the highest first."""
    return reduce(lambda number, bit: 2 * number + bit, bits, 0)


def is_itself_alone(example: Example) -> bool:
    """Return whether a network treats an image alone as it does in a batch.

    Batch normalisation in training mode depends on the whole batch and records it, which is not the method's fault.
    """
    return not (example.training and "batch norm" in example.layers)


def can_be_trained(layers: Sequence[str]) -> bool:
    """Return whether a network has gradients, and enough positions are left at its end.

    The gradient of a ReLU needs its output, so no ReLU in place can follow it.
    """
    after_relu = any(
        second == "relu in place" and ("relu" in first or first == "residual sum") for first, second in pairwise(layers)
    )
    return not after_relu and sum("pool" in layer for layer in layers) < 2


def size(example: Example) -> tuple[int, ...]:
    """Return the size of an example, to compare it with others."""
    return (len(example.layers), example.images, *example.form, example.classes)


def indent(text: str) -> str:
    """Return a text with each line indented."""
    return "\n".join(f"  {line}" for line in text.splitlines())
