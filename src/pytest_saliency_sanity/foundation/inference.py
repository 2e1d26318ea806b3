"""Runs a user's model in evaluation mode, in batches that fit in memory, and leaves it as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import nn

# The most input values of one pass: 85 images of 3 x 64 x 64, or 6 of 3 x 224 x 224. Larger batches are slower on small
# networks, whose activations no longer fit in the cache (measured on two cores), and no faster on large ones.
MAX_INPUT_VALUES = 2**20
# Of large images, so many all the same: in every pass, all weights of the model are read from memory.
ROWS_OF_LARGE_IMAGES = 32
MOST_HEARD = 4
WRAP = "pytest_saliency_sanity.Logits(model"  # the beginning of a call, for messages


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Put the model in evaluation mode, and restore the mode of every module at the end."""
    training = [module for module in model.modules() if module.training]
    try:
        if training:
            model.eval()
        yield
    finally:
        for module in model.modules():
            if module.training:
                module.training = False
        for module in training:
            module.training = True


_most_rows: ContextVar[int | None] = ContextVar("the most images of one pass", default=None)


@contextmanager
def rows_at_a_time(most: int | None) -> Iterator[None]:
    """Let at most so many images go through a model in one pass within the context; None: as many as is usual."""
    token = _most_rows.set(most)
    try:
        yield
    finally:
        _most_rows.reset(token)


def most_rows() -> int | None:
    """Return how many images may go through a model in one pass, as ``rows_at_a_time`` was told; None if it was not."""
    return _most_rows.get()


def limit_rows(most: int) -> None:
    """Let at most so many images go through a model in one pass from now on, to the end of ``rows_at_a_time``."""
    _most_rows.set(most)


def max_rows(images: torch.Tensor) -> int:
    """Return how many images of this size go through a model in one pass."""
    rows = max(1, MAX_INPUT_VALUES // images[0].numel())
    most = _most_rows.get()
    return rows if most is None else max(1, min(most, max(rows, ROWS_OF_LARGE_IMAGES)))


def logits_of(model: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Return a model's logits ``(N, classes)`` in evaluation mode, without gradients.

    Raises TypeError or ValueError if the model returns anything else.
    """
    with evaluation_mode(model), torch.no_grad():
        chunks = images.split(max_rows(images))
        return torch.cat([require_logits(model(chunk.clone()), len(chunk)) for chunk in chunks])  # it may change them


def require_logits(logits: object, count: int) -> torch.Tensor:
    """Return ``logits``. Raises TypeError or ValueError, with how to get some, unless they are ``(count, classes)``."""
    if not isinstance(logits, torch.Tensor):
        raise TypeError(
            f"the model must return logits (N, classes), not {in_words(logits)}: {WRAP}, KEY_OR_INDEX) picks them"
        )
    if logits.ndim != 2 or len(logits) != count:
        raise ValueError(
            f"the model must return logits ({count}, classes), not {tuple(logits.shape)}{how_to_wrap(logits, count)}"
        )
    return logits


def how_to_wrap(output: torch.Tensor, count: int) -> str:
    """Return how a wrapper makes logits of what a model returns; nothing if none can."""
    if output.ndim == 4:
        if output.shape[2:] == (1, 1):
            return f": {WRAP}) leaves out the last axes"
        return f": {WRAP}, AtPixel(row, column)) or OverMask(mask) make scores of maps"
    return f": {WRAP}) makes two of a single logit" if output.shape in ((count,), (count, 1)) else ""


def in_words(output: Any) -> str:
    """Return in words what a model returned."""
    if isinstance(output, torch.Tensor):
        return str(tuple(output.shape))
    if isinstance(output, Mapping):
        return f"{with_article(output)} of {', '.join(map(repr, output)) or 'nothing'}"
    if isinstance(output, Sequence) and not isinstance(output, str):
        return f"{with_article(output)} of {', '.join(map(in_words, output)) or 'nothing'}"
    return type(output).__name__


def with_article(output: object) -> str:
    """Return the name of an object's class with its article."""
    name = type(output).__name__
    return f"{'an' if name[0] in 'AEIOaeio' else 'a'} {name}"


def watch(
    model: nn.Module, images: torch.Tensor, modules: Iterable[nn.Module], note: Callable[[nn.Module, Any, Any], None]
) -> None:
    """Run a model once, without gradients; call ``note(module, inputs, output)`` at each use of one of the modules."""
    handles = [module.register_forward_hook(note) for module in modules]
    try:
        with torch.no_grad():
            model(images.clone())
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def heard(model: nn.Module, logits: list[torch.Tensor]) -> Iterator[None]:
    """Add to a list the logits that a model returns within the context, detached; those of the first few calls."""

    def note(_: nn.Module, __: Any, output: object) -> None:
        if isinstance(output, torch.Tensor) and output.ndim == 2 and len(logits) < MOST_HEARD:
            logits.append(output.detach())

    handle = model.register_forward_hook(note)
    try:
        yield
    finally:
        handle.remove()


def images_for(model: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Return the images on the device and in the precision of the model's first floating-point parameter."""
    first = next((parameter for parameter in model.parameters() if parameter.is_floating_point()), images)
    return images.to(first.device, first.dtype)
