"""How something public is deprecated: with a warning of our own, in at least two minor versions. Imports little."""

from __future__ import annotations

import re
from warnings import warn

MINOR_VERSIONS = 2  # in which the warning is given, at the least (docs/versioning.md)


class SaliencyDeprecationWarning(FutureWarning):
    """Something public is going to be removed or changed. The message says when, and what to use instead.

    A FutureWarning is shown by default, also outside pytest.
    """


SaliencyDeprecationWarning.__module__ = "pytest_saliency_sanity"  # the name that users import and see


def deprecate(what: str, *, since: str, until: str, instead: str, stacklevel: int = 2) -> None:
    """Warn that ``what`` is deprecated. Raises ValueError if it would not be for two minor versions.

    ``since``: the version ``X.Y`` that warns first. ``until``: the one that no longer has it; a new X is always late
    enough. ``instead``: what to do. ``stacklevel``: of the caller whom the warning shows, as ``warnings.warn`` counts
    from the function that calls this one.
    """
    first, last = _numbers(since), _numbers(until)
    if last <= first or (last[0] == first[0] and last[1] - first[1] < MINOR_VERSIONS):
        earliest = f"{first[0]}.{first[1] + MINOR_VERSIONS}"
        raise ValueError(f"{what}, deprecated since {since}, can't go in {until}; allowed: {earliest} or later")
    text = f"{what} is deprecated since {since} and will be gone in {until}: {instead}"
    warn(text, SaliencyDeprecationWarning, stacklevel=stacklevel + 1)


def _numbers(version: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)\.(\d+)", version)
    if found is None:
        raise ValueError(f"unknown version {version!r}; allowed: X.Y, as in 0.2")
    return int(found[1]), int(found[2])
