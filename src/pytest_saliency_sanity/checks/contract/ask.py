"""Tries the contract of a saliency method on small random networks, with hypothesis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from itertools import pairwise
from random import Random
from typing import Any

from ...foundation.threads import one_thread
from ...methods.protocol import SaliencyMethod
from ..judging.result import CheckResult, Figure, Measured
from ..judging.subject import MethodSubject
from . import CHECK
from .networks import HEADS, LAYERS, Example
from .promises import BrokenPromiseError, try_promises

EXAMPLES = 80
# The most smaller examples to try. Of forty wrong methods of all kinds, none needs more than 22.
MOST_SHRINKS = 100
DEPTH, NOTHING = 4, ""
NETWORKS = "small random networks"


class EnoughShrinks(BaseException):
    """Enough smaller examples were tried."""


class Trial:
    """Tries a method on one example after the other; keeps the smallest that broke the contract."""

    def __init__(self, method: SaliencyMethod) -> None:
        self.method = method
        self.tried = 0
        self.shrinks = 0
        self.smallest: tuple[Example, str] | None = None

    def breaks(self, example: Example) -> bool:
        """Return whether the method breaks the contract on an example. Raises EnoughShrinks after ``MOST_SHRINKS``."""
        if self.smallest is None:
            self.tried += 1
        elif self.shrinks == MOST_SHRINKS:
            raise EnoughShrinks
        else:
            self.shrinks += 1
        try:
            try_promises(self.method, example)
        except BrokenPromiseError as broken:
            if self.smallest is None or size(example) <= size(self.smallest[0]):
                self.smallest = example, str(broken)
            return True
        return False


def ask(subject: MethodSubject, needs: Mapping[str, Any], variant: str, threshold: float | None) -> CheckResult:
    """Run the check on the method alone."""
    return check_contract(subject.method, subject.method_name, seed=subject.seed)


def check_contract(method: SaliencyMethod, method_name: str, *, seed: int = 0, examples: int = EXAMPLES) -> CheckResult:
    """Look for a small network and images on which a method breaks the contract.

    The contract: one map per image, finite, float, detached; the same for an image alone as in a batch, up to 0.1 % of
    its largest value (unless the method draws random numbers); the same twice for the same seed of the global streams,
    which the method does not seed itself; model, images, modes, gradients and hooks left as found, even after an
    exception.

    The same ``examples`` are tried in every run and on every machine, however slow; if one fails, at most
    ``MOST_SHRINKS`` smaller ones. Nothing is written to disk.
    """
    trial = Trial(method)
    with one_thread():
        search(trial, seed, examples)
    figures = [Figure("networks tried", trial.tried)]
    if trial.smallest is None:
        message = f"{CHECK.name}: {method_name} PASSED\n\nNo broken promise on {trial.tried} small random networks."
    else:
        example, broken = trial.smallest
        figures += [Figure("broken promise", broken), Figure("smallest example", repr(example))]
        message = (
            f"{CHECK.name}: {method_name} FAILED\n\nBroken promise: {broken}.\n\n"
            f"The smallest network and images found that show it:\n{indent(str(example))}\n\n"
            f"To build them:\n  from {Example.__module__} import Example\n"
            f"  model, images, targets = {example!r}.build()"
        )
    return CheckResult(
        check=CHECK.name,
        method=method_name,
        model=NETWORKS,
        verdict="passed" if trial.smallest is None else "failed",
        message=message,
        measured=Measured(seed, figures=tuple(figures)),
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

    described = st.builds(
        Example,
        layers=st.tuples(*[one_of((NOTHING, *LAYERS))] * DEPTH).map(without_nothing).filter(can_be_trained),
        head=one_of(HEADS),
        images=one_of((1, 2, 3, 2)),
        channels=one_of((1, 3)),
        size=one_of((6, 7, 8)),
        classes=one_of((2, 3, 4)),
        training=st.booleans(),
        frozen=st.booleans(),
        seed=one_of(range(4)),
    ).filter(is_itself_alone)
    settings = hypothesis.settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    try:
        hypothesis.find(described, trial.breaks, settings=settings, random=Random(seed))
    except (hypothesis.errors.NoSuchExample, hypothesis.errors.Flaky, EnoughShrinks):
        return  # flaky: the method is wrong only now and then; its broken promise is kept


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
    return (len(example.layers), example.images, example.channels, example.size, example.classes)


def indent(text: str) -> str:
    """Return a text with each line indented."""
    return "\n".join(f"  {line}" for line in text.splitlines())
