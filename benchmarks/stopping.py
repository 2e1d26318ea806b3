"""Measure "stop when sure": how often it is wrong, and how many explanations it takes.

    python benchmarks/stopping.py [--tables FILE] [--runs N]

Prints the tables of ``docs/statistics.md``: first of simulated tables of known mean, then of the SRCs of real methods
on the shipped networks, taken in random order. FILE keeps the latter, which take a quarter of an hour on one core; all
else takes two minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr, stdtrit
from scipy.stats import binomtest
from stopping_tables import METHODS, Table, kept_tables

from pytest_saliency_sanity.checks.judging.verdict import LEAST_DEFINED
from pytest_saliency_sanity.foundation.limits import LEAST_IMAGES
from pytest_saliency_sanity.measuring.looks import Look, confidence_at, has_few_images, looks_for, with_one_more
from pytest_saliency_sanity.measuring.statistics import mean_interval

# The scale on which simulated numbers lie, of standard deviation 1: as if 0 to 1 with one of 0.17.
ENDS = (-3.0, 3.0)
CONFIDENCE, FIXED_IMAGES, MOST_IMAGES = 0.95, 40, 1000
RUNS, RUNS_OF_REAL, ORDERS, AT_ONCE = 8000, 1000, 200, 500
LEAST_SCATTER = 1e-6
DRAWS_TRIED = (2, 3, 4, 6, 8)
OF_FIRST_LOOKS = (
    "images dominate",
    "draws dominate",
    "draws dominate, absolute values",
    "draws dominate, two-point",
    "draws dominate, 40 % undefined",
    "images dominate, skewed",
)
OF_NEEDED = (
    "images dominate",
    "draws dominate",
    "residuals dominate",
    "a third each",
    "one version",
    "draws dominate, skewed",
    "draws dominate, every other draw undefined",
    "four draws: a third each",
)
# Its SRCs are crowded at 1: the mean is 0.99.
CROWDED = ("guided_backprop", "alexnet", "cascading_randomization[independent]")
# How far the true mean is from the threshold, in half-widths of the fixed table's interval.
MARGINS = (0.5, 1.0, 2.0, 3.0, 5.0, 10.0)


@dataclass(frozen=True)
class Scenario:
    """What the numbers of a simulated table vary with: shares of their variance, and the law of the effects.

    ``folded``: they are absolute values, as in the mean of |SRC|. ``gone``: how likely a whole draw is undefined.
    ``holes``: how likely any other number is.
    """

    name: str
    images: float
    draws: float
    residuals: float
    law: str = "normal"
    folded: bool = False
    gone: float = 0.0
    holes: float = 0.0
    usual: int = 8
    ends: tuple[float, float] = ENDS

    def tables(self, generator: np.random.Generator, count: int, size: Look) -> np.ndarray:
        """Return tables ``(count, draws, images)`` of mean 0."""
        of_images = self._effects(generator, (count, 1, size.images)) * self.images**0.5
        of_draws = self._effects(generator, (count, size.draws, 1)) * self.draws**0.5
        shape = (count, size.draws, size.images)
        values: np.ndarray = of_images + of_draws + generator.standard_normal(shape) * self.residuals**0.5
        if self.folded:
            values = np.abs(values) - (2 / np.pi) ** 0.5
        if self.gone or self.holes:
            whole = generator.random((count, size.draws, 1)) < self.gone
            values[whole | (generator.random(shape) < self.holes)] = np.nan
        return values

    def _effects(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Return effects of mean 0 and variance 1."""
        if self.law == "skewed":
            return generator.exponential(size=shape) - 1
        if self.law == "uniform":
            return (generator.random(shape) * 2 - 1) * 3**0.5
        if self.law == "two-point":
            return generator.integers(2, size=shape) * 2.0 - 1
        return generator.standard_normal(shape)


