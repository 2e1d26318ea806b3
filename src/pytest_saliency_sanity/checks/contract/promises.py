"""The promises of the contract, tried on one example. A broken one raises an error that says how."""

from __future__ import annotations

from collections.abc import Callable
from traceback import clear_frames
from typing import Any, NamedTuple

import torch
from torch import nn

from ...foundation.custody import custody
from ...foundation.errors import described, is_excuse
from ...foundation.habits import quietly
from ...foundation.randomness import isolated_streams
from ...foundation.threads import threads
from ...foundation.timeouts import Overdue
from ...measuring.returned import not_larger, plain
from ...methods.protocol import SaliencyMethod
from .networks import Example
from .residue import belongings, difference, random_streams

# The largest difference of two maps that are called the same, relative to the largest value of a map. Rounding in
# single precision is 1e-6 of it, the effect of the batch is larger; types of lower precision are rounded by up to half
# an eps.
TOLERANCE, ROUNDINGS = 1e-3, 8
# Maps that are 0 but for rounding are the same, however different relative to their size. What they are computed from,
# scores and activations, is of the order of 1.
NOTHING = 16 * torch.finfo(torch.float32).eps


class BrokenPromiseError(Exception):
    """A method broke the contract. The message says how."""


class RefusalError(Exception):
    """A method raised when it was first called on an example. The message is its type and text."""


class Excuse(BaseException):
    """A method raised what would end or excuse a test, such as ``sys.exit``. What it raised is the cause."""


def require_no_excuse(error: BaseException) -> None:
    """Raise Excuse if what a method raised would excuse a test."""
    if is_excuse(error):
        raise Excuse from error


class Sabotage(RuntimeError):  # noqa: N818  (raised on purpose)
    """Raised by a network on purpose, to see what the method leaves behind."""


def try_promises(method: SaliencyMethod, example: Example) -> None:
    """Raise BrokenPromiseError if a method breaks the contract on an example, RefusalError if it raises at once."""
    given = Given.of(example)
    maps, streams = _maps(method, given, seed=0)
    try:
        again, _ = _maps(method, given, seed=0)
        if differ := difference_of(maps, again):
            raise BrokenPromiseError(f"the same call with the same seed gives other maps: {differ}")
        with threads(2):  # else a method that sets one thread could not be told from one that leaves it alone
            other, other_streams = _maps(method, given, seed=1)
        for name, stream in streams.items():
            if stream == other_streams[name]:
                raise BrokenPromiseError(f"it seeds the global random stream of {name}, which belongs to the caller")
        # A method that draws from the global streams gets other numbers for one image than for several.
        if not difference_of(maps, other):
            _require_same_alone(method, example, given, maps)
    except RefusalError as error:
        raise BrokenPromiseError(f"it raised {error}, but not when it was called first") from error
    for when in ("forward", "backward"):
        _require_left_as_found_after_exception(method, example, when)


def accepts(method: SaliencyMethod, example: Example) -> bool:
    """Return whether a method does not raise on an example, right or wrong."""
    try:
        _maps(method, Given.of(example), seed=0)
    except RefusalError:
        return False
    except BrokenPromiseError:
        pass
    return True


class Given(NamedTuple):
    """A network, images and targets as they are given to a method, and what they must still be like afterwards."""

    model: nn.Module
    images: torch.Tensor
    targets: torch.Tensor
    before: dict[str, object]

    @classmethod
    def of(cls, example: Example, *, precise: bool = False) -> Given:
        """Return what an example describes; ``precise``: in float64."""
        model, images, targets = example.build()
        if precise:
            model, images = model.double(), images.double()
        return cls(model, images, targets, belongings(model, images, targets))

    def only(self, index: int) -> Given:
        """Return the same with a single image."""
        images, targets = self.images[index : index + 1].clone(), self.targets[index : index + 1].clone()
        return Given(self.model, images, targets, belongings(self.model, images, targets))


def _maps(method: SaliencyMethod, given: Given, *, seed: int) -> tuple[Any, Any]:
    """Return a method's maps and the states of the random streams after it; all else must be left as found."""
    model, images, targets, before = given
    with isolated_streams(seed), custody() as left_behind, quietly():
        try:
            maps = method(model, images, targets)
        except (KeyboardInterrupt, Overdue):
            raise
        except BaseException as error:
            require_no_excuse(error)
            clear_frames(error.__traceback__)  # so that destructors disturb nobody later
            raise RefusalError(described(error)) from None
        streams = random_streams()
        changed = difference(before, belongings(model, images, targets))
    for each in (changed, *left_behind):
        if each:
            raise BrokenPromiseError(f"not left as found: {each}")
    return _well_formed(maps, images), streams


