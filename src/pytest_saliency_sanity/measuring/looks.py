"""placeholder"""

from __future__ import annotations

from typing import NamedTuple


class Look(NamedTuple):
    images: int
    draws: int


def looks_for(most_images: int, draws: int, *, fixed: int | None = None) -> tuple[Look, ...]:
    if fixed is not None:
        return (Look(fixed, draws),)
    found = []
    for images, share in ((10, 0.5), (16, 1), (40, 1), (160, 2), (640, 4)):
        count = min(images, most_images)
        look = Look(count, 1 if draws == 1 else max(2, round(draws * share)))
        if not found or look.images > found[-1].images:
            found.append(look)
    return tuple(found)


def confidence_at(confidence: float, looks: int) -> float:
    return 1 - (1 - confidence) / looks
