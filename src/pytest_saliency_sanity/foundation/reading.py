"""How maps are read: the choices that a user has, and their defaults. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import unknown_name
from .limits import require_confidence

SIGNS = ("signed", "absolute")
LAWS = ("normal", "reinit", "permute", "match")


@dataclass(frozen=True)
class Reading:
    """How the checks read maps.

    ``sign``: ``"signed"``, as they are given, or ``"absolute"``, by magnitude. ``law``: what new weights are drawn from
    (``interventions.laws``). ``confidence``: that of every interval, between 0 and 1.

    Raises ValueError or TypeError if one of them is not allowed.
    """

    sign: str = SIGNS[0]
    law: str = LAWS[0]
    confidence: float = 0.95

    def __post_init__(self) -> None:
        for kind, name, allowed in (("sign", self.sign, SIGNS), ("law", self.law, LAWS)):
            if name not in allowed:
                raise unknown_name(kind, name, allowed)
        require_confidence(self.confidence)