THIRD = 1 / 3
SCENARIOS = (
    Scenario("images dominate", 0.8, 0.1, 0.1),
    Scenario("draws dominate", 0.1, 0.8, 0.1),
    Scenario("residuals dominate", 0.1, 0.1, 0.8),
    Scenario("a third each", THIRD, THIRD, THIRD),
    Scenario("draws hardly differ", 0.0, 0.02, 0.98),
    Scenario("one version", 1.0, 0.0, 0.0, usual=1),
    Scenario("one version, skewed", 1.0, 0.0, 0.0, law="skewed", usual=1),
    Scenario("one version, absolute values", 1.0, 0.0, 0.0, folded=True, usual=1),
    Scenario("draws dominate, uniform", 0.1, 0.8, 0.1, law="uniform"),
    Scenario("draws dominate, absolute values", 0.1, 0.8, 0.1, folded=True),
    Scenario("images dominate, absolute values", 0.8, 0.1, 0.1, folded=True),
    Scenario("a third each, absolute values", THIRD, THIRD, THIRD, folded=True),
    Scenario("images dominate, skewed", 0.8, 0.1, 0.1, law="skewed"),
    Scenario("draws dominate, skewed", 0.1, 0.8, 0.1, law="skewed"),
    Scenario("draws dominate, two-point", 0.1, 0.8, 0.1, law="two-point"),
    Scenario("draws dominate, 40 % undefined", 0.1, 0.8, 0.1, gone=0.3, holes=0.15),
    Scenario("a third each, 40 % undefined", THIRD, THIRD, THIRD, gone=0.3, holes=0.15),
    Scenario("draws dominate, every other draw undefined", 0.1, 0.8, 0.1, gone=0.5),
    Scenario("four draws: residuals dominate", 0.2, 0.0, 0.8, usual=4),
    Scenario("four draws: a third each", THIRD, THIRD, THIRD, usual=4),
    Scenario("four draws: draws dominate, two-point", 0.1, 0.8, 0.1, law="two-point", usual=4),
    Scenario("four draws: draws dominate, 40 % undefined", 0.1, 0.8, 0.1, gone=0.3, holes=0.15, usual=4),
)


@dataclass(frozen=True)
class Real:
    """A measured table ``(draws, images)`` as a population: rows and columns are drawn from it with replacement."""

    values: np.ndarray
    usual: int

    @property
    def mean(self) -> float:
        """The true mean."""
        return mean_interval(self.values).mean

    @property
    def ends(self) -> tuple[float, float]:
        """The ends of the scale, if the true mean is at 0. The threshold is placed there, but it is never below 0."""
        return (0.0 if self.mean > 0 else -1.0) - self.mean, 1 - self.mean

    def tables(self, generator: np.random.Generator, count: int, size: Look) -> np.ndarray:
        """Return tables ``(count, draws, images)`` of mean 0."""
        draws, images = self.values.shape
        rows = generator.integers(draws, size=(count, size.draws, 1))
        centred: np.ndarray = self.values - self.mean
        return centred[rows, generator.integers(images, size=(count, 1, size.images))]


class Estimate(NamedTuple):
    """Means of tables ``(count,)``, their standard errors, the degrees of freedom, and whether enough is defined."""

    mean: np.ndarray
    error: np.ndarray
    freedom: np.ndarray
    enough: np.ndarray

    def half_width(self, confidence: float) -> np.ndarray:
        """Return half the width of the intervals, ``(count,)``."""
        half: np.ndarray = stdtrit(self.freedom, (1 + confidence) / 2) * self.error
        return half

    def sides(self, threshold: float, confidence: float) -> np.ndarray:
        """Return on which side of a threshold each whole interval is: -1 below, 1 above, 0 if it holds it."""
        away = self.mean - threshold
        with np.errstate(divide="ignore", invalid="ignore"):
            tail = stdtr(self.freedom, -np.abs(away) / self.error)
        clear = self.enough & (away != 0) & ((self.error == 0) | (tail < (1 - confidence) / 2))
        return np.where(clear, np.sign(away), 0).astype(int)


