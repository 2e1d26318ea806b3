"""Looks for an example that breaks the contract, with hypothesis, and for the smallest one that does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial, reduce
from random import Random
from typing import Any

from .networks import HEADS, LAYERS, Example
from .trial import EnoughShrinks, Trial, can_be_trained

DEPTH, NOTHING = 4, ""


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
