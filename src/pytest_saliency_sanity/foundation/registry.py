"""A registry of named things of one kind, to which this package, other packages and a project's hooks can add.

A registration gives a name and an import path, so all names are known before anything heavy is imported.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, Protocol, TypeVar

from .errors import described, unknown_name
from .imports import import_attribute


class Named(Protocol):
    """Anything that has a name and so can be registered."""

    @property
    def name(self) -> str:
        """The name that users type."""
        ...


T = TypeVar("T", bound=Named)
OWN = "pytest-saliency-sanity"


@dataclass(frozen=True)
class Source(Generic[T]):
    """A registered thing, and who registered it in a user's words: this package, an entry point or a hook."""

    thing: T
    source: str

    @property
    def is_built_in(self) -> bool:
        """Whether this package registered it."""
        return self.source == OWN


class Registry(Generic[T]):
    """All known things of one kind, in order: built-in ones, those of entry points, those of a project's hooks.

    ``kind``: the word for one of them in messages. ``holds``: their class. ``group``: the entry-point group.
    ``built_in``: this package's own, each an object or its import path.
    """

    def __init__(self, kind: str, holds: type[T], group: str, built_in: Sequence[str | T]) -> None:
        self.kind = kind
        self.holds = holds
        self.group = group
        self.built_in: tuple[str | T, ...] = tuple(built_in)
        self._given: tuple[Source[T], ...] = ()

    def give(self, things: Sequence[Source[T]]) -> Sequence[Source[T]]:
        """Replace what a project's hooks gave; return what they gave before."""
        before, self._given = self._given, tuple(things)
        return before

    def sources(self) -> dict[str, Source[T]]:
        """Return every known thing and who registered it, by name.

        Raises ValueError if a name is registered twice, TypeError if an entry point leads to an object of another
        class, ImportError if it can't be loaded.
        """
        found: dict[str, Source[T]] = {}
        for each in (*self._own(), *self._installed(), *self._given):
            name = each.thing.name
            if name in found:
                raise ValueError(
                    f"the {self.kind} {name!r} is registered twice, by {found[name].source} and by {each.source}: "
                    "rename one"
                )
            found[name] = each
        return found

    def all(self) -> dict[str, T]:
        """Return every known thing by name. Raises the same errors as ``sources``."""
        return {name: each.thing for name, each in self.sources().items()}

    def named(self, name: str) -> T:
        """Return the thing with this name. Raises ValueError, with near matches, if there is none."""
        known = self.all()
        if name not in known:
            raise unknown_name(self.kind, name, known)
        return known[name]

    def _own(self) -> list[Source[T]]:
        return [Source(import_attribute(each) if isinstance(each, str) else each, OWN) for each in self.built_in]

    def _installed(self) -> list[Source[T]]:
        return [self._load(point) for point in installed_points(self.group, tuple(sys.path))]

    def _load(self, point: EntryPoint) -> Source[T]:
        source = f"the entry point {point.name} of {point.dist.name if point.dist else point.value}"
        try:
            thing = point.load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # importing another package can raise anything, skip or exit
            raise ImportError(f"{source}, group {self.group}, can't be loaded: {described(error)}") from error
        if not isinstance(thing, self.holds):
            raise TypeError(f"{source} leads to {thing!r}, which is not a {self.holds.__name__} (group {self.group})")
        return Source(thing, source)


@lru_cache(maxsize=64)
def installed_points(group: str, path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """Return the entry points of a group, sorted by name; duplicates on the path count once.

    ``path``: the module search path, which is only a key: the answer is cached for each path.
    """
    points = {(point.name, point.value): point for point in entry_points(group=group)}
    return tuple(sorted(points.values(), key=lambda point: point.name))
