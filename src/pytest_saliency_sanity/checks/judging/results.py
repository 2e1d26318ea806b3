"""The results of several questions: a list that a notebook shows as a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, SupportsIndex, overload

from ...foundation.ids import split_variant
from ...foundation.tables import data_frame
from .result import CheckResult, StageVerdict
from .tables import table_of

if TYPE_CHECKING:
    from pandas import DataFrame

NAN = float("nan")


class Results(list[CheckResult]):
    """A list of results, which a notebook and ``print`` show as a table; so are slices of it, and sums with others."""

    def to_dataframe(self) -> DataFrame:
        """Return the results as a pandas DataFrame, a row for each. Raises ImportError without it.

        Its numbers are those of the stage that decides: NaN where nothing is defined or no stage was judged.
        """
        return data_frame({name: [value(each) for each in self] for name, value in COLUMNS.items()})

    def _repr_html_(self) -> str:
        """What a notebook shows: a row for each result."""
        return table_of(self).html

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Print what IPython shows on a terminal."""
        printer.text(str(self))

    def __str__(self) -> str:
        return table_of(self).text

    @overload
    def __getitem__(self, place: SupportsIndex) -> CheckResult: ...

    @overload
    def __getitem__(self, place: slice) -> Results: ...

    def __getitem__(self, place: SupportsIndex | slice) -> CheckResult | Results:
        found = super().__getitem__(place)
        return Results(found) if isinstance(found, list) else found

    def __add__(self, other: list[CheckResult]) -> Results:  # type: ignore[override]
        return Results([*self, *other]) if isinstance(other, list) else NotImplemented

    def __radd__(self, other: list[CheckResult]) -> Results:
        return Results([*other, *self]) if isinstance(other, list) else NotImplemented


def _of_stage(value: Callable[[StageVerdict], object], otherwise: object) -> Callable[[CheckResult], object]:
    return lambda result: value(result.deciding) if result.deciding else otherwise


def _or_nan(value: float | None) -> float:
    return NAN if value is None else value


COLUMNS: Mapping[str, Callable[[CheckResult], object]] = {
    "method": lambda result: result.method,
    "model": lambda result: result.model,
    "check": lambda result: split_variant(result.check)[0],
    "variant": lambda result: split_variant(result.check)[1],
    "verdict": lambda result: "not asked" if result.not_asked else result.verdict,
    "finding": lambda result: result.finding,
    "quantity": lambda result: result.quantity if result.deciding else "",
    "stage": _of_stage(lambda stage: stage.stage, ""),
    "statistic": _of_stage(lambda stage: stage.interval.mean, NAN),
    "low": _of_stage(lambda stage: stage.interval.low, NAN),
    "high": _of_stage(lambda stage: stage.interval.high, NAN),
    "must_be": _of_stage(lambda stage: "above" if stage.above else "below", ""),
    "threshold": _of_stage(lambda stage: stage.threshold, NAN),
    "margin": _of_stage(lambda stage: _or_nan(stage.margin), NAN),
    "undefined": _of_stage(lambda stage: stage.undefined, 0),
    "total": _of_stage(lambda stage: stage.total, 0),
    "chance": lambda result: _or_nan(result.measured.chance),
    "sign": lambda result: result.measured.sign,
    "images": lambda result: result.measured.images,
    "draws": lambda result: result.measured.draws,
    "looks": lambda result: result.measured.looks,
    "confidence": lambda result: result.measured.confidence,
    "seed": lambda result: result.measured.seed,
    "findings": lambda result: "; ".join(each.text for each in result.findings),
    "not_asked": lambda result: result.not_asked,
    "expected": lambda result: result.expected,
}