def estimate(tables: np.ndarray) -> Estimate:
    """Return ``mean_interval`` of many tables ``(count, draws, images)`` at once, not cut off at -1 and 1."""
    seen = ~np.isnan(tables)
    weights, values = seen.astype(float), np.nan_to_num(tables)
    per_image, per_draw = weights.sum(1), weights.sum(2)
    has_image, has_draw = per_image > 0, per_draw > 0
    images, draws = has_image.sum(1), has_draw.sum(1)
    by_image = values.sum(1) / np.maximum(per_image, 1)
    scaled = weights / np.maximum(per_image, 1)[:, None]
    equations = -scaled @ weights.transpose(0, 2, 1)
    every = np.arange(tables.shape[1])
    equations[:, every, every] += per_draw
    right = ((values - by_image[:, None]) * weights).sum(2)
    if seen.all():  # the same, without a pseudo-inverse
        of_draws = right / tables.shape[2]
    else:
        of_draws = (np.linalg.pinv(equations, rcond=1e-10, hermitian=True) @ right[:, :, None])[:, :, 0]
    of_images = by_image - (of_draws[:, None] @ scaled)[:, 0]
    mean, from_images = _mean_and_variance(of_images, has_image)
    _, of_seeds = _mean_and_variance(of_draws, has_draw)
    residuals = np.where(seen, values - of_images[:, None] - of_draws[:, :, None], 0)
    defined = weights.sum((1, 2))
    left = defined - images - draws + 1
    noise = (residuals**2).sum((1, 2)) / np.maximum(left, 1) / np.maximum(defined, 1) * draws
    counts = (draws > 1) & (left > 0) & (of_seeds > noise)
    from_draws = np.where(counts, of_seeds, 0) / np.maximum(draws, 1)
    from_images = from_images / np.maximum(images, 1)
    variance = from_images + from_draws
    terms = from_images**2 / np.maximum(images - 1, 1) + from_draws**2 / np.maximum(draws - 1, 1)
    enough = (images >= LEAST_IMAGES) & (defined >= LEAST_DEFINED * tables[0].size)
    return Estimate(mean, variance**0.5, variance**2 / np.maximum(terms, 1e-300), enough)