def _well_formed(returned: object, images: torch.Tensor) -> torch.Tensor:
    count = len(images)
    wanted = f"a float tensor ({count}, h, w) or ({count}, C, h, w)"
    try:
        maps = plain(returned)
    except ValueError as error:
        raise BrokenPromiseError(f"it returned {error}, not {wanted}") from error
    if maps.ndim not in (3, 4) or len(maps) != count or 0 in maps.shape:
        raise BrokenPromiseError(f"it returned the shape {tuple(maps.shape)}, not {wanted}")
    if not maps.is_floating_point():
        raise BrokenPromiseError(f"it returned {maps.dtype}, not {wanted}")
    if maps.requires_grad:
        raise BrokenPromiseError("its maps are not detached: they keep the graph of the model in memory")
    if not bool(maps.isfinite().all()):
        raise BrokenPromiseError(f"{int((~maps.isfinite()).sum())} of {maps.numel()} values are not finite")
    return not_larger(maps, images)


def _require_same_alone(method: SaliencyMethod, example: Example, given: Given, together: torch.Tensor) -> None:
    for index in range(example.images if example.images > 1 else 0):
        alone, _ = _maps(method, given.only(index), seed=0)
        differ = difference_of(together[index : index + 1], alone)
        if differ and not _is_rounding(method, example, index):
            raise BrokenPromiseError(
                f"image {index} has another map alone than in the batch of {example.images}: {differ}"
            )


def _is_rounding(method: SaliencyMethod, example: Example, index: int) -> bool:
    """Return whether an image has the same map alone as in the batch if a method works in float64.

    A method that divides by tiny numbers makes rounding large, as LRP's epsilon rule does; more precise numbers undo
    that.
    """
    try:
        given = Given.of(example, precise=True)
        together, _ = _maps(method, given, seed=0)
        alone, _ = _maps(method, given.only(index), seed=0)
    except (RefusalError, BrokenPromiseError):
        return False
    return difference_of(together[index : index + 1], alone) is None


def difference_of(maps: torch.Tensor, others: torch.Tensor) -> str | None:
    """Return in words how two batches of maps differ; None if they are equal up to rounding."""
    if maps.shape != others.shape or maps.dtype != others.dtype:
        kinds = [f"{tuple(each.shape)} of {each.dtype}" for each in (maps, others)]
        return f"they are {kinds[0]} and {kinds[1]}"
    values, differences = maps.double().flatten(1), (maps.double() - others.double()).flatten(1).abs().amax(1)
    size = values.abs().amax(1)
    relative = max(TOLERANCE, ROUNDINGS * torch.finfo(maps.dtype).eps)
    beyond = differences - torch.maximum(relative * size, torch.tensor(NOTHING))
    worst = int(beyond.argmax())
    if beyond[worst] <= 0:
        return None
    return f"they differ by {differences[worst]:.2g}, and the map's largest value is {size[worst]:.2g}"


def _require_left_as_found_after_exception(method: SaliencyMethod, example: Example, when: str) -> None:
    model, images, targets = example.build()
    model.register_module("classifier", nn.Sequential(model.get_submodule("classifier"), _Breaking(when)))
    model.train(example.training)
    before = belongings(model, images, targets)
    with isolated_streams(0), custody() as left_behind:
        try:
            method(model, images, targets)
        except (KeyboardInterrupt, Overdue):
            raise
        except BaseException as error:  # any, since a library can wrap it; a method that never calls the model has none
            require_no_excuse(error)
            clear_frames(error.__traceback__)
        changed = difference(before, belongings(model, images, targets))
    for each in (changed, *left_behind):
        if each:
            raise BrokenPromiseError(f"not left as found after an exception in the {when} pass: {each}")


class _Breaking(nn.Module):
    """A layer that raises in the forward or in the backward pass."""

    def __init__(self, when: str) -> None:
        super().__init__()
        self.when = when

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Raise, now or later."""
        if self.when == "forward":
            raise Sabotage
        breaks: Callable[..., torch.Tensor] = _BreaksBackward.apply
        return breaks(values)


class _BreaksBackward(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, values: torch.Tensor) -> torch.Tensor:
        return values.clone()

    @staticmethod
    def backward(context: Any, *gradients: torch.Tensor) -> torch.Tensor:
        raise Sabotage
