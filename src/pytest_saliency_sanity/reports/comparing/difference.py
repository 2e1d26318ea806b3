"""The difference of two runs: which answers changed, and how far. Standard library only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from ..json_report import SETTINGS
from ..run import Run
from ..text.columns import plain, wrapped
from .answers import ORDER, Answer, distance, has_moved, is_changed, is_worse, name_of, shift

Kind = Literal["lost", "worse", "other", "better", "found", "gone", "new", "same"]
# Worst first.
KINDS: dict[Kind, str] = {
    "lost": "no longer answered",
    "worse": "a worse verdict",
    "other": "another number",
    "better": "a better verdict",
    "found": "answered now",
    "gone": "only in A",
    "new": "only in B",
    "same": "the same",
}
MOST_MOVED = 10
LONGEST = max(map(len, ORDER))


@dataclass(frozen=True)
class Pair:
    """The answers to a question in two runs; None where it is not among the questions."""

    before: Answer | None
    after: Answer | None

    @property
    def key(self) -> tuple[str, str, str]:
        """Method, model, and check with variant."""
        found = self.before or self.after
        assert found is not None
        return found.key

    @property
    def kind(self) -> Kind:
        """What became of the answer."""
        if self.before is None or self.after is None:
            return "new" if self.before is None else "gone"
        if not is_changed(self.before, self.after):
            return "same"
        if self.before.answered != self.after.answered:
            return "lost" if self.before.answered else "found"
        if self.before.verdict == self.after.verdict:
            return "other"
        return "worse" if is_worse(self.before, self.after) else "better"

    @property
    def distance(self) -> float:
        """How far the intervals are apart."""
        return distance(self.before, self.after) if self.before and self.after else 0.0

    @property
    def threshold(self) -> float | None:
        """The threshold of the run that was last; None if no number was judged."""
        found = [each.threshold for each in (self.after, self.before) if each and each.threshold is not None]
        return found[0] if found else None

    @property
    def moved(self) -> bool:
        """Whether the number moved so far that it is seen in three digits."""
        return bool(self.before and self.after and has_moved(self.before, self.after))

    @property
    def shift(self) -> float | None:
        """How far the number moved; None if there is none in one of the runs."""
        return shift(self.before, self.after) if self.before and self.after else None


@dataclass(frozen=True)
class Difference:
    """Two runs side by side.

    ``names``: of the two. ``started``: when. ``settings`` and ``versions``: what differs, by name, in both runs.
    ``pairs``: of all questions, the worst change first.
    """

    names: tuple[str, str]
    started: tuple[str, str]
    settings: dict[str, tuple[str, str]]
    versions: dict[str, tuple[str, str]]
    pairs: tuple[Pair, ...]

    @property
    def changed(self) -> tuple[Pair, ...]:
        """What is not the same in both."""
        return tuple(pair for pair in self.pairs if pair.kind != "same")

    @property
    def same(self) -> tuple[Pair, ...]:
        """What is the same in both, also if the number moved within its interval."""
        return tuple(pair for pair in self.pairs if pair.kind == "same")


def compare(a: Run, b: Run, names: tuple[str, str]) -> Difference:
    """Return the difference of two runs. ``names``: what they are called, such as their files."""
    before, after = ({record.key: Answer.of_record(record) for record in run.records} for run in (a, b))
    pairs = [Pair(before.get(key), after.get(key)) for key in before | after]
    order = list(KINDS)
    return Difference(
        names,
        (a.started, b.started),
        settings={
            name: (_shown(getattr(a, name)), _shown(getattr(b, name)))
            for name in SETTINGS
            if getattr(a, name) != getattr(b, name)
        },
        versions=_unlike(_versions_in(a), _versions_in(b)),
        pairs=tuple(sorted(pairs, key=lambda pair: (order.index(pair.kind), -pair.distance, -(pair.shift or 0)))),
    )


def lines(difference: Difference) -> Iterator[str]:
    """Yield the difference as text of at most 80 columns, the worst first; of longer names, a line each."""
    for letter, name, started in zip("AB", difference.names, difference.started, strict=True):
        yield from _hanging(f"{letter}  ", f"{plain(name)}{f', of {started}' * bool(started)}")
    for text in circumstances(difference):
        yield from wrapped(text)
    told: set[str] = set()
    for pair in difference.changed:
        yield ""
        yield from wrapped(f"{plain(name_of(*pair.key))}: {KINDS[pair.kind]}")
        for letter, answer in (("A", pair.before), ("B", pair.after)):
            if answer:
                basis = "for the reason above" if answer.why in told else answer.basis
                yield from _hanging(f"  {letter}  {answer.verdict:{LONGEST}}  ", plain(basis))
                told |= {answer.why} - {""}
    moved = [pair for pair in difference.same if pair.moved]
    if moved:
        yield ""
        yield "moved, but the intervals have values in common; the furthest first:"
        for pair in moved[:MOST_MOVED]:
            yield from _hanging(f"  {movement(pair)}  ", plain(name_of(*pair.key)))
        if len(moved) > MOST_MOVED:
            yield f"  and {len(moved) - MOST_MOVED} more, by {moved[MOST_MOVED].shift:.3f} at most"
    yield ""
    for text in counts(difference):
        yield from wrapped(text)


def movement(pair: Pair) -> str:
    """Return how a number moved: ``0.384 -> 0.412``."""
    assert pair.before is not None
    assert pair.after is not None
    return f"{pair.before.interval.mean:6.3f} -> {pair.after.interval.mean:6.3f}"


def circumstances(difference: Difference) -> Iterator[str]:
    """Yield in words which versions and settings differ."""
    for kind, found in (("versions", difference.versions), ("settings", difference.settings)):
        texts = [f"{name} {before} -> {after}" for name, (before, after) in found.items()]
        yield f"{kind}: {plain(', '.join(texts)) if texts else 'the same'}"


def counts(difference: Difference) -> Iterator[str]:
    """Yield in words how many answers changed, and of how many others the number moved."""
    found: dict[Kind, int] = defaultdict(int)
    for pair in difference.pairs:
        found[pair.kind] += 1
    yield f"{len(difference.pairs)} questions: " + ", ".join(
        f"{found[kind]} {words}" for kind, words in KINDS.items() if found[kind]
    )
    numbers = [pair for pair in difference.same if pair.shift is not None]
    if numbers:
        yield f"{sum(pair.moved for pair in numbers)} of {len(numbers)} numbers that count as the same moved"


def _hanging(head: str, text: str) -> Iterator[str]:
    """Yield a text after a head, below which all further lines begin."""
    first, *others = wrapped(text, indent=" " * len(head), further="")
    yield f"{head}{first[len(head) :]}".rstrip()
    yield from others


def _shown(value: Any) -> str:
    return "as needed" if value is None else str(value)  # only the number of images can be None


def _versions_in(run: Run) -> dict[str, str]:
    found: dict[str, set[str]] = defaultdict(set)
    for record in run.records:
        for name, version in record.versions.items():
            found[name].add(version)
    return {name: "/".join(sorted(versions)) for name, versions in found.items()}


def _unlike(a: dict[str, str], b: dict[str, str]) -> dict[str, tuple[str, str]]:
    return {name: (a.get(name, "none"), b.get(name, "none")) for name in a | b if a.get(name) != b.get(name)}