def _mean_and_variance(values: np.ndarray, there: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    count = there.sum(1)
    mean = np.where(there, values, 0).sum(1) / np.maximum(count, 1)
    squares = np.where(there, values - mean[:, None], 0) ** 2
    return mean, squares.sum(1) / np.maximum(count - 1, 1)


class Seen(NamedTuple):
    """What is seen at a look: the estimate and, with few images, those with one more at each end of the scale."""

    plain: Estimate
    lower: Estimate | None = None
    upper: Estimate | None = None

    def sides(self, threshold: float, confidence: float) -> np.ndarray:
        """Return the side decided on, -1 below or 1 above the threshold; 0 if none."""
        sides = self.plain.sides(threshold, confidence)
        for side, other in ((-1, self.upper), (1, self.lower)):
            if other is not None:
                sides = np.where((sides == side) & (other.sides(threshold, confidence) != side), 0, sides)
        return sides


def seen_at(look: Look, looks: Sequence[Look], tables: np.ndarray, ends: tuple[float, float] = (0.0, 1.0)) -> Seen:
    """Return what is seen of tables ``(count, draws, images)`` at a look."""
    part = tables[:, : look.draws, : look.images]
    if not has_few_images(look, looks):
        return Seen(estimate(part))
    return Seen(estimate(part), *(estimate(with_one_more(part, end)) for end in ends))


class Outcome(NamedTuple):
    """What came of a plan in many runs: the side decided on (-1, 0 if none, 1), and the explanations it took."""

    sides: np.ndarray
    explanations: np.ndarray


def stopped(at: Mapping[Look, Seen], looks: Sequence[Look], threshold: float, confidence: float) -> Outcome:
    """Return the outcome of stopping at the first of the looks whose interval, of this confidence, is clear."""
    sides = np.zeros(at[looks[0]].plain.mean.shape, dtype=int)
    explanations = np.full_like(sides, looks[-1].explanations)
    for look in looks:
        found = np.where(sides == 0, at[look].sides(threshold, confidence), 0)
        explanations[found != 0] = look.explanations
        sides += found
    return Outcome(sides, explanations)


class Plans(NamedTuple):
    """The estimates of simulated tables at every look, and the two plans: the fixed table and the looks."""

    at: dict[Look, Seen]
    fixed: tuple[Look, ...]
    looks: tuple[Look, ...]

    def outcome(self, threshold: float, *, looks: bool, corrected: bool = True) -> Outcome:
        """Return the outcome of one of the plans."""
        plan = self.looks if looks else self.fixed
        confidence = confidence_at(CONFIDENCE, len(plan) if corrected else 1)
        return stopped(self.at, plan, threshold, confidence)

    @property
    def half(self) -> float:
        """The median half-width of the fixed table's interval."""
        return float(np.nanmedian(self.at[self.fixed[0]].plain.half_width(CONFIDENCE)))


def simulated(scenario: Scenario | Real, runs: int) -> Plans:
    """Return the estimates of ``runs`` simulated tables."""
    looks = looks_for(MOST_IMAGES, scenario.usual)
    fixed = looks_for(MOST_IMAGES, scenario.usual, fixed=FIXED_IMAGES)
    generator = np.random.default_rng(0)
    largest = Look(max(each.images for each in looks), max(each.draws for each in looks))
    parts: dict[Look, list[Seen]] = {look: [] for look in {*looks, *fixed}}
    for _ in range(0, runs, AT_ONCE):
        tables = scenario.tables(generator, AT_ONCE, largest)
        for look, found in parts.items():
            found.append(seen_at(look, looks, tables, scenario.ends))
    at = {look: together(found) for look, found in parts.items()}
    return Plans(at, fixed, looks)


def together(parts: Sequence[Seen]) -> Seen:
    """Return what is seen of all tables of several parts."""
    plain, lower, upper = (
        None if each[0] is None else Estimate(*map(np.concatenate, zip(*each, strict=True)))
        for each in zip(*parts, strict=True)
    )
    assert plain is not None
    return Seen(plain, lower, upper)


def print_wrong(plans: Mapping[str, Plans]) -> None:
    """Print how often verdicts are wrong, with the true mean at the threshold and close to it."""
    print("| effects | fixed table | looks at 95 % each | looks | below + above | 1/4 above | 1/4 below |")
    print("|---|---|---|---|---|---|---|")
    for name, of in plans.items():
        at_threshold = of.outcome(0.0, looks=True)
        plain = of.outcome(0.0, looks=True, corrected=False)
        below, above = (at_threshold.sides == -1), (at_threshold.sides == 1)
        near = of.half / 4
        cells = [
            share(of.outcome(0.0, looks=False).sides != 0),
            share(plain.sides != 0),
            f"**{share(at_threshold.sides != 0)}**",
            f"{100 * below.mean():.1f} + {100 * above.mean():.1f}",
            f"{100 * np.mean(of.outcome(near, looks=True).sides == 1):.1f}",
            f"{100 * np.mean(of.outcome(-near, looks=True).sides == -1):.1f}",
        ]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def share(wrong: np.ndarray) -> str:
    """Return a share in per cent, with its 95 % binomial interval."""
    low, high = binomtest(int(wrong.sum()), wrong.size).proportion_ci()
    return f"{100 * wrong.mean():.1f} ({100 * low:.1f} to {100 * high:.1f})"


def print_first_looks(tables: Sequence[Table]) -> None:
    """Print how often a single look of ten images is wrong, with the true mean at the threshold, by its draws."""
    confidence = confidence_at(CONFIDENCE, 4)
    print(f"\n| effects | {' | '.join(f'{draws} draws' for draws in DRAWS_TRIED)} | {DRAWS_TRIED[-1]}, one more |")
    print(f"|---|{'---|' * (len(DRAWS_TRIED) + 1)}")
    worst = next(table for table in tables if table[:3] == CROWDED)
    tried: dict[str, Scenario | Real] = {each.name: each for each in SCENARIOS if each.name in OF_FIRST_LOOKS}
    tried[f"`{worst.method}` on {worst.network}"] = Real(worst.values, worst.usual)
    for name, each in tried.items():
        values = each.tables(np.random.default_rng(0), RUNS // 2, Look(LEAST_IMAGES, DRAWS_TRIED[-1]))
        wrong = [estimate(values[:, :draws]).sides(0.0, confidence) != 0 for draws in DRAWS_TRIED]
        first, second = Look(LEAST_IMAGES, DRAWS_TRIED[-1]), Look(FIXED_IMAGES, DRAWS_TRIED[-1])
        wrong.append(seen_at(first, (first, second), values, each.ends).sides(0.0, confidence) != 0)
        print(f"| {name} | {' | '.join(f'{100 * one.mean():.1f}' for one in wrong)} |", flush=True)


def print_needed(plans: Mapping[str, Plans]) -> None:
    """Print how many verdicts are inconclusive and how many explanations they take, by distance to the threshold."""
    print(f"\n| effects | {' | '.join(f'{margin:g}' for margin in MARGINS)} |")
    print(f"|---|{'---|' * len(MARGINS)}")
    for name, of in plans.items():
        if name not in OF_NEEDED:
            continue
        cells = []
        for margin in MARGINS:
            found = [of.outcome(side * margin * of.half, looks=True) for side in (-1, 1)]
            fixed = [of.outcome(side * margin * of.half, looks=False) for side in (-1, 1)]
            needed = np.concatenate([each.explanations for each in found])
            unclear, before = (100 * np.mean([each.sides == 0 for each in plan]) for plan in (found, fixed))
            cells.append(f"{needed.mean():.0f} ({np.median(needed):.0f}); {unclear:.0f} %, was {before:.0f} %")
        print(f"| {name} (was {of.fixed[0].explanations}) | {' | '.join(cells)} |", flush=True)


class Replay(NamedTuple):
    """What came of a question when real SRCs were taken in many random orders.

    ``fixed``, ``verdicts``: of the fixed table and of the looks, in each order. ``explanations``: what the latter took.
    """

    method: str
    network: str
    question: str
    usual: int
    fixed: list[str]
    verdicts: list[str]
    explanations: list[int]

    @property
    def before(self) -> int:
        """What the fixed table takes."""
        return FIXED_IMAGES * self.usual


def replay(tables: Sequence[Table], generator: np.random.Generator) -> Replay:
    """Ask a question again and again of all tables of its stages, each time in another order of images and draws."""
    method, network, question, _, values, usual, *_ = tables[0]
    draws, images = values.shape
    looks = looks_for(MOST_IMAGES, usual)
    there = dict.fromkeys(Look(min(look.images, images), min(look.draws, draws)) for look in looks)
    orders = [(generator.permutation(draws), generator.permutation(images)) for _ in range(ORDERS)]
    (table,) = looks_for(images, usual, fixed=FIXED_IMAGES)
    fixed = verdicts_at(tables, orders, table, (table,))
    verdicts, explanations = ["inconclusive"] * ORDERS, [0] * ORDERS
    left = list(range(ORDERS))
    for look in there:
        found = verdicts_at(tables, [orders[run] for run in left], look, looks)
        for run, verdict in zip(left, found, strict=True):
            verdicts[run], explanations[run] = verdict, look.explanations
        left = [run for run in left if verdicts[run] not in ("passed", "failed")]
        if not left:
            break
    return Replay(method, network, question, usual, fixed, verdicts, explanations)


def verdicts_at(
    tables: Sequence[Table], orders: Sequence[tuple[np.ndarray, np.ndarray]], look: Look, looks: Sequence[Look]
) -> list[str]:
    """Return the verdict on all stages, in each order of draws and images: failed if one fails, passed if all pass."""
    confidence = confidence_at(CONFIDENCE, len(looks))
    sides = []  # 1 if a stage passes, -1 if it fails
    for table in tables:
        cut = np.stack([table.values[rows[: look.draws]][:, columns[: look.images]] for rows, columns in orders])
        side = seen_at(look, looks, cut).sides(table.threshold, confidence)
        sides.append(side if table.above else -side)
    names = {-1: "failed", 0: "inconclusive", 1: "passed"}
    return [names[worst] for worst in np.min(sides, 0).tolist()]


def print_replay(replays: Sequence[Replay]) -> None:
    """Print for each question and method after how many explanations it was decided, and all verdicts that differ."""
    print(f"\n| question | fixed table | {' | '.join(f'`{method}`' for method in METHODS)} |")
    print(f"|---|---|{'---|' * len(METHODS)}")
    for question in dict.fromkeys(each.question for each in replays):
        of = [each for each in replays if each.question == question]
        cells = [", ".join(map(needed, (each for each in of if each.method == method))) for method in METHODS]
        print(f"| `{question}` | {of[0].before} | {' | '.join(cells)} |")
    print()
    for each in replays:
        if len({*each.fixed, *each.verdicts}) > 1:
            verdicts = f"fixed table {tally(each.fixed)}; looks {tally(each.verdicts)}"
            print(f"- `{each.question}` for `{each.method}` on {each.network}: {verdicts}")
    print("\n| method | questions | median of the fixed table's explanations | mean | opposite verdicts |")
    print("|---|---|---|---|---|")
    for method in (*METHODS, "all"):
        of = [each for each in replays if method in (each.method, "all")]
        shares = np.concatenate([np.array(each.explanations) / each.before for each in of])
        opposite = sum(
            {one, other} == {"passed", "failed"}
            for each in of
            for one, other in zip(each.fixed, each.verdicts, strict=True)
        )
        print(
            f"| {method} | {len(of)} | {100 * np.median(shares):.0f} % | {100 * shares.mean():.0f} % "
            f"| {opposite} of {len(of) * ORDERS} |"
        )


def print_real_effects(tables: Sequence[Table]) -> None:
    """Print how often verdicts are wrong if the threshold lies at the mean of a real table: the median, and the worst.

    Left out: tables that hardly vary, and those where not enough is defined.
    """
    print("\n| question | tables | fixed table: median, worst | looks at 95 % each | looks |")
    print("|---|---|---|---|---|")
    for question in dict.fromkeys(table.question for table in tables):
        wrong = []
        for table in tables:
            if table.question != question or not np.nanstd(table.values) > LEAST_SCATTER:
                continue
            of = simulated(Real(table.values, table.usual), RUNS_OF_REAL)
            plans = ({"looks": False}, {"looks": True, "corrected": False}, {"looks": True})
            wrong.append([100 * np.mean(of.outcome(0.0, **plan).sides != 0) for plan in plans])
        if wrong:
            cells = [f"{np.median(each):.1f}, {max(each):.1f}" for each in zip(*wrong, strict=True)]
            print(f"| `{question}` | {len(wrong)} | {' | '.join(cells)} |", flush=True)


def needed(replay: Replay) -> str:
    """Return how many explanations a question took: the median, and if it differs where 95 % of the orders stopped."""
    median, most = np.quantile(replay.explanations, [0.5, 0.95], method="higher")
    return f"{median}" if median == most else f"{median} to {most}"


def tally(verdicts: Sequence[str]) -> str:
    """Return how often each verdict occurred; its name alone if it is the only one."""
    counts = {verdict: verdicts.count(verdict) for verdict in ("passed", "failed", "inconclusive")}
    named = [(verdict, count) for verdict, count in counts.items() if count]
    if len(named) == 1:
        return named[0][0]
    return ", ".join(f"{verdict} {100 * count / len(verdicts):.0f} %" for verdict, count in named)


def questions(tables: Sequence[Table]) -> Iterator[list[Table]]:
    """Yield the tables of each method, network and question: those of its stages."""
    for key in dict.fromkeys(table[:3] for table in tables):
        yield [table for table in tables if table[:3] == key]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--tables", type=Path, default=Path("stopping.npz"))
    options.add_argument("--runs", type=int, default=RUNS)
    given = options.parse_args()
    plans = {scenario.name: simulated(scenario, given.runs) for scenario in SCENARIOS}
    print_wrong(plans)
    print_needed(plans)
    generator, tables = np.random.default_rng(0), kept_tables(given.tables)
    print_replay([replay(stages, generator) for stages in questions(tables)])
    print_real_effects(tables)
    print_first_looks(tables)


if __name__ == "__main__":
    main()
