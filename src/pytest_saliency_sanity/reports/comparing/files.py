"""The difference of two runs as files: Markdown, and a figure of what changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...drawing.dumbbells import draw_dumbbells
from ...drawing.style import as_png, as_svg, length_of, new_figure, require_matplotlib
from ...foundation.files import write_whole
from ...measuring.interval import Interval
from ..markdown import escaped
from ..text.columns import plain, shortened
from .answers import UNDEFINED as NOTHING
from .answers import Answer, name_of
from .difference import KINDS, Difference, Pair, circumstances, counts, movement

NAME = "comparison"
MOST_ROWS = 40  # in a figure
LONGEST_NAME = 70  # characters of a name in a figure


def write(difference: Difference, folder: Path, *, drawn: bool) -> list[Path]:
    """Write a difference into an existing folder; return the paths.

    ``drawn``: whether to draw, if a number moved. Raises OSError if the folder takes no file.
    """
    contents: dict[str, str | bytes] = {}
    drawable = rows(difference) if drawn else []
    if drawable:
        svg, png = figure(difference, drawable)
        contents = {f"{NAME}.svg": svg, f"{NAME}.png": png}
    contents[f"{NAME}.md"] = "\n".join(markdown(difference, picture=bool(drawable))) + "\n"
    for name, content in contents.items():
        write_whole(folder / name, content)
    return [folder / name for name in contents]


def markdown(difference: Difference, *, picture: bool) -> Iterator[str]:
    """Yield the lines of a Markdown page. ``picture``: whether the figure lies beside it."""
    yield "# Comparison of two runs"
    yield ""
    for letter, name, started in zip("AB", difference.names, difference.started, strict=True):
        yield f"- {letter}: {escaped(name)}{f', of {escaped(started)}' * bool(started)}"
    for text in (*circumstances(difference), *counts(difference)):
        yield f"- {escaped(text)}"
    if difference.changed:
        yield ""
        yield "| method | model | check | A | B | change |"
        yield "|---|---|---|---|---|---|"
        for pair in difference.changed:
            cells = (*pair.key, _cell(pair.before), _cell(pair.after), KINDS[pair.kind])
            yield f"| {' | '.join(map(escaped, cells))} |"
    if reasons := dict.fromkeys(why for pair in difference.changed for why in _reasons(pair)):
        yield ""
        yield "Why there is no verdict:"
        yield ""
        yield from (f"- {escaped(why)}" for why in reasons)
    if moved := [pair for pair in difference.same if pair.moved]:
        yield ""
        yield "| moved, but the intervals have values in common | A -> B |"
        yield "|---|---|"
        for pair in moved:
            yield f"| {escaped(name_of(*pair.key))} | {escaped(movement(pair))} |"
    if picture:
        yield ""
        yield f"![The numbers that moved, with their intervals in both runs, what changed first]({NAME}.svg)"


def rows(difference: Difference) -> list[Pair]:
    """Return what is drawn: pairs with a number that moved, came or went, what changed first."""
    return [
        pair
        for pair in difference.pairs
        if (pair.moved or pair.kind != "same")
        and any(_range(each) is not NOTHING for each in (pair.before, pair.after))
    ][:MOST_ROWS]


def figure(difference: Difference, pairs: list[Pair]) -> tuple[str, bytes]:
    """Return the figure of pairs with a number, as SVG and PNG. Raises ImportError without matplotlib."""
    require_matplotlib()
    names = _names(pairs)
    by_name = dict(zip(names, pairs, strict=True))
    left = 0.15 + max(map(length_of, names))
    drawing, axes = new_figure(left + 4.2, 0.75 + 0.26 * len(names), left=left, bottom=0.45)
    draw_dumbbells(
        axes,
        {name: _range(pair.before) for name, pair in by_name.items()},
        {name: _range(pair.after) for name, pair in by_name.items()},
        labels=(_label("A", difference.names[0]), _label("B", difference.names[1])),
        quantity="what each check judges: similarity, SRC or a share of mass",
        limits={name: pair.threshold for name, pair in by_name.items() if pair.threshold is not None},
        faint=frozenset(name for name, pair in by_name.items() if pair.kind == "same"),
    )
    return as_svg(drawing), as_png(drawing)


def _names(pairs: list[Pair]) -> list[str]:
    """Return a name for each pair that fits a figure, no two the same."""
    names: list[str] = []
    for pair in pairs:
        name = shortened(plain(name_of(*pair.key)), LONGEST_NAME)
        while name in names:
            name += "'"
        names.append(name)
    return names


def _label(letter: str, name: str) -> str:
    return f"{letter}: {shortened(plain(name), 36)}"


def _cell(answer: Answer | None) -> str:
    return answer.short if answer else ""


def _range(answer: Answer | None) -> Interval:
    return answer.interval if answer and answer.interval.defined else NOTHING


def _reasons(pair: Pair) -> list[str]:
    return [each.why for each in (pair.before, pair.after) if each and each.why]
