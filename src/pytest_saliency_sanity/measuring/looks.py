"""How many images and draws are measured before a check looks at its interval, and how sure each look must be.

A check measures growing nested tables, its looks, and stops at the first whose interval is clear of the threshold. With
few images, it must stay so with one more image at the other end of the scale.
docs/statistics.md, "Stop when sure", says why this is valid and what was measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..foundation.limits import LEAST_IMAGES, require_confidence, require_enough_images

# Draws differ more than images do, so the first look has few images rather than few draws. With four draws, a look is
# wrong too often if draws are undefined as a whole or lie at two ends, so a check should take three or four only if its
# draws differ little. With fewer than four, Student's t makes intervals too wide to decide anything.
LEAST_DRAWS, ENOUGH_DRAWS = 4, 8
# In units of the least images and of the first look's draws. Each look has four times the explanations of the last; the
# second is the table that checks took before.
GROWTH = ((1, 1), (4, 1), (8, 2), (16, 4))
GROWTH_OF_ONE_VERSION = ((1, 1), (4, 1), (16, 1), (64, 1))
# With fewer images, a kind of image that is rare may be missing.
MANY_IMAGES = 40
# Seconds that the explanations of a look may take at each stage; and an explanation, if 80 are to take 20 seconds.
LONGEST, SLOW = 120.0, 0.25


class Look(NamedTuple):
    """The size of the table that a look is at: how many images, each explained under how many draws."""

    images: int
    draws: int

    @property
    def explanations(self) -> int:
        """The number of maps that are compared with those of the trained model."""
        return self.images * self.draws


def looks_for(most_images: int, draws: int, *, fixed: int | None = None) -> tuple[Look, ...]:
    """Return the looks of a check, smallest first; each contains the one before.

    ``most_images``: how many images there are; looks that would not grow are left out. ``draws``: the check's usual
    number of draws; 1 if its intervention has one version only, which no look draws twice. ``fixed``: measure this many
    images under the usual draws instead, in one look.

    Raises ValueError if there are fewer than ``LEAST_IMAGES`` images, or no draws.
    """
    if draws < 1:
        raise ValueError(f"draws must be at least 1, not {draws!r}")
    require_enough_images(most_images if fixed is None else min(fixed, most_images))
    if fixed is not None:
        return (Look(min(fixed, most_images), draws),)
    first = 1 if draws == 1 else min(max(draws, LEAST_DRAWS), ENOUGH_DRAWS)
    growth = GROWTH_OF_ONE_VERSION if draws == 1 else GROWTH
    looks = (Look(min(images * LEAST_IMAGES, most_images), times * first) for images, times in growth)
    return tuple(dict.fromkeys(looks))


class Looking(NamedTuple):
    """The looks of a check, smallest first; the confidence of each look's interval; and whether some are left out.

    ``short``: because an explanation takes so long.
    """

    looks: tuple[Look, ...]
    level: float
    short: bool = False

    @property
    def is_least(self) -> bool:
        """Whether the method is so slow that only the least is asked for: a single look, at the most telling stage."""
        return self.short and len(self.looks) == 1


def looking(
    most_images: int, draws: int, confidence: float, *, fixed: int | None = None, seconds: float = 0.0
) -> Looking:
    """Return how a check of so many ``draws`` looks at its table; see ``looks_for``.

    ``seconds``: how long an explanation takes. Looks that would take more than ``LONGEST`` are left out, so that a slow
    method has its verdict, be it inconclusive, in minutes; the level of an interval does not depend on what is left
    out. If it is above ``SLOW``, a single look is taken, at the least that is valid.
    """
    looks = looks_for(most_images, draws, fixed=fixed)
    level = confidence_at(confidence, len(looks))
    if fixed is not None:
        return Looking(looks, level)
    if seconds > SLOW:
        return Looking((Look(looks[0].images, min(draws, LEAST_DRAWS)),), confidence, short=True)
    affordable = tuple(look for look in looks if seconds * look.explanations <= LONGEST)
    return Looking(affordable, level, short=len(affordable) < len(looks))


def confidence_at(confidence: float, looks: int) -> float:
    """Return the confidence of the interval of each look, so that all ``looks`` hold together with ``confidence``.

    Each look gets an equal share of the allowed errors (Bonferroni's union bound). That holds however the looks depend
    on each other. Pocock's constant (1977, Biometrika 64) would need to know it, for intervals narrower by 1 to 8 %.

    Raises ValueError if ``confidence`` is not between 0 and 1, or there are no looks.
    """
    require_confidence(confidence)
    if looks < 1:
        raise ValueError(f"looks must be at least 1, not {looks!r}")
    return 1 - (1 - confidence) / looks


def has_few_images(look: Look, looks: Sequence[Look]) -> bool:
    """Return whether a look has so few images that one more must not change its verdict (``with_one_more``).

    Never the last look's number: if there are no more images, nothing is gained by waiting for them.
    """
    return look.images < min(MANY_IMAGES, looks[-1].images)


def with_one_more(values: np.ndarray, far: float) -> np.ndarray:
    """Return the numbers of a look ``(..., draws, images)`` with one more image, which is at ``far`` under each draw.

    ``far``: 1, the same picture, if the interval is below the threshold; 0, nothing in common, if it is above. The
    numbers of some methods are crowded at one end, a few images far away from it. Ten images tend to miss those, and
    then their interval is too narrow. A draw of which nothing is defined stays so.
    """
    nothing = np.isnan(values).all(-1, keepdims=True)
    return np.concatenate([values, np.where(nothing, np.nan, far)], -1)
