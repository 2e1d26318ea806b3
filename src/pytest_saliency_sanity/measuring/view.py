"""A model's maps of some images, ready to be compared with those of another model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from .maps import as_seen, have_signs, reduced
from .profile import Cause
from .similarities import SIMILARITIES


@dataclass(frozen=True)
class Prepared:
    """Maps ready to be compared, ``(N, ...)``, all NaN for an undefined one; and whether each map is finite."""

    values: torch.Tensor
    finite: np.ndarray

    @property
    def constant(self) -> np.ndarray:
        """Whether each map is finite but constant, so that it can't be compared."""
        constant: np.ndarray = self.values.flatten(1).isnan().all(1).cpu().numpy() & self.finite
        return constant


class View:
    """Maps ``(N, h, w)`` or ``(N, C, h, w)``; each way of comparing them is prepared once, when it is asked for.

    ``seen``: whether they are rounded to what a screen can show (``maps.as_seen``). ``compared_by``: a name of
    ``similarities.SIMILARITIES``.
    """

    def __init__(self, maps: torch.Tensor, *, seen: bool, compared_by: str) -> None:
        self.maps = maps
        self.seen = seen
        self.compared_by = compared_by
        self._prepared: dict[str, Prepared] = {}

    @property
    def size(self) -> tuple[int, ...]:
        """The size of each map."""
        return tuple(self.maps.shape[-2:])

    @property
    def nbytes(self) -> int:
        """How many bytes the maps take, with what was prepared of them."""
        return self.maps.nbytes + sum(each.values.nbytes for each in self._prepared.values())

    @cached_property
    def have_signs(self) -> bool:
        """Whether most of the maps show positive and negative values."""
        return have_signs(reduced(self.maps, "signed"))

    def by(self, sign: str) -> Prepared:
        """Return the maps read with their signs, or by magnitude, ready to be compared."""
        if sign not in self._prepared:
            maps = reduced(self.maps, sign)
            values = SIMILARITIES[self.compared_by].prepare(as_seen(maps) if self.seen else maps)
            self._prepared[sign] = Prepared(values, maps.flatten(1).isfinite().all(1).cpu().numpy())
        return self._prepared[sign]


def compared(before: View, after: View, sign: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the similarity of each pair of maps, ``(N,)``, NaN if undefined; and its ``Cause``, 0 if defined."""
    one, other = before.by(sign), after.by(sign)
    return SIMILARITIES[before.compared_by].compare(one.values, other.values).numpy(), causes_of(one, other)


def causes_of(before: Prepared, after: Prepared) -> np.ndarray:
    """Return for each image the ``Cause`` of its undefined SRC, or 0 if the SRC is defined."""
    causes = np.zeros(len(before.finite), dtype=np.int8)
    causes[after.constant] = Cause.CONSTANT_AFTER
    causes[before.constant] = Cause.CONSTANT_BEFORE
    causes[~(before.finite & after.finite)] = Cause.NOT_FINITE
    return causes
